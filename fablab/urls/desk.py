"""The reception desk, tickets and the call list; and machines that break, which a lab without a desk has too."""

from django.urls import URLPattern, path, re_path

from fablab.views import desk, desk_calls, desk_groups, desk_reservations, faults

urlpatterns: list[URLPattern] = [
    path("desk/", desk.desk, name="desk"),
    path("desk/welcome/", desk.welcome, name="desk-welcome"),
    path("desk/arrives/", desk.arrives, name="desk-arrives"),
    path("desk/leaves/<int:pk>/", desk.leaves, name="desk-leaves"),
    path("desk/people/<slug:reference>/", desk.person, name="desk-person"),
    path("desk/seats/<slug:slug>/start/", desk.seat, name="desk-seat"),
    re_path(
        r"^desk/reservations/(?P<reference>\w+)/(?P<action>check-in|extend|finish|cancel|free)/$",
        desk_reservations.act,
        name="desk-reservation",
    ),
    path("desk/tickets/<slug:reference>/", desk_reservations.ticket, name="desk-ticket"),
    re_path(
        r"^desk/tickets/(?P<reference>\w+)/(?P<paper>a5|80mm)\.pdf$",
        desk_reservations.ticket_file,
        name="desk-ticket-file",
    ),
    path("desk/calls/", desk_reservations.calls, name="desk-calls"),
    re_path(r"^desk/calls/(?P<pk>\d{1,18})/(?P<answer>told|not-reached)/$", desk_calls.called, name="desk-call"),
    path("desk/today.pdf", desk_calls.today, name="desk-today"),
    path("manage/broken/", faults.report, name="fault-report"),
    path("manage/broken/<int:pk>/lift/", faults.lift, name="fault-lift"),
    path("desk/groups/", desk_groups.groups, name="desk-groups"),
    path("desk/groups/<slug:reference>/cancel-following/", desk_groups.cancel_following, name="desk-group-cancel"),
]
