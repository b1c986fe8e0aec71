"""What a team reserved and made: who comes, all its reservations, its log, its files. Teams themselves: people.py."""

from django.urls import URLPattern, path, re_path

from fablab.views import team_log, team_people, team_work

urlpatterns: list[URLPattern] = [
    path("reservations/<slug:reference>/people/", team_people.people, name="team-people"),
    path("reservations/<slug:reference>/people/leave/", team_people.leave, name="team-people-leave"),
    path("teams/<slug:slug>/reservations/", team_work.work, name="team-reservations"),
    path("teams/<slug:slug>/reservations.csv", team_work.table, name="team-reservations-csv"),
    path("teams/<slug:slug>/log/", team_log.log, name="team-log"),
    re_path(
        r"^teams/(?P<slug>[-\w]+)/log/(?P<reference>\w+)/(?P<deed>note|leave-out|put-back)/$",
        team_log.act,
        name="team-log-act",
    ),
    path("teams/<slug:slug>/files/", team_log.files, name="print-team-files"),
    path("teams/<slug:slug>/files/<slug:reference>/again/", team_log.again, name="print-team-again"),
    path("prints/<slug:reference>/team/", team_log.choose, name="print-team"),
]
