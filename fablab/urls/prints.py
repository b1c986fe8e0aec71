"""Prints: a file, its job, what may be done with it; and the door for slicers."""

from django.urls import path, re_path

from fablab.views import estimate, my_prints
from fablab.views import prints as overview
from printing import camera_view, preview, slicer_door, views
from printing.actions import ACTS

urlpatterns = [
    path("machines/<slug:slug>/prints/", overview.machine_prints, name="machine-prints"),
    path("manage/prints/", overview.farm, name="manage-prints"),
    path("manage/prints/act/", overview.act, name="manage-prints-act"),
    path("manage/prints/success.csv", overview.table, name="manage-prints-csv"),
    path("me/prints/", my_prints.prints, name="me-prints"),
    path("me/prints/files/", my_prints.files, name="me-print-files"),
    path("me/prints/files/<slug:reference>/again/", my_prints.again, name="me-print-again"),
    path("me/prints/files/<slug:reference>/delete/", my_prints.drop, name="me-print-drop"),
    # Before the jobs: its word has the shape of a reference.
    path("prints/estimate/", estimate.estimate, name="print-estimate"),
    path("prints/<slug:reference>/", views.job, name="print-job"),
    path("prints/<slug:reference>/thumbnail.png", views.thumbnail, name="print-thumbnail"),
    path("prints/<slug:reference>/file/", views.job_file, name="print-file"),
    path("prints/<slug:reference>/path/", preview.path_gcode, name="print-path"),
    path("prints/<slug:reference>/camera.jpg", camera_view.camera, name="print-camera"),
    path("prints/<slug:reference>/bed-clear/", views.bed_clear, name="print-bed-clear"),
    path("prints/<slug:reference>/reserve/", views.job_reserve, name="print-job-reserve"),
    re_path(rf"^prints/(?P<reference>\w+)/(?P<action>{'|'.join(ACTS)})/$", views.job_action, name="print-job-action"),
    path("slicer/<slug:slug>/api/version", slicer_door.version, name="slicer-version"),
    path("slicer/<slug:slug>/api/files/local", slicer_door.receive, name="slicer-receive"),
    path("api/version", slicer_door.version, name="slicer-version-any"),
    path("api/files/local", slicer_door.receive, name="slicer-receive-any"),
]
