"""The reception desk, tickets and the call list."""

from django.urls import URLPattern, path, re_path

from fablab.views import desk, desk_groups, desk_reservations

urlpatterns: list[URLPattern] = [
    path("desk/", desk.desk, name="desk"),
    path("desk/welcome/", desk.welcome, name="desk-welcome"),
    path("desk/arrives/", desk.arrives, name="desk-arrives"),
    path("desk/leaves/<int:pk>/", desk.leaves, name="desk-leaves"),
    path("desk/people/<slug:reference>/", desk.person, name="desk-person"),
    path("desk/seats/<slug:slug>/start/", desk.seat, name="desk-seat"),
    re_path(
        r"^desk/reservations/(?P<reference>\w+)/(?P<action>check-in|extend|finish|cancel)/$",
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
    path("desk/groups/", desk_groups.groups, name="desk-groups"),
    path("desk/groups/<slug:reference>/cancel-following/", desk_groups.cancel_following, name="desk-group-cancel"),
]
