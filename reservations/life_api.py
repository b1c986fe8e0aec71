"""The team's answer, offers of the waiting list, and the list itself, as API v1."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import INVALID, Instant
from people.idempotency import idempotent
from people.models.token import Scope
from people.permissions import is_staff
from people.signed_in import signed_in
from reservations.api import ACTED, ReservationAction, answer_wrong_state, machine_or_404
from reservations.api_refusals import Refused
from reservations.errors import WrongState
from reservations.life import approve, refuse
from reservations.models import WaitingEntry
from reservations.waiting import accept_offer, decline_offer, join_waiting, leave_waiting

State = WaitingEntry.State


class DecisionIn(serializers.Serializer[Any]):
    decision = serializers.CharField(
        max_length=240, required=False, allow_blank=True, default="", help_text="What the person will read."
    )


class ReasonIn(serializers.Serializer[Any]):
    decision = serializers.CharField(max_length=240, help_text="Why not: the person will read it.")


class TeamAnswer(ReservationAction):
    """For the team of the reservation's site."""

    def _answered(self, request: Request, reference: str, form: type[serializers.Serializer[Any]], service: Any) -> Any:
        if not is_staff(request.user, self._find(request, reference)):
            raise PermissionDenied
        given = form(data=request.data)
        given.is_valid(raise_exception=True)
        return self._done(request, reference, service, decision=given.validated_data["decision"])


ANSWERED = ACTED | {400: INVALID}


class Approve(TeamAnswer):
    @extend_schema(operation_id="reservations_approve", request=DecisionIn, responses=ANSWERED)
    def post(self, request: Request, reference: str) -> Response:
        """Say yes to a request; every rule is asked again. For the team of its site."""
        return self._answered(request, reference, DecisionIn, approve)


class Refuse(TeamAnswer):
    @extend_schema(operation_id="reservations_refuse", request=ReasonIn, responses=ANSWERED)
    def post(self, request: Request, reference: str) -> Response:
        """Say no to a request, and why. For the team of its site."""
        return self._answered(request, reference, ReasonIn, refuse)


class Accept(ReservationAction):
    @extend_schema(operation_id="reservations_accept", request=None, responses=ACTED)
    def post(self, request: Request, reference: str) -> Response:
        """Say yes to an offer of the waiting list; where the team says yes first it is pending."""
        return self._done(request, reference, accept_offer)


class Decline(ReservationAction):
    @extend_schema(operation_id="reservations_decline", request=None, responses=ACTED)
    def post(self, request: Request, reference: str) -> Response:
        """Say no to an offer; the next one gets it."""
        return self._done(request, reference, decline_offer)


class WaitingIn(serializers.Serializer[Any]):
    machine = serializers.SlugField()
    start = Instant()
    end = Instant()
    any_of_model = serializers.BooleanField(default=False, help_text="Another machine of the same model will do.")
    only_tell = serializers.BooleanField(default=False, help_text="Nothing is kept: only a word when it is free.")
    accept_at_once = serializers.BooleanField(default=False, help_text="Reserved without asking.")


class WaitingOut(serializers.Serializer[Any]):
    reference = serializers.CharField()
    machine = serializers.SlugField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    any_of_model = serializers.BooleanField()
    only_tell = serializers.BooleanField()
    accept_at_once = serializers.BooleanField()
    state = serializers.CharField()
    reservation = serializers.CharField(allow_null=True, help_text="What is offered, to be accepted or declined.")


def shown_place(entry: WaitingEntry) -> dict[str, Any]:
    """One place on the list, of the shape of `WaitingOut`."""
    return {
        "reference": entry.reference,
        "machine": entry.machine.slug,
        "start": entry.start,
        "end": entry.end,
        "any_of_model": entry.any_of_model,
        "only_tell": entry.is_notice_only,
        "accept_at_once": entry.accepts_at_once,
        "state": entry.state,
        "reservation": entry.offer.reference if entry.offer else None,
    }


class WaitingList(APIView):
    needs_person = True
    write_scope = Scope.RESERVE.value

    @extend_schema(operation_id="waiting_list", responses={200: WaitingOut(many=True)})
    def get(self, request: Request) -> Response:
        """One's own places, soonest first: those that wait and those that are offered. At most 100."""
        rows = WaitingEntry.objects.filter(person=signed_in(request), state__in=[State.WAITING, State.OFFERED])
        found = rows.select_related("machine", "offer").order_by("start", "pk")[:100]
        return Response([shown_place(entry) for entry in found])

    @extend_schema(
        operation_id="waiting_join",
        request=WaitingIn,
        responses={201: WaitingOut, 400: INVALID, 409: Refused},
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Wait for a time on a machine. Joining twice is once."""
        form = WaitingIn(data=request.data)
        form.is_valid(raise_exception=True)
        data, person = form.validated_data, signed_in(request)
        if data["only_tell"] and data["accept_at_once"]:
            raise ValidationError({"accept_at_once": [_("Either one is only told, or it is reserved at once.")]})
        try:
            entry = join_waiting(
                machine=machine_or_404(data["machine"]), person=person, start=data["start"], end=data["end"],
                by=person, now=timezone.now(), any_of_model=data["any_of_model"], is_notice_only=data["only_tell"],
                accepts_at_once=data["accept_at_once"],
            )  # fmt: skip
        except WrongState as error:
            return answer_wrong_state(error)
        return Response(shown_place(entry), status=201)


class WaitingPlace(APIView):
    needs_person = True
    write_scope = Scope.RESERVE.value

    def _find(self, request: Request, reference: str) -> WaitingEntry:
        rows = WaitingEntry.objects.filter(person=signed_in(request)).select_related("machine", "offer")
        return get_object_or_404(rows, reference=reference)

    @extend_schema(operation_id="waiting_retrieve", responses={200: WaitingOut})
    def get(self, request: Request, reference: str) -> Response:
        return Response(shown_place(self._find(request, reference)))

    @extend_schema(operation_id="waiting_leave", responses={204: None, 409: Refused})
    def delete(self, request: Request, reference: str) -> Response:
        """Wait no more; an offer goes to the next one. Leaving twice is once."""
        try:
            leave_waiting(entry=self._find(request, reference), by=signed_in(request), now=timezone.now())
        except WrongState as error:
            return answer_wrong_state(error)
        return Response(status=204)
