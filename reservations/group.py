"""What the team reserves for a group under a public title: a room and eight computers, once or every week.

The team answers for its own hours, so opening hours, notice and lengths are not asked; that nothing is held twice
and nothing broken is promised, is.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from machines.models import Attendance, BookingSettings, Machine, Unit
from machines.parts import parts_of
from people.models import Person, Site
from reservations.deeds import note_deed
from reservations.errors import ReservationRefused
from reservations.facts import taken_intervals, unavailabilities
from reservations.holding import lock_in_order, machine_ids_of, race_becomes_refusal, time_range
from reservations.models import Deed, HeldUnit, Origin, Reservation, ReservationSeries, Status
from reservations.rules import BookingFacts, group_denials
from reservations.series_dates import RefusedDate, SeriesReport, series_days, wall_interval
from reservations.waiting import serve_those_before

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
    serve_those_before(site, [unit.pk for unit in units], Interval(start, end), now)
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
    units = with_parts(units)
    days = {day: wall_interval(day, opens, closes, site) for day in series_days(first_day, rule)}
    for start, end in days.values():
        serve_those_before(site, [unit.pk for unit in units], Interval(start, end), now)
    refused: list[RefusedDate] = []
    with transaction.atomic():
        lock_in_order([], [unit.pk for unit in units])
        series = ReservationSeries.objects.create(site=site, title=title, rule=rule, created_by=by, created_at=now)
        made: list[Reservation] = []
        for day, (start, end) in days.items():
            try:
                with transaction.atomic():
                    made.append(
                        _hold(site=site, units=units, title=title, start=start, end=end, by=by, now=now, note=note,
                              series=series, day=day)
                    )  # fmt: skip
            except ReservationRefused as refusal:
                refused.append(RefusedDate(day, refusal.denials))
        if not made or (refused and not is_skipping_taken):
            transaction.set_rollback(True)
            return SeriesReport(None, [], refused)
    return SeriesReport(series, made, refused)


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
    day: dt.date | None = None,
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
        site=site, title=title, series=series, series_date=day,
        start=start, end=end, booked_start=start, booked_end=end, status=Status.CONFIRMED,
        origin=Origin.DESK, note=note, created_at=now, created_by=by,
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
