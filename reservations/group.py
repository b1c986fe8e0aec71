"""What the team reserves for a group under a public title: a room and eight computers, once or every week.

The team answers for its own hours, so opening hours, notice and lengths are not asked; that nothing is held twice
and nothing broken is promised, is.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dateutil.rrule import rrulestr
from django.db import transaction

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from machines.models import Attendance, BookingSettings, Machine, Unit
from machines.opening import MIDNIGHT, instant_of
from machines.parts import parts_of
from people.models import Person, Site
from reservations.deeds import note_deed
from reservations.errors import ReservationRefused, WrongState
from reservations.facts import taken_intervals, unavailabilities
from reservations.holding import lock_in_order, machine_ids_of, race_becomes_refusal, time_range
from reservations.models import Deed, HeldUnit, Origin, Reservation, ReservationSeries, Status
from reservations.rules import BookingFacts, group_denials
from reservations.services import cancel_reservation

MOST_DATES = 60
LONGEST = dt.timedelta(days=14)
GROUP_SETTINGS = BookingSettings(
    attendance=Attendance.THROUGHOUT,
    shortest=dt.timedelta(minutes=5),
    longest=LONGEST,
    grid=dt.timedelta(minutes=5),
    notice=dt.timedelta(0),
    window=dt.timedelta(days=3650),
    setup_buffer=dt.timedelta(0),
    cleanup_buffer=dt.timedelta(0),
)


@dataclass(frozen=True, slots=True)
class RefusedDate:
    """A date of a series that could not be reserved, with every reason."""

    day: dt.date
    denials: list[Denial]


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """What came of a series: one reservation for each date that was made; `series` is None when none was."""

    series: ReservationSeries | None
    made: list[Reservation]
    refused: list[RefusedDate]

    @classmethod
    def of_one_refused(cls, day: dt.date, denials: Sequence[Denial]) -> "SeriesReport":
        """A single date that could not be reserved."""
        return cls(None, [], [RefusedDate(day, list(denials))])


@retried
def reserve_group(
    *,
    site: Site,
    units: Sequence[Unit],
    title: str,
    start: dt.datetime,
    end: dt.datetime,
    by: Person,
    now: dt.datetime,
    note: str = "",
) -> Reservation:
    """Hold all these units over [start, end) under one title; all of them or none.

    Side effects in order: lock the units by id; insert reservation and held units; announce the machines.

    Raises:
        ReservationRefused: with every reason, each naming what is in the way.
        ValueError: no unit, or one of another site.
    """
    units = with_parts(units)
    with transaction.atomic():
        lock_in_order([], [unit.pk for unit in units])
        return _hold(site=site, units=units, title=title, start=start, end=end, by=by, now=now, note=note, series=None)


@retried
def reserve_series(
    *,
    site: Site,
    units: Sequence[Unit],
    title: str,
    first_day: dt.date,
    opens: dt.time,
    closes: dt.time,
    rule: str,
    by: Person,
    now: dt.datetime,
    is_skipping_taken: bool,
    note: str = "",
) -> SeriesReport:
    """Reserve every date of the rule at the same local times; `closes` at 00:00 is midnight.

    With a date refused nothing is made, unless `is_skipping_taken`: then the others are. The report names each.

    Raises:
        ValueError: the rule is not RFC 5545, has no end, or has more than MOST_DATES dates.
    """
    days, units = series_days(first_day, rule), with_parts(units)
    refused: list[RefusedDate] = []
    with transaction.atomic():
        lock_in_order([], [unit.pk for unit in units])
        series = ReservationSeries.objects.create(site=site, title=title, rule=rule, created_by=by, created_at=now)
        made: list[Reservation] = []
        for day in days:
            start, end = wall_interval(day, opens, closes, site)
            try:
                with transaction.atomic():
                    made.append(
                        _hold(site=site, units=units, title=title, start=start, end=end, by=by, now=now, note=note,
                              series=series)
                    )  # fmt: skip
            except ReservationRefused as refusal:
                refused.append(RefusedDate(day, refusal.denials))
        if not made or (refused and not is_skipping_taken):
            transaction.set_rollback(True)
            return SeriesReport(None, [], refused)
    return SeriesReport(series, made, refused)


def series_days(first_day: dt.date, rule: str) -> list[dt.date]:
    """The dates of an RFC 5545 rule from its first day on, in order.

    Raises:
        ValueError: the rule cannot be read, has no end, or has more than MOST_DATES dates.
    """
    text = rule.removeprefix("RRULE:")
    if "COUNT=" not in text and "UNTIL=" not in text:
        raise ValueError("the rule has no end")
    found = rrulestr(text, dtstart=dt.datetime.combine(first_day, dt.time(0)))
    days: list[dt.date] = []
    for instant in found:
        if len(days) == MOST_DATES:
            raise ValueError("too many dates")
        days.append(instant.date())
    if not days:
        raise ValueError("the rule has no date")
    return days


def wall_interval(day: dt.date, opens: dt.time, closes: dt.time, site: Site) -> tuple[dt.datetime, dt.datetime]:
    """Local times of a day as instants; an end at or before the start belongs to the next day."""
    end_day = day + dt.timedelta(days=1) if closes == MIDNIGHT or closes <= opens else day
    return instant_of(day, opens, site.zone), instant_of(end_day, closes, site.zone, is_end=closes != MIDNIGHT)


def cancel_series(*, series: ReservationSeries, since: dt.datetime, by: Person, now: dt.datetime) -> int:
    """Cancel the dates of a series that begin at or after `since` and have not begun; how many."""
    cancelled = 0
    rows = Reservation.objects.filter(series=series, status=Status.CONFIRMED, start__gte=max(since, now))
    with transaction.atomic():
        for reservation in rows.order_by("start"):
            try:
                cancel_reservation(reservation=reservation, by=by, now=now)
            except WrongState:
                # It was ended by another hand between the two queries.
                continue
            cancelled += 1
    return cancelled


def _hold(
    *,
    site: Site,
    units: Sequence[Unit],
    title: str,
    start: dt.datetime,
    end: dt.datetime,
    by: Person,
    now: dt.datetime,
    note: str,
    series: ReservationSeries | None,
) -> Reservation:
    """Insert one date; the units are locked."""
    if not units or any(unit.site_id != site.pk for unit in units):
        raise ValueError("a group holds units of one site, at least one")
    asked = Interval(start, end)
    machines = {machine.unit_id: machine for machine in Machine.objects.filter(unit__in=units).with_places()}
    facts = [(_name(unit, machines), _facts(unit, machines.get(unit.pk), asked, site)) for unit in units]
    denials = group_denials(facts=facts, start=start, end=end, now=now)
    if denials:
        raise ReservationRefused(denials)
    reservation = Reservation(
        site=site, title=title, series=series, start=start, end=end, booked_start=start, booked_end=end,
        status=Status.CONFIRMED, origin=Origin.DESK, note=note, created_at=now, created_by=by,
    )  # fmt: skip
    reservation.save(force_insert=True)
    with race_becomes_refusal(site.zone, asked):
        HeldUnit.objects.bulk_create(
            HeldUnit(reservation=reservation, unit=unit, period=time_range(asked), blocked=time_range(fact.blocked))
            for unit, (_what, fact) in zip(units, facts, strict=True)
            if fact.blocked is not None
        )
    note_deed(reservation, Deed.Kind.MADE, by=by, now=now, origin=Origin.DESK)
    announce_machines(machine_ids_of(reservation))
    return reservation


def with_parts(units: Sequence[Unit]) -> list[Unit]:
    """These units and what is taken along with them, each once: a room with the machines in it."""
    known = {unit.pk for unit in units}
    parts = [part.unit_id for part in parts_of(sorted(known)) if not part.is_shared]
    return [*units, *Unit.objects.filter(pk__in=set(parts) - known).select_related("site").order_by("pk")]


def _name(unit: Unit, machines: dict[int, Machine]) -> str:
    machine = machines.get(unit.pk)
    return machine.name if machine else unit.room.name


def _facts(unit: Unit, machine: Machine | None, asked: Interval, site: Site) -> BookingFacts:
    """Set-up and clean-up are kept for a group too; a room has none."""
    settings, blocked = GROUP_SETTINGS, asked
    if machine is not None:
        own = machine.booking
        settings = replace(settings, setup_buffer=own.setup_buffer, cleanup_buffer=own.cleanup_buffer)
        blocked = Interval(asked.start - own.setup_buffer, asked.end + own.cleanup_buffer)
    return BookingFacts(
        zone=site.zone,
        settings=settings,
        opening=(),
        unavailable=unavailabilities(machine, asked.start, asked.end) if machine else (),
        taken=tuple(taken_intervals(unit.pk, blocked)),
        blocked=blocked,
    )
