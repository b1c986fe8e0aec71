"""Reserving, moving and cancelling many dates in one go, as API v1."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fablab.lib.api import INVALID, Instant
from people.idempotency import idempotent
from people.models.token import Scope as TokenScope
from people.signed_in import signed_in
from reservations.api import ReservationAction, answer_wrong_state, machine_or_404, no_such_team, team_named
from reservations.api_refusals import Refused
from reservations.errors import NotOfTheTeam, WrongState
from reservations.messages import sentence_of
from reservations.models import Reservation
from reservations.series import Scope, cancel_dates, move_dates, rehearse_dates, reserve_dates
from reservations.series_dates import SeriesReport
from reservations.wishes import Wish

ALL_OR_NOTHING, SKIP = "all_or_nothing", "skip_conflicts"


class OnConflict(serializers.ChoiceField):
    """What a date that cannot be had does to the others."""

    def __init__(self) -> None:
        super().__init__(
            choices=[ALL_OR_NOTHING, SKIP],
            default=ALL_OR_NOTHING,
            help_text="What happens to the other dates when one cannot be had.",
        )


class SeriesIn(serializers.Serializer[Any]):
    machine = serializers.SlugField()
    start = Instant(help_text="Of the first date; the others follow at the same time of the site’s clock.")
    end = Instant()
    rule = serializers.CharField(
        max_length=180, help_text="RFC 5545, daily, weekly or monthly, with COUNT or UNTIL: at most 60 dates."
    )
    on_conflict = OnConflict()
    is_rehearsal = serializers.BooleanField(default=False, help_text="Only say what would come of it.")
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    project = serializers.SlugField(required=False, help_text="A team of yours, of the machine's site.")


class MadeDate(serializers.Serializer[Any]):
    reference = serializers.CharField(help_text="Empty in a rehearsal.", allow_blank=True)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.CharField()


class Reason(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    next_step = serializers.CharField()


class LeftDate(serializers.Serializer[Any]):
    day = serializers.DateField()
    denials = Reason(many=True)


class SeriesOut(serializers.Serializer[Any]):
    """What came of each date. 409 with the same shape where nothing was done."""

    series = serializers.CharField(allow_null=True)
    made = MadeDate(many=True)
    refused = LeftDate(many=True)


class MoveDatesIn(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(choices=[scope.value for scope in Scope])
    start = Instant(help_text="Of this date; the others move by as many days, to the same time of the clock.")
    end = Instant()
    machine = serializers.SlugField(required=False)
    on_conflict = OnConflict()


class CancelDatesIn(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(choices=[scope.value for scope in Scope])


def shown_report(report: SeriesReport, *, is_rehearsal: bool = False) -> dict[str, Any]:
    """Of the shape of `SeriesOut`."""
    return {
        "series": report.series.reference if report.series else None,
        "made": [_shown_date(row, is_rehearsal) for row in report.made],
        "refused": [
            {
                "day": date.day,
                "denials": [
                    {"code": said.code, "message": said.message, "next_step": said.next_step}
                    for said in map(sentence_of, date.denials)
                ],
            }
            for date in report.refused
        ],
    }


def _shown_date(row: Reservation, is_rehearsal: bool) -> dict[str, Any]:
    reference = "" if is_rehearsal else row.reference
    return {"reference": reference, "start": row.start, "end": row.end, "status": row.status}


def check_order(data: dict[str, Any]) -> None:
    """Raises: ValidationError where the end does not come after the start."""
    if data["end"] <= data["start"]:
        raise ValidationError({"end": [_("The end comes after the start.")]})


class SeriesList(APIView):
    needs_person = True
    write_scope = TokenScope.RESERVE.value

    @extend_schema(
        operation_id="series_create",
        request=SeriesIn,
        responses={200: SeriesOut, 201: SeriesOut, 400: INVALID, 409: SeriesOut},
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Reserve a machine on many dates: 201 with a report of each. A rehearsal answers 200 and reserves nothing."""
        form = SeriesIn(data=request.data)
        form.is_valid(raise_exception=True)
        data, person, now = form.validated_data, signed_in(request), timezone.now()
        check_order(data)
        wish = Wish(
            machine_or_404(data["machine"]), data["start"], data["end"], person, person,
            team=team_named(data.get("project")), note=data["note"],
        )  # fmt: skip
        try:
            if data["is_rehearsal"]:
                return Response(shown_report(rehearse_dates(wish, data["rule"], now), is_rehearsal=True))
            report = reserve_dates(wish, data["rule"], now, is_skipping=data["on_conflict"] == SKIP)
        except NotOfTheTeam as error:
            raise no_such_team() from error
        except WrongState as error:
            return answer_wrong_state(error)
        except ValueError as error:
            raise ValidationError(
                {"rule": [_("This rule gives no date, more than 60, or is not understood.")]}
            ) from error
        return Response(shown_report(report), status=201 if report.made else 409)


class SeriesAction(ReservationAction):
    """Something that is done with this date of a series, the following, or all."""

    def _report(self, request: Request, reference: str, service: Any, **more: Any) -> Response:
        reservation, by = self._find(request, reference), signed_in(request)
        try:
            report = service(reservation=reservation, by=by, now=timezone.now(), **more)
        except WrongState as error:
            return answer_wrong_state(error)
        return Response(shown_report(report), status=200 if report.made or not report.refused else 409)


class MoveDates(SeriesAction):
    @extend_schema(
        operation_id="series_move",
        request=MoveDatesIn,
        responses={200: SeriesOut, 400: INVALID, 409: Refused},
    )
    def post(self, request: Request, reference: str) -> Response:
        """Move this date, the following, or all that are to come; every rule is asked for each."""
        form = MoveDatesIn(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        check_order(data)
        target = machine_or_404(data["machine"]) if data.get("machine") else None
        return self._report(
            request, reference, move_dates, scope=Scope(data["scope"]), start=data["start"], end=data["end"],
            machine=target, is_skipping=data["on_conflict"] == SKIP,
        )  # fmt: skip


class CancelDates(SeriesAction):
    @extend_schema(
        operation_id="series_cancel",
        request=CancelDatesIn,
        responses={200: SeriesOut, 400: INVALID, 409: Refused},
    )
    def post(self, request: Request, reference: str) -> Response:
        """Give back this date, the following, or all that are to come."""
        form = CancelDatesIn(data=request.data)
        form.is_valid(raise_exception=True)
        return self._report(request, reference, cancel_dates, scope=Scope(form.validated_data["scope"]))
