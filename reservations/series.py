"""A series: one wish on many dates, in one transaction; and changing or cancelling this date, the following, or all.

Each date is a reservation like any other and goes by the same rules; the report names each one that could not be had.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.retries import retried
from machines.models import Machine
from machines.opening import instant_of
from machines.parts import parts_of
from people.models import Person
from reservations.credits import settle_credits
from reservations.errors import ReservationRefused, WrongState
from reservations.holding import hold_units, lock_in_order, machine_ids_of, windows_of
from reservations.models import HeldUnit, Origin, Participant, Reservation, ReservationSeries
from reservations.models.reservation import OPEN
from reservations.notices import tell_of_series
from reservations.refusals import record_refusal
from reservations.series_dates import RefusedDate, SeriesReport, rule_moved, rule_until, series_days
from reservations.services import cancel_reservation, check_team, move_unexplained, serve_freed
from reservations.waiting import end_own_wait, serve_those_before
from reservations.wishes import (
    NOTHING_SET_ASIDE,
    SetAside,
    Wish,
    check,
    companions_of,
    credits_wanted,
    insert_reservation,
)


class Scope(enum.StrEnum):
    """Which dates of a series are meant, of those that have not begun."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Clock:
    """Local times on a site's wall, and by how many days the end lies after the start."""

    opens: dt.time
    closes: dt.time
    days: int

    @classmethod
    def of(cls, start: dt.datetime, end: dt.datetime, machine: Machine) -> "Clock":
        zone = machine.site.zone
        first, last = start.astimezone(zone), end.astimezone(zone)
        return cls(_wall(first), _wall(last), (last.date() - first.date()).days)

    def on(self, day: dt.date, machine: Machine) -> Interval:
        """The same times on that day: by the clock, whatever the season."""
        zone = machine.site.zone
        start = instant_of(day, self.opens, zone)
        return Interval(start, instant_of(day + dt.timedelta(days=self.days), self.closes, zone, is_end=True))


def _wall(local: dt.datetime) -> dt.time:
    return local.time().replace(fold=0)


def reserve_dates(wish: Wish, rule: str, now: dt.datetime, *, is_skipping: bool) -> SeriesReport:
    """Reserve the wish on every date of the rule at the same local times; its own start gives the first date.

    With a date refused nothing is made, unless `is_skipping`: then the others are. Side effects in order: whoever
    waits for those times is served; people and units locked; the series and its dates inserted; the holder told once
    where somebody else reserved; refused dates recorded.

    Raises:
        NotOfTheTeam: as `create_reservation`.
        ValueError: the rule is not understood, has no end, or has more than MOST_DATES dates.
    """
    check_team(wish)
    dates = dates_of(wish, rule)
    for _, date in dates:
        serve_those_before(date.machine.site, [date.machine.unit_id], date.asked, now, besides=wish.holder)
    report = _reserve(dates, rule, now, is_skipping=is_skipping, is_rehearsal=False)
    wishes = dict(dates)
    for refused in report.refused:
        asked = wishes[refused.day].asked
        record_refusal(wish.machine, asked, refused.denials, wish.holder, Origin.SERIES, now)
    for reservation in report.made:
        end_own_wait(reservation, now)
    return report


def rehearse_dates(wish: Wish, rule: str, now: dt.datetime) -> SeriesReport:
    """What `reserve_dates` would make, skipping what is refused: done for real and undone, so that it cannot differ.

    The reservations in the report exist no more; nothing is recorded and nobody is told.

    Raises:
        NotOfTheTeam, ValueError: as `reserve_dates`.
    """
    check_team(wish)
    return _reserve(dates_of(wish, rule), rule, now, is_skipping=True, is_rehearsal=True)


def dates_of(wish: Wish, rule: str) -> list[tuple[dt.date, Wish]]:
    """The wish on each date of the rule.

    Raises:
        ValueError: as `reserve_dates`.
    """
    clock = Clock.of(wish.start, wish.end, wish.machine)
    first_day = wish.start.astimezone(wish.machine.site.zone).date()
    found = []
    for day in series_days(first_day, rule):
        times = clock.on(day, wish.machine)
        found.append((day, replace(wish, start=times.start, end=times.end, origin=Origin.SERIES)))
    return found


@retried
def _reserve(
    dates: Sequence[tuple[dt.date, Wish]], rule: str, now: dt.datetime, *, is_skipping: bool, is_rehearsal: bool
) -> SeriesReport:
    wish = dates[0][1]
    made: list[Reservation] = []
    refused: list[RefusedDate] = []
    with transaction.atomic():
        lock_in_order([wish.holder, *wish.companions], units_of(wish.machine))
        series = ReservationSeries.objects.create(
            site=wish.machine.site, machine=wish.machine, holder=wish.holder, rule=rule, created_by=wish.by,
            created_at=now,
        )  # fmt: skip
        for day, date in dates:
            try:
                with transaction.atomic():
                    made.append(_reserve_date(date, series, day, now))
            except ReservationRefused as refusal:
                refused.append(RefusedDate(day, refusal.denials))
        is_kept = bool(made) and (is_skipping or not refused)
        if is_rehearsal or not is_kept:
            transaction.set_rollback(True)
        else:
            tell_of_series("series_made", made, by=wish.by, now=now)
    if is_rehearsal or is_kept:
        return SeriesReport(None if is_rehearsal else series, made, refused)
    return SeriesReport(None, [], refused)


def _reserve_date(wish: Wish, series: ReservationSeries, day: dt.date, now: dt.datetime) -> Reservation:
    """Insert one date; people and units are locked."""
    facts = wish.facts(now)
    check(facts, wish.asked, now)
    reservation = insert_reservation(wish, facts, now, series=series, series_date=day)
    hold_units(reservation, windows_of(wish.machine.unit_id, facts, wish.asked), facts.zone)
    if facts.settings.credits_per_hour:
        settle_credits(reservation=reservation, wanted=credits_wanted(facts, wish.asked), by=wish.by, now=now)
    announce_machines(machine_ids_of(reservation) if facts.parts else [wish.machine.pk])
    return reservation


def units_of(machine: Machine) -> list[int]:
    """The machine's unit and those that are taken along with it. One query."""
    return [machine.unit_id, *(part.unit_id for part in parts_of([machine.unit_id]) if not part.is_shared)]


def dates_meant(reservation: Reservation, scope: Scope, now: dt.datetime) -> list[Reservation]:
    """The dates that a change of this one means, soonest first: those that have not begun, itself among them."""
    if scope == Scope.THIS or reservation.series_id is None:
        return [reservation]
    # One that was moved to another site is that team's.
    rows = Reservation.objects.filter(
        series=reservation.series_id, site=reservation.site_id, status__in=OPEN, start__gt=now
    )
    if scope == Scope.FOLLOWING:
        rows = rows.filter(start__gte=reservation.start)
    return list(rows.with_places().select_related("holder").order_by("start", "pk"))


def move_dates(
    *,
    reservation: Reservation,
    scope: Scope,
    start: dt.datetime,
    end: dt.datetime,
    by: Person,
    now: dt.datetime,
    machine: Machine | None = None,
    is_skipping: bool = False,
    set_aside: SetAside = NOTHING_SET_ASIDE,
) -> SeriesReport:
    """Move this date to [start, end), and the others meant by as many days to the same local times.

    `made` are the dates that were moved. With a date refused nothing is moved, unless `is_skipping`: then that one
    stays where it was. Changing the following parts the series in two: the new one `continues` the old one.

    Raises:
        WrongState: as `move_reservation`; `series_keeps_its_days` when a monthly series would change its days.
    """
    target = machine or reservation.machine
    if target is None or reservation.machine is None:
        raise WrongState("held_for_a_group")
    zone = reservation.site.zone
    days_later = (start.astimezone(zone).date() - reservation.start.astimezone(zone).date()).days
    clock = Clock.of(start, end, target)
    rows = dates_meant(reservation, scope, now)
    if reservation.pk not in {row.pk for row in rows}:
        raise WrongState("not_open")
    wanted: list[tuple[Reservation, Wish]] = []
    for row in rows:
        day = row.start.astimezone(zone).date() + dt.timedelta(days=days_later)
        # Where no machine is named, each stays on its own.
        place = machine or row.machine or target
        times = Interval(start, end) if row.pk == reservation.pk else clock.on(day, place)
        wanted.append((row, _wish_of(row, place, times, by, set_aside)))
    for _, wish in wanted:
        serve_those_before(wish.machine.site, [wish.machine.unit_id], wish.asked, now, besides=wish.holder)
    # Those moved later begin with the last, so that none is in the way of its neighbour.
    if start > reservation.start:
        wanted.reverse()
    report = _move(wanted, reservation, scope, days_later, now, is_skipping=is_skipping)
    for refused in report.refused:
        wish = next(wish for row, wish in wanted if _day(row) == refused.day)
        record_refusal(wish.machine, wish.asked, refused.denials, reservation.holder, Origin.SERIES, now)
    return report


def _wish_of(row: Reservation, machine: Machine, times: Interval, by: Person, set_aside: SetAside) -> Wish:
    return Wish(
        machine=machine, start=times.start, end=times.end, holder=row.holder, by=by, origin=Origin.SERIES,
        companions=companions_of(row), holder_takes_part=row.holder_takes_part, set_aside=set_aside,
    )  # fmt: skip


@retried
def _move(
    wanted: Sequence[tuple[Reservation, Wish]], chosen: Reservation, scope: Scope, days_later: int, now: dt.datetime,
    *, is_skipping: bool,
) -> SeriesReport:  # fmt: skip
    made: list[Reservation] = []
    refused: list[RefusedDate] = []
    with transaction.atomic():
        _lock_all(wanted)
        for row, wish in wanted:
            left = machine_ids_of(row)
            try:
                with transaction.atomic():
                    made.append(move_unexplained(row, wish, now))
            except ReservationRefused as refusal:
                refused.append(RefusedDate(_day(row), refusal.denials))
            else:
                serve_freed(row, now, machine_ids=left)
        made.sort(key=lambda row: row.start)
        refused.sort(key=lambda date: date.day)
        if not made or (refused and not is_skipping):
            transaction.set_rollback(True)
            return SeriesReport(None, [], refused)
        rows, wish = sorted((row for row, _ in wanted), key=lambda row: row.start), wanted[0][1]
        series = _parted(chosen, scope, rows, wish.machine, days_later, now)
        tell_of_series("series_moved", made, by=wish.by, now=now)
    return SeriesReport(series, made, refused)


def _lock_all(wanted: Iterable[tuple[Reservation, Wish]]) -> None:
    rows = [row for row, _ in wanted]
    wishes = [wish for _, wish in wanted]
    held = HeldUnit.objects.filter(reservation__in=rows).values_list("unit_id", flat=True)
    people = {person.pk: person for wish in wishes for person in (wish.holder, *wish.companions) if person}
    machines = {wish.machine.pk: wish.machine for wish in wishes}
    lock_in_order(people.values(), {*held, *(unit for machine in machines.values() for unit in units_of(machine))})
    _lock_rows(rows)


def _lock_rows(rows: Iterable[Reservation]) -> None:
    """All of them before any of the holder's credits: whoever gives back one alone takes them in that order too."""
    keys = [row.pk for row in rows]
    locking = Reservation.objects.filter(pk__in=keys).select_for_update(of=("self",), no_key=True)
    list(locking.order_by("pk").values_list("pk"))


def _parted(
    chosen: Reservation,
    scope: Scope,
    rows: Sequence[Reservation],
    machine: Machine,
    days_later: int,
    now: dt.datetime,
) -> ReservationSeries | None:
    """The series that these dates belong to now: one of their own where earlier dates stay as they were.

    Raises:
        WrongState: `series_keeps_its_days`.
    """
    series = chosen.series
    if series is None or scope == Scope.THIS:
        return series
    zone = series.site.zone
    # As they were before they were moved.
    first, last = rows[0].start, rows[-1].start.astimezone(zone).date() + dt.timedelta(days=days_later)
    try:
        rule = rule_until(rule_moved(series.rule, days_later), last)
    except ValueError as error:
        raise WrongState("series_keeps_its_days") from error
    moved = [row.pk for row in rows]
    earlier = Reservation.objects.filter(series=series, start__lt=first).exclude(pk__in=moved).order_by("-start")
    last_kept = earlier.values_list("start", flat=True).first()
    if last_kept is None:
        series.rule, series.machine = rule, machine
        series.save(update_fields=["rule", "machine"])
        return series
    series.rule = rule_until(series.rule, last_kept.astimezone(zone).date())
    series.save(update_fields=["rule"])
    new = ReservationSeries.objects.create(
        site=series.site, title=series.title, machine=machine, holder=series.holder, continues=series, rule=rule,
        created_by=series.created_by, created_at=now,
    )  # fmt: skip
    Reservation.objects.filter(pk__in=moved).update(series=new)
    return new


def cancel_dates(
    *, reservation: Reservation, scope: Scope, by: Person, now: dt.datetime, why: str = ""
) -> SeriesReport:
    """Give back this date, the following, or all that have not begun; `made` are those that were given back.

    What cannot be (the machine wants more notice) stays and is in the report.

    Raises:
        WrongState: as `cancel_reservation`, where only this date is meant.
    """
    if scope == Scope.THIS or reservation.series_id is None:
        try:
            return SeriesReport(None, [cancel_reservation(reservation=reservation, by=by, now=now, why=why)], [])
        except ReservationRefused as refusal:
            return SeriesReport.of_one_refused(_day(reservation), refusal.denials)
    return _cancel(dates_meant(reservation, scope, now), by, now, why)


@retried
def _cancel(rows: Sequence[Reservation], by: Person, now: dt.datetime, why: str) -> SeriesReport:
    made: list[Reservation] = []
    refused: list[RefusedDate] = []
    with transaction.atomic():
        people = Participant.objects.filter(reservation__in=rows).values_list("person", flat=True)
        lock_in_order([*{row.holder for row in rows}, *Person.objects.filter(pk__in=people)], [])
        _lock_rows(rows)
        for row in rows:
            try:
                with transaction.atomic():
                    made.append(cancel_reservation(reservation=row, by=by, now=now, why=why, origin=Origin.SERIES))
            except ReservationRefused as refusal:
                refused.append(RefusedDate(_day(row), refusal.denials))
            except WrongState:
                # It was ended by another hand between the two queries.
                continue
        tell_of_series("series_cancelled", made, by=by, now=now, why=why)
    return SeriesReport(rows[0].series if rows else None, made, refused)


def _day(reservation: Reservation) -> dt.date:
    return reservation.start.astimezone(reservation.site.zone).date()
