from django.urls import path, re_path

from fablab.api.machines import MachineDetail, Machines
from iot.api import Devices, Enrol, UsageSessions
from printing.api import PrintJobAction, PrintJobDetail, PrintJobs
from reservations import api as reservations
from reservations import calendar_api as calendars
from reservations import life_api as life
from reservations import series_api as series

urlpatterns = [
    path("machines/", Machines.as_view(), name="api-machines"),
    path("machines/<slug:slug>/", MachineDetail.as_view(), name="api-machine"),
    path("machines/<slug:slug>/calendar/", calendars.MachineCalendar.as_view(), name="api-machine-calendar"),
    path("calendar/", calendars.Calendar.as_view(), name="api-calendar"),
    path("availability/", calendars.Availability.as_view(), name="api-availability"),
    path("reservations/", reservations.ReservationList.as_view(), name="api-reservations"),
    path("reservations/<slug:reference>/", reservations.ReservationDetail.as_view(), name="api-reservation"),
    path("reservations/<slug:reference>/cancel/", reservations.Cancel.as_view(), name="api-reservation-cancel"),
    path(
        "reservations/<slug:reference>/participants/",
        reservations.Participants.as_view(),
        name="api-reservation-participants",
    ),
    path("reservations/<slug:reference>/check-in/", reservations.CheckIn.as_view(), name="api-reservation-check-in"),
    path("reservations/<slug:reference>/finish/", reservations.Finish.as_view(), name="api-reservation-finish"),
    path("reservations/<slug:reference>/approve/", life.Approve.as_view(), name="api-reservation-approve"),
    path("reservations/<slug:reference>/refuse/", life.Refuse.as_view(), name="api-reservation-refuse"),
    path("reservations/<slug:reference>/accept/", life.Accept.as_view(), name="api-reservation-accept"),
    path("reservations/<slug:reference>/decline/", life.Decline.as_view(), name="api-reservation-decline"),
    path("reservations/<slug:reference>/move-dates/", series.MoveDates.as_view(), name="api-series-move"),
    path("reservations/<slug:reference>/cancel-dates/", series.CancelDates.as_view(), name="api-series-cancel"),
    path("series/", series.SeriesList.as_view(), name="api-series"),
    path("waiting/", life.WaitingList.as_view(), name="api-waiting"),
    path("waiting/<slug:reference>/", life.WaitingPlace.as_view(), name="api-waiting-place"),
    path("usage-sessions/", UsageSessions.as_view(), name="api-usage-sessions"),
    path("devices/", Devices.as_view(), name="api-devices"),
    re_path(r"^devices/enrol/?$", Enrol.as_view(), name="api-enrol"),
    path("print-jobs/", PrintJobs.as_view(), name="api-print-jobs"),
    path("print-jobs/<slug:reference>/", PrintJobDetail.as_view(), name="api-print-job"),
    re_path(
        r"^print-jobs/(?P<reference>\w+)/(?P<action>pause|resume|cancel)/$",
        PrintJobAction.as_view(),
        name="api-print-job-action",
    ),
]
