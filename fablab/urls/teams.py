"""What a team reserved: who comes to it, and the list of all of it. The teams themselves: people.py."""

from django.urls import URLPattern, path

from fablab.views import team_people, team_work

urlpatterns: list[URLPattern] = [
    path("reservations/<slug:reference>/people/", team_people.people, name="team-people"),
    path("reservations/<slug:reference>/people/leave/", team_people.leave, name="team-people-leave"),
    path("teams/<slug:slug>/reservations/", team_work.work, name="team-reservations"),
    path("teams/<slug:slug>/reservations.csv", team_work.table, name="team-reservations-csv"),
]
