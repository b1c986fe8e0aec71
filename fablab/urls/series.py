"""A reservation on many dates."""

from django.urls import URLPattern, path

from fablab.views import series

urlpatterns: list[URLPattern] = [
    path("reserve/repeat/", series.repeat, name="reserve-repeat"),
    path("reservations/<slug:reference>/dates/", series.dates, name="series-dates"),
    path("reservations/<slug:reference>/dates/move/", series.move, name="series-move"),
    path("reservations/<slug:reference>/dates/cancel/", series.cancel, name="series-cancel"),
]
