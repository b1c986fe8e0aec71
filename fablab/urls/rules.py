"""What a fab manager sets about who may reserve what: rules for some, limits, groups."""

from django.urls import path, re_path

from fablab.urls.people import FILE
from fablab.views import rules_edit, rules_groups, rules_overview, why

urlpatterns = [
    path("manage/rules/", rules_overview.rules, name="rules"),
    path("manage/why/", why.why, name="manage-why"),
    path("manage/rules/new/", rules_edit.policy_new, name="rules-policy-new"),
    path("manage/rules/<int:pk>/", rules_edit.policy, name="rules-policy"),
    path("manage/rules/<int:pk>/remove/", rules_edit.policy_remove, name="rules-policy-remove"),
    path("manage/rules/new-limit/", rules_edit.quota_new, name="rules-quota-new"),
    path("manage/rules/limits/<int:pk>/", rules_edit.quota, name="rules-quota"),
    path("manage/rules/limits/<int:pk>/remove/", rules_edit.quota_remove, name="rules-quota-remove"),
    path("manage/rules/new-group/", rules_groups.group_new, name="rules-group-new"),
    path("manage/rules/groups/<int:pk>/", rules_groups.group, name="rules-group"),
    path("manage/rules/groups/<int:pk>/remove/", rules_groups.group_remove, name="rules-group-remove"),
    re_path(FILE + "groups/$", rules_groups.person_groups, name="people-groups"),
    re_path(FILE + r"groups/(?P<pk>\d{1,18})/end/$", rules_groups.membership_end, name="people-groups-end"),
]
