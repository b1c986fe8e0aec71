"""The rules that people sign: written by managers, signed in one's own pages or on paper at the desk."""

from django.urls import path, re_path

from fablab.urls.people import FILE
from fablab.views import house_rules, house_rules_edit

urlpatterns = [
    path("me/rules/", house_rules.mine, name="me-rules"),
    path("me/rules/<int:pk>/", house_rules.sign, name="me-rules-sign"),
    re_path(FILE + "rules/$", house_rules.of_person, name="people-rules"),
    re_path(FILE + r"rules/(?P<pk>\d{1,18})/sign/$", house_rules.sign_on_paper, name="people-rules-sign"),
    path("manage/rules/to-sign/", house_rules_edit.places, name="rules-to-sign"),
    path("manage/rules/to-sign/places/<slug:slug>/", house_rules_edit.of_site, name="rules-to-sign-site"),
    path("manage/rules/to-sign/machines/<slug:slug>/", house_rules_edit.of_machine, name="rules-to-sign-machine"),
    re_path(
        r"^manage/rules/to-sign/(?P<kind>places|machines)/(?P<slug>[-\w]+)/withdraw/$",
        house_rules_edit.withdraw,
        name="rules-to-sign-withdraw",
    ),
]
