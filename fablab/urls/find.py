"""What can I use, and when?"""

from django.urls import URLPattern, path

from fablab.views import find

urlpatterns: list[URLPattern] = [path("find/", find.find, name="find")]
