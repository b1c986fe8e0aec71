"""Reservations, calendars and free time, as API v1."""

import datetime as dt
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import INVALID, Instant, Page
from fablab.lib.intervals import Interval
from fablab.lib.queries import query_word
from machines.models import Machine
from people.idempotency import idempotent
from people.models import FileAccess, Person, Team
from people.models.token import Scope
from people.permissions import staff_site_ids
from people.selectors import people_of
from people.services import note_access
from people.signed_in import signed_in
from reservations.any_of_model import reserve_any_of_model
from reservations.api_refusals import Refused, refused, said_to
from reservations.epochs import Epoch, instant_or_none
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.life import check_in, finish_reservation
from reservations.messages import STATE_WORDS, Sentence
from reservations.models import Origin, Reservation
from reservations.participants import set_participants
from reservations.participants_api import (
    COMES,
    ParticipantsIn,
    not_of_the_team,
    participants_field,
    people_named,
    shown_people,
    who_comes,
)
from reservations.services import cancel_reservation, move_reservation, reserve
from reservations.wishes import Wish

LONGEST_WINDOW = dt.timedelta(days=62)
# The start stays an instant: the cursor of a page is made of it.
COLUMNS = (
    "id", "reference", "machine__slug", "title", "start", "status", "note", "team__slug", "site_id", "holder_id",
    "holder__reference", "holder__first_name", "holder__last_name", "holder_takes_part",
)  # fmt: skip
EPOCHS = {"end_s": Epoch("end"), "checked_in_s": Epoch("checked_in_at"), "finished_s": Epoch("finished_at")}
# What is read of each, beyond the columns.
MORE = EPOCHS | {"comes": COMES}


class ReservationOut(serializers.Serializer[Any]):
    reference = serializers.CharField()
    machine = serializers.SlugField(allow_null=True, help_text="Null for what the team holds for a group.")
    title = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.CharField()
    note = serializers.CharField()
    project = serializers.SlugField(allow_null=True)
    holder = inline_serializer(
        "Holder", {"reference": serializers.CharField(), "name": serializers.CharField()}, allow_null=True
    )
    participants = shown_people()
    checked_in_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class ReservationIn(serializers.Serializer[Any]):
    machine = serializers.SlugField()
    any_of_model = serializers.BooleanField(
        required=False, default=False, help_text="Any machine of this one's model and site will do."
    )
    start = Instant()
    end = Instant()
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    project = serializers.SlugField(required=False, help_text="A team of yours, of the machine's site.")
    participants = participants_field(required=False)


# `for` is a word of Python.
ReservationIn._declared_fields["for"] = serializers.CharField(
    required=False, help_text="Reference of the person to reserve for; staff only."
)


class MoveIn(serializers.Serializer[Any]):
    start = Instant()
    end = Instant()
    machine = serializers.SlugField(required=False)


def _refused(refusal: ReservationRefused, machine: Machine | None, holder: Person | None, asking: Person) -> Response:
    sentences = said_to(refusal.denials, machine=machine, holder=holder, asking=asking)
    return refused(sentences, refusal.alternatives)


def answer_wrong_state(error: WrongState) -> Response:
    """409, with what the reservation's state does not allow in words."""
    return refused([Sentence(error.code, str(STATE_WORDS[error.code]), "")])


def shown(row: dict[str, Any], reader: Person) -> dict[str, Any]:
    """One reservation, from a row of COLUMNS and MORE, as this person may read it."""
    holder = row["holder__reference"] and {"reference": row["holder__reference"], "name": _holder_name(row, reader)}
    return {
        "reference": row["reference"],
        "machine": row["machine__slug"],
        "title": row["title"],
        "start": row["start"],
        "end": instant_or_none(row["end_s"]),
        "status": row["status"],
        "note": row["note"],
        "project": row["team__slug"],
        "holder": holder or None,
        "participants": who_comes(row),
        "checked_in_at": instant_or_none(row["checked_in_s"]),
        "finished_at": instant_or_none(row["finished_s"]),
    }


def _holder_name(row: dict[str, Any], reader: Person) -> str:
    """The whole name for themselves and the team of the place; those who come along know the first name only."""
    is_known = row["holder_id"] == reader.pk or reader.is_superuser or row["site_id"] in staff_site_ids(reader)
    return f"{row['holder__first_name']} {row['holder__last_name'] if is_known else ''}".strip()


def shown_one(reservation: Reservation, reader: Person) -> dict[str, Any]:
    return shown(Reservation.objects.filter(pk=reservation.pk).values(*COLUMNS, **MORE).get(), reader)


def machine_or_404(slug: str) -> Machine:
    return get_object_or_404(Machine.objects.filter(retired_at=None).with_places(), slug=slug)


def window_of(request: Request) -> Interval:
    """`?start=&end=` (ISO 8601 with offset), at most 62 days; the coming week when left out."""
    now = timezone.now()
    field = Instant()
    errors = {}
    found = {"start": now, "end": now + dt.timedelta(days=7)}
    for name in found:
        if raw := request.query_params.get(name):
            try:
                found[name] = field.to_internal_value(raw)
            except ValidationError:
                errors[name] = [_("Write an instant like 2026-03-12T14:00:00+01:00.")]
    if errors:
        raise ValidationError(errors)
    window = Interval(found["start"], found["end"])
    if window.is_empty or window.duration > LONGEST_WINDOW:
        raise ValidationError({"end": [_("The end comes after the start, at most 62 days later.")]})
    return window


class ReservationList(APIView):
    needs_person = True
    write_scope = Scope.RESERVE.value

    @extend_schema(
        operation_id="reservations_list",
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATETIME),
            OpenApiParameter("end", OpenApiTypes.DATETIME),
            OpenApiParameter("machine", OpenApiTypes.STR),
            OpenApiParameter("status", OpenApiTypes.STR),
            OpenApiParameter("takes_part", OpenApiTypes.BOOL, description="Those of others in which you take part."),
            OpenApiParameter("cursor", OpenApiTypes.STR),
            OpenApiParameter("page_size", OpenApiTypes.INT),
        ],
        responses={200: ReservationOut(many=True), 400: INVALID},
    )
    def get(self, request: Request) -> Response:
        """One's own reservations; staff see those of their sites. Oldest first, by cursor."""
        rows = Reservation.objects.visible_to(request.user)
        if query_word(request.query_params, "takes_part") in ("1", "true"):
            # By a way of its own: asked as one "or", a member's few would be looked for among everybody's.
            rows = Reservation.objects.filter(participants__person=signed_in(request))
        if request.query_params.get("start") or request.query_params.get("end"):
            window = window_of(request)
            rows = rows.overlapping(window.start, window.end)
        if slug := query_word(request.query_params, "machine"):
            rows = rows.filter(machine__slug=slug)
        if status := query_word(request.query_params, "status"):
            rows = rows.filter(status=status)
        page = Page()
        page.ordering = ("start", "id")
        found = page.paginate_queryset(rows.values(*COLUMNS, **MORE), request, view=self) or []
        return page.get_paginated_response([shown(row, signed_in(request)) for row in found])

    @extend_schema(
        operation_id="reservations_create",
        request=ReservationIn,
        responses={201: ReservationOut, 400: INVALID, 409: Refused},
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Reserve a machine. Refused: 409 with every reason and alternatives."""
        form = ReservationIn(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        if data["end"] <= data["start"]:
            raise ValidationError({"end": [_("The end comes after the start.")]})
        machine = machine_or_404(data["machine"])
        now, asking = timezone.now(), signed_in(request)
        holder, team = _holder(request, data.get("for"), machine), team_named(data.get("project"))
        others, holder_comes = people_named(data.get("participants"), team, holder)
        try:
            wish = Wish(
                machine=machine,
                start=data["start"],
                end=data["end"],
                holder=holder,
                by=asking,
                origin=Origin.API,
                team=team,
                note=data["note"],
                companions=others,
                holder_takes_part=holder_comes,
            )
            reservation = reserve_any_of_model(wish, now) if data["any_of_model"] else reserve(wish, now)
        except NotOfTheTeam as error:
            raise no_such_team() from error
        except ReservationRefused as refusal:
            return _refused(refusal, machine, holder, asking)
        if holder != asking:
            note_access(person=holder, by=asking, deed=FileAccess.Deed.RESERVED, now=now)
        return Response(shown_one(reservation, asking), status=201)


def _holder(request: Request, reference: str | None, machine: Machine) -> Person:
    asking = signed_in(request)
    if not reference or reference == asking.reference:
        return asking
    if not asking.has_perm("reservations.reserve_for_others", machine):
        raise PermissionDenied(_("Only the team reserves for somebody else."))
    person = people_of(asking).filter(reference=reference, is_active=True).first()
    if person is None:
        raise ValidationError({"for": [_("No such person.")]})
    return person


def team_named(slug: str | None) -> Team | None:
    """The team of that short name; none where nothing was said.

    Raises:
        ValidationError: there is none.
    """
    if not slug:
        return None
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise no_such_team()
    return team


def no_such_team() -> ValidationError:
    """The same for a team that is not theirs and for one that is not: neither tells of the other."""
    return ValidationError({"project": [_("You are in no such team.")]})


class ReservationDetail(APIView):
    needs_person = True
    write_scope = Scope.RESERVE.value
    permission = "reservations.change"

    def _find(self, request: Request, reference: str, permission: str = "") -> Reservation:
        rows = Reservation.objects.known_to(request.user).with_places()
        reservation = get_object_or_404(rows, reference=reference)
        if not request.user.has_perm(permission or self.permission, reservation):
            raise PermissionDenied
        return reservation

    @extend_schema(operation_id="reservations_retrieve", responses={200: ReservationOut})
    def get(self, request: Request, reference: str) -> Response:
        return Response(shown_one(self._find(request, reference, "reservations.take_part"), signed_in(request)))

    @extend_schema(
        operation_id="reservations_move",
        request=MoveIn,
        responses={200: ReservationOut, 400: INVALID, 409: Refused},
    )
    def patch(self, request: Request, reference: str) -> Response:
        """Move it to another time or machine; every rule is asked again."""
        reservation = self._find(request, reference)
        form = MoveIn(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        if data["end"] <= data["start"]:
            raise ValidationError({"end": [_("The end comes after the start.")]})
        target = machine_or_404(data["machine"]) if data.get("machine") else None
        try:
            moved = move_reservation(
                reservation=reservation,
                start=data["start"],
                end=data["end"],
                machine=target,
                by=signed_in(request),
                now=timezone.now(),
            )
        except ReservationRefused as refusal:
            return _refused(refusal, target or reservation.machine, reservation.holder, signed_in(request))
        except WrongState as error:
            return answer_wrong_state(error)
        return Response(shown_one(moved, signed_in(request)))


class ReservationAction(ReservationDetail):
    """One of the things that can be done with a reservation; `service` does it."""

    http_method_names = ["post", "options"]

    def _done(self, request: Request, reference: str, service: Any, **more: Any) -> Response:
        reservation, by = self._find(request, reference), signed_in(request)
        try:
            return Response(shown_one(service(reservation=reservation, by=by, now=timezone.now(), **more), by))
        except ReservationRefused as refusal:
            # Whoever comes in the holder's place is told about themselves.
            about = by if self.permission == "reservations.take_part" else reservation.holder
            return _refused(refusal, reservation.machine, about, by)
        except WrongState as error:
            return answer_wrong_state(error)


class Participants(ReservationDetail):
    http_method_names = ["put", "options"]

    @extend_schema(
        operation_id="reservations_participants",
        request=ParticipantsIn,
        responses={200: ReservationOut, 400: INVALID, 409: Refused},
    )
    def put(self, request: Request, reference: str) -> Response:
        """Say who comes, of a team's reservation, from now on; the rules are asked of those who are new."""
        found = self._find(request, reference)
        form = ParticipantsIn(data=request.data)
        form.is_valid(raise_exception=True)
        others, holder_comes = people_named(form.validated_data["participants"], found.team, found.holder, found)
        try:
            set_participants(
                reservation=found, people=others, holder_takes_part=holder_comes, by=signed_in(request),
                now=timezone.now(),
            )  # fmt: skip
        except NotOfTheTeam as error:
            raise not_of_the_team() from error
        except ReservationRefused as refusal:
            return _refused(refusal, found.machine, found.holder, signed_in(request))
        except WrongState as error:
            return answer_wrong_state(error)
        return Response(shown_one(found, signed_in(request)))


ACTED = {200: ReservationOut, 409: Refused}


class Cancel(ReservationAction):
    @extend_schema(operation_id="reservations_cancel", request=None, responses=ACTED)
    def post(self, request: Request, reference: str) -> Response:
        """Give the whole time back."""
        return self._done(request, reference, cancel_reservation)


class CheckIn(ReservationAction):
    permission = "reservations.take_part"

    @extend_schema(operation_id="reservations_check_in", request=None, responses=ACTED)
    def post(self, request: Request, reference: str) -> Response:
        """The person is there; from 10 minutes before the start."""
        return self._done(request, reference, check_in)


class Finish(ReservationAction):
    permission = "reservations.take_part"

    @extend_schema(operation_id="reservations_finish", request=None, responses=ACTED)
    def post(self, request: Request, reference: str) -> Response:
        """End it; before its time, the tail goes back to others."""
        return self._done(request, reference, finish_reservation)
