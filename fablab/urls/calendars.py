"""Calendars that other programs read, and where people and managers make their addresses."""

from django.urls import path

from fablab.views import calendars, settings_calendars

urlpatterns = [
    path("calendar/<slug:token>.ics", calendars.feed, name="calendar-feed"),
    path("me/calendar/", calendars.mine, name="me-calendars"),
    path("me/calendar/<int:pk>/revoke/", calendars.revoke, name="me-calendar-revoke"),
    path("manage/settings/places/<slug:slug>/calendars/", settings_calendars.calendars, name="settings-calendars"),
    path("manage/settings/calendars/<int:pk>/revoke/", settings_calendars.revoke, name="settings-calendar-revoke"),
]
