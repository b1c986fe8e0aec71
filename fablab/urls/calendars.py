"""Calendars and messages that other programs read, and where people and managers make their addresses; calendars of
others that take a machine."""

from django.urls import path

from fablab.views import calendars, settings_calendars, settings_calendars_in

_MACHINE = "manage/settings/machines/<slug:slug>"

urlpatterns = [
    path("calendar/<slug:token>.ics", calendars.feed, name="calendar-feed"),
    path("calendar/<slug:token>/<slug:seal>.atom", calendars.messages_feed, name="messages-feed"),
    path("me/calendar/", calendars.mine, name="me-calendars"),
    path("me/calendar/<int:pk>/revoke/", calendars.revoke, name="me-calendar-revoke"),
    path("manage/settings/places/<slug:slug>/calendars/", settings_calendars.calendars, name="settings-calendars"),
    path("manage/settings/calendars/<int:pk>/revoke/", settings_calendars.revoke, name="settings-calendar-revoke"),
    path(f"{_MACHINE}/calendars/", settings_calendars_in.calendars, name="settings-calendars-in"),
    path("manage/settings/calendars-in/<int:pk>/read/", settings_calendars_in.read, name="settings-calendar-in-read"),
    path(
        "manage/settings/calendars-in/<int:pk>/remove/",
        settings_calendars_in.remove,
        name="settings-calendar-in-remove",
    ),
]
