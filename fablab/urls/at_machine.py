"""At the machines: starting there by telephone, runs without a name, badges, screens of seats."""

from django.urls import URLPattern, path, re_path

from fablab.urls.people import FILE
from fablab.views import at_machine, badges, runs, seat_screens

urlpatterns: list[URLPattern] = [
    path("machines/<slug:slug>/start/", at_machine.start, name="machine-start"),
    path("machines/<slug:slug>/bed-clear/", at_machine.bed_clear, name="machine-bed-clear"),
    path("runs/<slug:reference>/stop/", at_machine.stop, name="machine-stop"),
    path("runs/<slug:reference>/mine/", runs.mine, name="run-mine"),
    path("runs/<slug:reference>/undo/", runs.undo, name="run-undo"),
    path("manage/runs/", runs.runs, name="manage-runs"),
    path("manage/runs/<slug:reference>/", runs.run, name="manage-run"),
    path("me/badges/<int:badge>/lost/", badges.lost, name="badge-lost"),
    re_path(FILE + r"badges/$", badges.badges, name="people-badges"),
    re_path(FILE + r"badges/(?P<wanted>\d{1,12})/$", badges.wait, name="people-badge-wait"),
    re_path(FILE + r"badges/(?P<badge>\d{1,12})/block/$", badges.block, name="people-badge-block"),
    path("desk/seats/<slug:slug>/screen/", seat_screens.screen, name="desk-seat-screen"),
]
