"""All machines beside each other in time."""

from django.urls import URLPattern, path

from fablab.views import timeline

urlpatterns: list[URLPattern] = [path("timeline/", timeline.timeline, name="timeline")]
