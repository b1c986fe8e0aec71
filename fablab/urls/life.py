"""What a reservation waits for: the team's answer, a time that becomes free."""

from django.urls import URLPattern, path, re_path

from fablab.views import requests, waiting

urlpatterns: list[URLPattern] = [
    path("manage/requests/", requests.requests, name="manage-requests"),
    re_path(
        r"^manage/requests/(?P<reference>\w+)/(?P<verdict>approve|refuse)/$", requests.answer, name="manage-request"
    ),
    path("reserve/wait/", waiting.join, name="waiting-join"),
    path("me/waiting/<slug:reference>/leave/", waiting.leave, name="waiting-leave"),
]
