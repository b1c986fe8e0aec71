"""What people are told, and how."""

from django.urls import path

from fablab.views import notices

urlpatterns = [
    path("me/messages/", notices.inbox, name="me-messages"),
    path("me/notices/", notices.choose, name="me-notices"),
]
