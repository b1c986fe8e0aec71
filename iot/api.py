"""Usage sessions, devices and their enrolment, as API v1."""

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import INVALID, Page, Problem, problem
from fablab.lib.queries import query_word
from fablab.lib.throttling import AnonymousRate
from iot.broker_address import broker_as_seen_from, host_asked
from iot.models import Device, UsageSession
from iot.services import EnrolmentRefused, enrol
from people.models.role import MANAGER_ROLES
from people.models.token import Scope
from people.permissions import is_manager, staff_site_ids


class UsageSessionOut(serializers.Serializer[Any]):
    reference = serializers.CharField()
    machine = serializers.SlugField()
    reservation = serializers.CharField(allow_null=True)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)
    stop_reason = serializers.CharField()
    energy_wh = serializers.FloatField(allow_null=True)


class UsageSessions(APIView):
    needs_person = True

    @extend_schema(
        operation_id="usage_sessions_list",
        parameters=[
            OpenApiParameter("machine", OpenApiTypes.STR),
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("page_size", OpenApiTypes.INT),
        ],
        responses={200: UsageSessionOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Measured use: one's own, and for staff that of their sites. Newest first, by cursor."""
        person: Any = request.user
        rows = UsageSession.objects.all()
        if not person.is_superuser:
            sites = staff_site_ids(person)
            rows = rows.filter(Q(person=person) | Q(machine__unit__site__in=sites) if sites else Q(person=person))
        if slug := query_word(request.query_params, "machine"):
            rows = rows.filter(machine__slug=slug)
        page = Page()
        page.ordering = ("-start", "-id")
        columns = (
            "id", "reference", "machine__slug", "reservation__reference", "start", "end", "stop_reason", "energy_wh",
        )  # fmt: skip
        found = page.paginate_queryset(rows.values(*columns), request, view=self) or []
        return page.get_paginated_response(
            [
                {
                    "reference": row["reference"],
                    "machine": row["machine__slug"],
                    "reservation": row["reservation__reference"],
                    "start": row["start"],
                    "end": row["end"],
                    "stop_reason": row["stop_reason"],
                    "energy_wh": row["energy_wh"],
                }
                for row in found
            ]
        )


class DeviceOut(serializers.Serializer[Any]):
    device = serializers.CharField()
    kind = serializers.CharField()
    machine = serializers.SlugField(allow_null=True)
    firmware = serializers.CharField()
    is_online = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField(allow_null=True)


class Devices(APIView):
    needs_person = True

    @extend_schema(operation_id="devices_list", responses={200: DeviceOut(many=True)})
    def get(self, request: Request) -> Response:
        """The devices of the sites one manages, and those without a machine yet, by cursor."""
        person: Any = request.user
        if not is_manager(person):
            raise PermissionDenied
        page = Page()
        page.ordering = ("slug",)
        columns = ("slug", "kind", "machine__slug", "firmware", "is_online", "last_seen_at")
        rows = Device.objects.filter(revoked_at=None)
        if not person.is_superuser:
            sites = person.role_grants.filter(role__in=MANAGER_ROLES).values("site_id")
            rows = rows.filter(Q(machine=None) | Q(machine__unit__site__in=sites))
        found = page.paginate_queryset(rows.values(*columns), request, view=self) or []
        return page.get_paginated_response(
            [
                {
                    "device": row["slug"],
                    "kind": row["kind"],
                    "machine": row["machine__slug"],
                    "firmware": row["firmware"],
                    "is_online": row["is_online"],
                    "last_seen_at": row["last_seen_at"],
                }
                for row in found
            ]
        )


class EnrolIn(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40)


class EnrolOut(serializers.Serializer[Any]):
    device = serializers.CharField()
    password = serializers.CharField()
    roster_key = serializers.CharField(help_text="Hexadecimal, 32 bytes: signs who may start out of reach.")
    host = serializers.CharField()
    port = serializers.IntegerField()
    is_tls = serializers.BooleanField()
    ca = serializers.CharField(
        help_text="Certificate in PEM form of the authority that made the broker's; empty: one that systems trust."
    )


class EnrolThrottle(AnonymousRate):
    # Counted apart: a wall board's reads must not use up the tries of a device beside it.
    scope = "enrol"
    rate = "10/min"


class Enrol(APIView):
    """A new device has no credential yet: the one-time code is its right."""

    is_open = True
    authentication_classes = []
    throttle_classes = [EnrolThrottle]
    write_scope = Scope.MANAGE.value

    @extend_schema(
        operation_id="devices_enrol",
        request=EnrolIn,
        responses={200: EnrolOut, 400: INVALID, 403: Problem},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Exchange a one-time code for the device's credential."""
        form = EnrolIn(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            device, password, roster_key = enrol(code=form.validated_data["code"], now=timezone.now())
        except EnrolmentRefused:
            detail = _("This code is not valid, or no longer. Ask for a new one on the device's page.")
            return problem("code_refused", detail, status=403)
        found = broker_as_seen_from(host_asked(request))
        answer = {"device": device.slug, "password": password, "roster_key": roster_key}
        return Response(answer | {"host": found.host, "port": found.port, "is_tls": found.is_tls, "ca": found.ca})
