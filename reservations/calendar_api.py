"""Calendars and free time, as API v1. Public: names for staff, a team’s for its members, references for the holder."""

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_duration
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import INVALID
from fablab.lib.intervals import Interval
from fablab.lib.queries import query_word
from machines.models import Machine
from people.lab import current_lab
from people.models import STAFF_ROLES, Module, Person
from people.permissions import has_role
from reservations.api import LONGEST_WINDOW, window_of
from reservations.facts import epoch_instant
from reservations.search import soonest_starts

# Unit by unit: `OFFSET 0` keeps the planner from reading all reservations of a young lab at once. A bare number is an
# integer to PostgreSQL, and the constraint's GiST index compares bigint with bigint only: without the cast the unit's
# whole past is read.
HELD_SQL = """
SELECT wanted.unit_id,
       extract(epoch FROM held."start")::float8,
       extract(epoch FROM held."end")::float8,
       held.title, held.status, held.reference, held.machine_id, holder.id, holder.first_name, holder.last_name,
       team.name,
       EXISTS (SELECT FROM people_teammembership WHERE team_id = team.id AND person_id = %(person)s)
FROM unnest(%(unit_ids)s::bigint[]) AS wanted (unit_id)
CROSS JOIN LATERAL (
    SELECT reservation.*
    FROM reservations_heldunit JOIN reservations_reservation AS reservation ON reservation.id = reservation_id
    WHERE unit_id = wanted.unit_id AND is_holding AND blocked && tstzrange(%(start)s, %(end)s)
      AND reservation."start" < %(end)s AND reservation."end" > %(start)s
    OFFSET 0
) AS held
LEFT JOIN people_person AS holder ON holder.id = held.holder_id
LEFT JOIN people_team AS team ON team.id = held.team_id
ORDER BY held."start", held.id
"""


def blocks(machines: list[Machine], window: Interval, person: Any) -> dict[int, list[dict[str, Any]]]:
    """`{machine id: held time}`. Who and which is told to the holder and to staff only, for which team to its members
    too; a `title` is public.

    Two queries.
    """
    by_unit = {machine.unit_id: machine for machine in machines}
    with connection.cursor() as cursor:
        params = {"unit_ids": list(by_unit), "start": window.start, "end": window.end, "person": person.pk}
        cursor.execute(HELD_SQL, params)
        rows = cursor.fetchall()
    has_teams = current_lab().has(Module.TEAMS)
    knows = {machine.pk: has_role(person, machine, STAFF_ROLES) for machine in machines}
    found: dict[int, list[dict[str, Any]]] = {machine.pk: [] for machine in machines}
    for unit_id, start, end, title, status, reference, machine_id, holder_id, *names, team, is_of_team in rows:
        machine = by_unit[unit_id]
        block: dict[str, Any] = {"start": epoch_instant(start), "end": epoch_instant(end)}
        if title:
            block["title"] = title
        is_own = holder_id is not None and holder_id == person.pk
        if team and has_teams and (knows[machine.pk] or is_own or is_of_team):
            block["team"] = team
        if knows[machine.pk] or is_own:
            block |= {"status": status, "reference": reference, "name": " ".join(filter(None, names))}
            if is_own:
                block["is_own"] = True
            if machine_id is not None and machine_id != machine.pk:
                # Taken along with another: it moves with that one.
                block["is_part"] = True
        found[machine.pk].append(block)
    return found


def _placed(request: Request) -> QuerySet[Machine]:
    """The machines' names and sites, and none of the rest: a calendar needs no rules."""
    machines = Machine.objects.visible_to(request.user)
    return machines.select_related("unit__site").only("slug", "name", "unit__site__slug")


class MachineCalendar(APIView):
    @extend_schema(
        operation_id="machine_calendar",
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATETIME),
            OpenApiParameter("end", OpenApiTypes.DATETIME),
        ],
        responses={200: OpenApiTypes.OBJECT, 400: INVALID},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The machine's held time. Names only for staff, references only for the holder."""
        window = window_of(request)
        machine = get_object_or_404(_placed(request), slug=slug)
        return Response(
            {
                "machine": machine.slug,
                "start": window.start,
                "end": window.end,
                "blocks": blocks([machine], window, request.user)[machine.pk],
            }
        )


class Calendar(APIView):
    @extend_schema(
        operation_id="calendar",
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATETIME),
            OpenApiParameter("end", OpenApiTypes.DATETIME),
        ],
        responses={200: OpenApiTypes.OBJECT, 400: INVALID},
    )
    def get(self, request: Request) -> Response:
        """All machines' held time, in one answer."""
        window = window_of(request)
        machines = list(_placed(request))
        found = blocks(machines, window, request.user)
        return Response(
            {
                "start": window.start,
                "end": window.end,
                "machines": [{"machine": m.slug, "name": m.name, "blocks": found[m.pk]} for m in machines],
            }
        )


MOST_TIMES = 50


class Availability(APIView):
    @extend_schema(
        operation_id="availability",
        parameters=[
            OpenApiParameter("category", OpenApiTypes.STR),
            OpenApiParameter("site", OpenApiTypes.STR),
            OpenApiParameter("duration", OpenApiTypes.STR, description="ISO 8601, like PT2H"),
            OpenApiParameter("start", OpenApiTypes.DATETIME),
            OpenApiParameter("end", OpenApiTypes.DATETIME),
        ],
        responses={
            200: inline_serializer(
                "Availability",
                {
                    "results": inline_serializer(
                        "FreeTime",
                        {
                            "machine": serializers.SlugField(),
                            "start": serializers.DateTimeField(),
                            "end": serializers.DateTimeField(),
                        },
                        many=True,
                    )
                },
            ),
            400: INVALID,
        },
    )
    def get(self, request: Request) -> Response:
        """Where a reservation of this length may begin between start and end, soonest first, at most 50.

        Only what you may have: your qualifications, limits, notice and how far ahead are looked at. Without signing
        in, what anybody may have.
        """
        now, window = timezone.now(), window_of(request)
        duration = _duration_of(request)
        machines = Machine.objects.visible_to(request.user).with_places()
        if category := query_word(request.query_params, "category"):
            machines = machines.filter(category__slug=category)
        if site := query_word(request.query_params, "site"):
            machines = machines.filter(unit__site__slug=site)
        found = soonest_starts(
            machines,
            person=request.user if isinstance(request.user, Person) else None,
            duration=duration,
            window=Interval(max(window.start, now), window.end),
            now=now,
            most=MOST_TIMES,
        )
        return Response(
            {"results": [{"machine": f.machine.slug, "start": f.interval.start, "end": f.interval.end} for f in found]}
        )


def _duration_of(request: Request) -> dt.timedelta:
    """`?duration=` (ISO 8601), an hour when left out."""
    try:
        duration = parse_duration(request.query_params.get("duration", "PT1H"))
    except (OverflowError, ValueError):
        duration = None
    if duration is None or not dt.timedelta(0) < duration <= LONGEST_WINDOW:
        raise ValidationError({"duration": [_("Write a length like PT2H or PT45M.")]})
    return duration
