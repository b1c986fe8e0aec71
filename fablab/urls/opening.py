"""When a site is open and watched over: seasons, peak hours, the year, the rota; what goes with what."""

from django.urls import path, re_path

from fablab.views import rota, settings_goes_with, settings_seasons

_SITE = "manage/settings/places/<slug:slug>"
_THING = r"^manage/settings/(?P<kind>machines|rooms)/(?P<slug>[-\w]+)/goes-with/"

urlpatterns = [
    path(f"{_SITE}/seasons/", settings_seasons.seasons, name="settings-seasons"),
    path(f"{_SITE}/peak/", settings_seasons.peak, name="settings-peak"),
    path(f"{_SITE}/year/", settings_seasons.year, name="settings-year"),
    path("manage/settings/seasons/<int:pk>/", settings_seasons.season, name="settings-season"),
    path("manage/settings/seasons/<int:pk>/remove/", settings_seasons.season_remove, name="settings-season-remove"),
    path("manage/rota/", rota.rota, name="manage-rota"),
    path("manage/rota/<slug:slug>/add/", rota.rota_add, name="manage-rota-add"),
    path("manage/rota/<int:pk>/drop/", rota.shift_drop, name="manage-rota-drop"),
    re_path(f"{_THING}$", settings_goes_with.goes_with, name="settings-goes-with"),
    re_path(f"{_THING}remove/$", settings_goes_with.goes_with_remove, name="settings-goes-with-remove"),
]
