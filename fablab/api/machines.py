"""Machines with their live state, as API v1. Public: nothing personal."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import Page
from fablab.lib.queries import query_word
from fablab.machine_status import MachineStatus, machine_statuses
from machines.models import Machine
from people.lab import current_lab
from people.models import Module


class MachineOut(serializers.Serializer[Any]):
    slug = serializers.SlugField()
    name = serializers.CharField()
    category = serializers.SlugField()
    room = serializers.CharField(allow_null=True)
    site = serializers.SlugField()
    state = serializers.CharField()
    state_text = serializers.CharField()
    detail = serializers.CharField()
    progress_pct = serializers.FloatField(allow_null=True)
    power_w = serializers.FloatField(allow_null=True)
    risk_level = serializers.IntegerField()
    qualification = serializers.SlugField(allow_null=True)
    attendance = serializers.CharField()
    shortest_s = serializers.IntegerField()
    longest_s = serializers.IntegerField()
    grid_s = serializers.IntegerField()


def shown(status: MachineStatus) -> dict[str, Any]:
    machine, settings = status.machine, status.machine.booking
    wanted = machine.wanted_qualification
    measured = {"power_w": status.power_w} if current_lab().has(Module.DEVICES) else {}
    return {
        **measured,
        "slug": machine.slug,
        "name": machine.name,
        "category": machine.category.slug,
        "room": machine.room.name if machine.room else None,
        "site": machine.site.slug,
        "state": status.state.value,
        "state_text": status.word,
        "detail": status.detail,
        "progress_pct": None if status.progress_pct is None else round(status.progress_pct, 1),
        "risk_level": machine.risk,
        "qualification": wanted.slug if wanted else None,
        "attendance": settings.attendance,
        "shortest_s": int(settings.shortest.total_seconds()),
        "longest_s": int(settings.longest.total_seconds()),
        "grid_s": int(settings.grid.total_seconds()),
    }


class Machines(APIView):
    @extend_schema(
        operation_id="machines_list",
        parameters=[
            OpenApiParameter("category", OpenApiTypes.STR),
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("page_size", OpenApiTypes.INT),
        ],
        responses={200: MachineOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Every machine and what it is doing, by cursor."""
        rows = Machine.objects.visible_to(request.user).with_places()
        if category := query_word(request.query_params, "category"):
            rows = rows.filter(category__slug=category)
        page = Page()
        page.ordering = ("slug",)
        found = page.paginate_queryset(rows, request, view=self) or []
        return page.get_paginated_response([shown(s) for s in machine_statuses(found, timezone.now())])


class MachineDetail(APIView):
    @extend_schema(operation_id="machines_retrieve", responses={200: MachineOut})
    def get(self, request: Request, slug: str) -> Response:
        rows = Machine.objects.visible_to(request.user).with_places()
        machine = get_object_or_404(rows, slug=slug)
        return Response(shown(machine_statuses([machine], timezone.now())[0]))
