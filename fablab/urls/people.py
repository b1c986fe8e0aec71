"""The team's pages about people, teams and kiosks, and the pages by which people without e-mail come in."""

from django.urls import URLPattern, path, re_path

from fablab.views import (
    kiosk,
    manage_kiosks,
    people_access,
    people_family,
    people_file,
    people_import,
    people_list,
    people_rights,
    teams,
)

# A reference is in capitals, so no page beside the files can be taken for one.
FILE = r"^manage/people/(?P<reference>[0-9A-Z]{4,12})/"

urlpatterns: list[URLPattern] = [
    path("manage/people/", people_list.people, name="people"),
    path("manage/people/new/", people_list.new, name="people-new"),
    path("manage/people/list.csv", people_list.table, name="people-csv"),
    path("manage/people/qualify/", people_rights.qualify, name="people-qualify"),
    re_path(FILE + "$", people_file.file, name="people-person"),
    re_path(FILE + "edit/$", people_file.edit, name="people-edit"),
    re_path(FILE + "suspend/$", people_rights.suspend, name="people-suspend"),
    re_path(FILE + "role/$", people_rights.role, name="people-role"),
    re_path(FILE + "card/$", people_access.card, name="people-card"),
    re_path(FILE + "code/$", people_access.code, name="people-code"),
    re_path(FILE + "email/$", people_access.email, name="people-email"),
    re_path(FILE + "household/$", people_family.household, name="people-household"),
    re_path(FILE + "guardian/$", people_family.guardian, name="people-guardian"),
    re_path(FILE + rf"(?P<deed>{'|'.join(people_file.DEEDS)})/$", people_file.act, name="people-act"),
    path("teams/", teams.mine, name="teams"),
    path("teams/new/", teams.new, name="team-new"),
    path("teams/join/<slug:code>/", teams.join, name="team-join"),
    path("teams/<slug:slug>/", teams.team, name="team"),
    re_path(rf"^teams/(?P<slug>[-\w]+)/(?P<deed>{'|'.join(teams.DEEDS)})/$", teams.act, name="team-act"),
    path("manage/teams/", teams.manage, name="manage-teams"),
    re_path(r"^manage/teams/(?P<slug>[-\w]+)/(?P<deed>archive|restore)/$", teams.archive, name="manage-team-archive"),
    path("kiosk/", kiosk.home, name="kiosk"),
    path("kiosk/card/", kiosk.sign_in, name="kiosk-sign-in"),
    path("kiosk/mine/", kiosk.mine, name="kiosk-mine"),
    path("kiosk/free/", kiosk.free_now, name="kiosk-free"),
    path("kiosk/today/", kiosk.today, name="kiosk-today"),
    path("kiosk/help/", kiosk.call, name="kiosk-help"),
    path("kiosk/still-here/", kiosk.still_here, name="kiosk-still-here"),
    path("kiosk/leave/", kiosk.leave, name="kiosk-leave"),
    path("manage/kiosks/", manage_kiosks.kiosks, name="manage-kiosks"),
    path("manage/kiosks/enrol/", manage_kiosks.enrol, name="manage-kiosk-enrol"),
    path("manage/kiosks/<slug:reference>/revoke/", manage_kiosks.revoke, name="manage-kiosk-revoke"),
    path("manage/kiosks/<slug:reference>/answer/", manage_kiosks.answer, name="manage-kiosk-answer"),
    path("manage/people/import/", people_import.choose, name="people-import"),
    path("manage/people/import/template.csv", people_import.template, name="people-import-template"),
    path("manage/people/import/<slug:reference>/", people_import.run, name="people-import-run"),
    path("manage/people/import/<slug:reference>/start/", people_import.start, name="people-import-start"),
    path("manage/people/import/<slug:reference>/stop/", people_import.stop, name="people-import-stop"),
    path("manage/people/import/<slug:reference>/problems.csv", people_import.problems, name="people-import-problems"),
]
