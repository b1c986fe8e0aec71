"""Inductions: asked for from a refusal or a machine's page, answered by the team."""

from django.urls import path, re_path

from fablab.views import inductions

urlpatterns = [
    path("machines/<slug:slug>/induction/", inductions.ask, name="induction-ask"),
    path("manage/inductions/", inductions.inductions, name="manage-inductions"),
    re_path(
        r"^manage/inductions/(?P<pk>\d{1,18})/(?P<answer>grant|close)/$",
        inductions.answer,
        name="manage-induction-answer",
    ),
]
