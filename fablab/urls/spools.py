"""Filament: the spools that there are, and what prints cost."""

from django.urls import path, re_path

from fablab.views import print_prices, spools

_SPOOL = r"^manage/spools/(?P<reference>\w+)/"
_PRICES = "manage/print-prices/"

urlpatterns = [
    path("manage/spools/", spools.spools, name="manage-spools"),
    path("manage/spools/new/", spools.spool_new, name="manage-spool-new"),
    re_path(_SPOOL + "$", spools.spool, name="manage-spool"),
    re_path(_SPOOL + "edit/$", spools.spool_edit, name="manage-spool-edit"),
    re_path(_SPOOL + "weigh/$", spools.spool_weigh, name="manage-spool-weigh"),
    re_path(_SPOOL + "hang/$", spools.spool_hang, name="manage-spool-hang"),
    re_path(_SPOOL + "(?P<deed>off|retire|restore)/$", spools.act, name="manage-spool-act"),
    path(_PRICES, print_prices.prices, name="manage-print-prices"),
    path(f"{_PRICES}<slug:slug>/", print_prices.price, name="manage-print-price"),
    path(f"{_PRICES}<slug:slug>/kinds/<slug:kind>/", print_prices.price, name="manage-print-price-kind"),
    path(f"{_PRICES}<slug:slug>/kinds/<slug:kind>/remove/", print_prices.remove, name="manage-print-price-remove"),
]
