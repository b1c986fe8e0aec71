"""Prepaid credits: packs, what somebody has, and the ledger."""

from django.urls import path, re_path

from fablab.urls.people import FILE
from fablab.views import credit_packs, credits

urlpatterns = [
    path("me/credits/", credits.mine, name="me-credits"),
    path("manage/rules/credits/", credit_packs.packs, name="rules-credits"),
    path("manage/rules/credits/new/", credit_packs.pack_new, name="rules-pack-new"),
    path("manage/rules/credits/<int:pk>/", credit_packs.pack, name="rules-pack"),
    re_path(
        r"^manage/rules/credits/(?P<pk>\d{1,18})/(?P<deed>archive|restore)/$",
        credit_packs.act,
        name="rules-pack-act",
    ),
    re_path(FILE + "credits/$", credits.of_person, name="people-credits"),
    re_path(FILE + "credits/give/$", credits.give, name="people-credits-give"),
    re_path(FILE + "credits/correct/$", credits.correct, name="people-credits-correct"),
    re_path(FILE + r"credits\.csv$", credits.table, name="people-credits-csv"),
]
