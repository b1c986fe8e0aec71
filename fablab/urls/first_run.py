"""The questions of the first day."""

from django.urls import path

from fablab.views import first_run, first_run_list, first_run_team

urlpatterns = [
    path("first-run/", first_run.first_run, name="first-run"),
    path("first-run/done/", first_run.done, name="first-run-done"),
    path("first-run/machines/list/", first_run_list.machine_list, name="first-run-machine-list"),
    path("first-run/team/sheet/", first_run_team.sheet, name="first-run-sheet"),
    path("first-run/team/<slug:reference>/remove/", first_run_team.remove, name="first-run-person-remove"),
    path("first-run/<slug:slug>/", first_run.step, name="first-run-step"),
]
