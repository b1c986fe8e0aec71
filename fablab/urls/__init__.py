from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from fablab.api.schema import LabSchemaGenerator
from fablab.urls import (
    about,
    address,
    at_machine,
    calendars,
    credits,
    desk,
    devices,
    find,
    first_run,
    house_rules,
    inductions,
    life,
    loans,
    notices,
    opening,
    people,
    prints,
    programs,
    rules,
    series,
    settings,
    spools,
    teams,
    timeline,
)
from fablab.views import api_docs, health, manage, me, public, reservation, reserve, second_factor
from printing import views as printing

# Its own sign-in page would ask for one key only, as often as one likes.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler404 = "fablab.views.errors.not_found"

urlpatterns = [
    path("", public.home, name="home"),
    path("machines/", public.machines, name="machines"),
    path("machines/<slug:slug>/", public.machine, name="machine"),
    path("machines/<slug:slug>/photo/", public.photo, name="machine-photo"),
    path("machines/<slug:slug>/print/", printing.upload, name="print-upload"),
    path("reserve/", reserve.reserve, name="reserve"),
    path("reserve/confirm/", reserve.confirm, name="reserve-confirm"),
    path("reservations/<slug:reference>/", reservation.reservation, name="reservation"),
    re_path(
        r"^reservations/(?P<reference>\w+)/(?P<action>cancel|check-in|finish|accept|decline|coming|stay)/$",
        reservation.act,
        name="reservation-action",
    ),
    *prints.urlpatterns,
    path("me/", me.me, name="me"),
    path("me/second-key/", second_factor.second_factor, name="second-factor"),
    path("me/tokens/", me.tokens, name="tokens"),
    path("me/tokens/<slug:token_key>/revoke/", me.revoke_token, name="token-revoke"),
    path("board/", public.board, name="board"),
    path("manage/", manage.overview, name="manage"),
    path("manage/reservations/", manage.reservations, name="manage-reservations"),
    path("manage/machines/", manage.machines, name="manage-machines"),
    path("manage/machines/<slug:slug>/bed-clear/", manage.bed_clear, name="manage-bed-clear"),
    *first_run.urlpatterns,
    *desk.urlpatterns,
    *devices.urlpatterns,
    *loans.urlpatterns,
    *people.urlpatterns,
    *programs.urlpatterns,
    *settings.urlpatterns,
    *spools.urlpatterns,
    *opening.urlpatterns,
    *rules.urlpatterns,
    *series.urlpatterns,
    *about.urlpatterns,
    *address.urlpatterns,
    *at_machine.urlpatterns,
    *notices.urlpatterns,
    *life.urlpatterns,
    *find.urlpatterns,
    *calendars.urlpatterns,
    *credits.urlpatterns,
    *house_rules.urlpatterns,
    *inductions.urlpatterns,
    *teams.urlpatterns,
    *timeline.urlpatterns,
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("fablab.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(generator_class=LabSchemaGenerator), name="api-schema"),
    path("api/docs/", api_docs.api_docs, name="api-docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
