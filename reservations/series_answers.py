"""The team's answer to all dates of a series that wait for one."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import Count

from people.models import Person
from reservations.errors import ReservationRefused, WrongState
from reservations.life import approve, refuse
from reservations.models import Origin, Reservation, Status
from reservations.notices import tell_of_series
from reservations.series_dates import RefusedDate, SeriesReport


def dates_waiting(rows: Iterable[Reservation], now: dt.datetime) -> dict[tuple[int, int], int]:
    """How many dates of each of their series wait for an answer, by the series' key and the site's. One query, none
    without series."""
    keys = {row.series_id for row in rows if row.series_id is not None}
    if not keys:
        return {}
    waiting = Reservation.objects.filter(series__in=keys, status=Status.PENDING, start__gt=now)
    found = waiting.order_by().values_list("series", "site").annotate(n=Count("pk"))
    return {(series, site): count for series, site, count in found}


def answer_dates(
    *, reservation: Reservation, is_yes: bool, by: Person, now: dt.datetime, decision: str = ""
) -> SeriesReport:
    """The same yes or no to every date of its series that waits; each is answered alone, and all are told in one word.

    `made` were answered; `refused` are those to which the rules no longer let one say yes: they still wait.

    Raises:
        OnlyForTheTeam, WrongState: as `approve` and `refuse`; `not_pending` where none waits any more.
    """
    rows = Reservation.objects.filter(
        series=reservation.series_id, site=reservation.site_id, status=Status.PENDING, start__gt=now
    )
    made: list[Reservation] = []
    refused: list[RefusedDate] = []
    answered = approve if is_yes else refuse
    try:
        for row in rows.with_places().select_related("holder").order_by("start", "pk"):
            try:
                fresh = answered(reservation=row, by=by, now=now, decision=decision, origin=Origin.SERIES)
                # Another hand may have said the same a moment ago.
                if fresh.decided_by_id == by.pk:
                    made.append(fresh)
            except ReservationRefused as refusal:
                refused.append(RefusedDate(row.start.astimezone(row.site.zone).date(), refusal.denials))
            except WrongState as error:
                # Answered by another hand a moment ago; a no without a reason is one for all of them.
                if error.code != "not_pending":
                    raise
    finally:
        # Whatever stops it half-way: what was answered is told, of two taps at once by the first.
        told = [row for row in made if row.decided_at == now]
        tell_of_series("series_approved" if is_yes else "series_refused", told, by=by, now=now, why=decision)
    if not made and not refused:
        raise WrongState("not_pending")
    return SeriesReport(reservation.series, made, refused)
