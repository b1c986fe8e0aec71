"""How much of each limit a person holds already, and what a new time would add."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import F, Q

from fablab.lib.intervals import Interval
from machines.models import Machine, PeakHours
from machines.opening import MIDNIGHT, Timetable, instant_of, opening_between
from people.groups import group_ids_of
from people.models import Person
from reservations.models import Quota, Reservation, Status
from reservations.rule_facts import QuotaFact

# What the person holds or held: a time that was given up in time does not count, one that was not used does.
COUNTED = (Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE, Status.COMPLETED, Status.NO_SHOW)
# Cancelled only once its time had begun, or somebody had checked in for it: that is not given up in time.
GIVEN_UP_LATE = Q(status=Status.CANCELLED) & (Q(cancelled_at__gt=F("booked_start")) | Q(checked_in_at__isnull=False))
TO_COME = (Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE)


HOLDING_FIELDS = (
    "pk", "booked_start", "booked_end", "machine_id", "machine__category_id", "site_id", "status", "end",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Holding:
    """One reservation, as far as limits look at it."""

    pk: int | None
    time: Interval
    machine_id: int
    category_id: int
    site_id: int
    is_to_come: bool


def quota_facts(
    *,
    machine: Machine,
    person: Person,
    asked: Interval,
    now: dt.datetime,
    ignoring: Reservation | None = None,
) -> tuple[QuotaFact, ...]:
    """Each limit that concerns the machine and the person, over each period that the time touches.

    One query where there is no limit; else at most five. What a move gives up is taken off what it asks for.
    """
    quotas = _in_force(machine, person, asked.start)
    if not quotas or asked.is_empty:
        return ()
    window = window_counted(quotas, asked, now, machine.site.zone)
    held = _holdings(person, window, now)
    peak = peak_times(machine, window) if any(quota.is_peak_only for quota in quotas) else []
    return quota_facts_from(quotas, machine=machine, asked=asked, now=now, held=held, peak=peak, ignoring=ignoring)


def window_counted(quotas: Iterable[Quota], asked: Interval, now: dt.datetime, zone: ZoneInfo) -> Interval:
    """From the first to the last instant that these limits look at; there is at least one of them. Pure."""
    spans = [span for quota in quotas for span in spans_of(quota, asked, now, zone)]
    return Interval(min(span.start for span in spans), max(span.end for span in spans))


def quota_facts_from(
    quotas: Iterable[Quota],
    *,
    machine: Machine,
    asked: Interval,
    now: dt.datetime,
    held: Sequence[Holding],
    peak: Sequence[Interval],
    ignoring: Reservation | None = None,
) -> tuple[QuotaFact, ...]:
    """Each of these limits over each period that the time touches. Asks nothing of the database."""
    zone = machine.site.zone
    wanted = Holding(None, asked, machine.pk, machine.category_id, machine.unit.site_id, True)
    facts = []
    spans = [(each, span) for each in quotas for span in spans_of(each, asked, now, zone)]
    for quota, span in spans:
        counted = [row for row in held if counts(quota, row)]
        given_up = [row for row in counted if ignoring is not None and row.pk == ignoring.pk]
        before = amount_in(quota, counted, span, peak)
        facts.append(
            QuotaFact(
                measure=quota.measure,
                period=quota.period,
                most=quota.most,
                held=before,
                asked=amount_in(quota, [wanted], span, peak) - amount_in(quota, given_up, span, peak),
                is_peak_only=quota.is_peak_only,
                names=names_of(quota),
                first_day=None if quota.period == Quota.Period.TO_COME else span.start.astimezone(zone).date(),
            )
        )
    return tuple(facts)


def _in_force(machine: Machine, person: Person, at: dt.datetime) -> list[Quota]:
    """Of limits that count the same, the one of the person's first group, else the one for everybody."""
    rows = list(
        Quota.objects.filter(
            Q(machine=None) | Q(machine=machine),
            Q(category=None) | Q(category=machine.category_id),
            Q(site=None) | Q(site=machine.unit.site_id),
        ).select_related("category", "site", "machine")
    )
    groups: list[int] = []
    if any(row.group_id for row in rows):
        day = at.astimezone(machine.site.zone).date()
        groups = group_ids_of(person, site_id=machine.unit.site_id, day=day)
    return decisive(rows, groups)


def quota_key(quota: Quota) -> tuple[object, ...]:
    """What it counts: of several that count the same, one decides."""
    return (quota.site_id, quota.category_id, quota.machine_id, quota.measure, quota.period, quota.is_peak_only)


def decisive(rows: Iterable[Quota], groups: Sequence[int]) -> list[Quota]:
    """Of limits that count the same, the one that decides for somebody of these groups, the first of which is closest.
    Pure."""
    rank = {group_id: n for n, group_id in enumerate(groups)}
    best: dict[object, Quota] = {}
    for row in rows:
        if row.group_id is not None and row.group_id not in rank:
            continue
        key = quota_key(row)
        known = best.get(key)
        if known is None or rank.get(row.group_id or 0, len(rank)) < rank.get(known.group_id or 0, len(rank)):
            best[key] = row
    return list(best.values())


def spans_of(quota: Quota, asked: Interval, now: dt.datetime, zone: ZoneInfo) -> list[Interval]:
    """The periods of the limit that the time touches; one without an end for what is to come."""
    if quota.period == Quota.Period.TO_COME:
        return [Interval(min(now, asked.start), max(now + dt.timedelta(days=3650), asked.end))]
    return periods_touched(asked, quota.period, zone)


def periods_touched(asked: Interval, period: str, zone: ZoneInfo) -> list[Interval]:
    """The local days, weeks (from Monday), months or years that the time touches, as instants."""
    day, found = asked.start.astimezone(zone).date(), []
    while True:
        first, after = _period_around(day, period)
        span = Interval(instant_of(first, MIDNIGHT, zone), instant_of(after, MIDNIGHT, zone))
        found.append(span)
        # An absurd length is refused by another rule; here it must not cost a million steps.
        if span.end >= asked.end or len(found) == 60:
            return found
        day = after


def _period_around(day: dt.date, period: str) -> tuple[dt.date, dt.date]:
    """Its first day, and the first day of the next one."""
    if period == Quota.Period.DAY:
        return day, day + dt.timedelta(days=1)
    if period == Quota.Period.WEEK:
        monday = day - dt.timedelta(days=day.weekday())
        return monday, monday + dt.timedelta(days=7)
    if period == Quota.Period.MONTH:
        first = day.replace(day=1)
        return first, (first + dt.timedelta(days=32)).replace(day=1)
    return day.replace(month=1, day=1), day.replace(year=day.year + 1, month=1, day=1)


def _holdings(person: Person, window: Interval, now: dt.datetime) -> list[Holding]:
    rows = (
        Reservation.objects.filter(Q(status__in=COUNTED) | GIVEN_UP_LATE, machine__isnull=False)
        # Times as they were asked for: an early finish does not buy more.
        .filter(booked_end__gt=window.start, booked_start__lt=window.end)
        .rows_of_person(person, *HOLDING_FIELDS)
    )
    return [
        Holding(pk, Interval(start, end), machine, category, site, status in TO_COME and finish > now)
        for pk, start, end, machine, category, site, status, finish in rows
        if machine is not None and category is not None
    ]


def counts(quota: Quota, row: Holding) -> bool:
    """Whether the limit is about this reservation at all."""
    return (
        quota.machine_id in (None, row.machine_id)
        and quota.category_id in (None, row.category_id)
        and quota.site_id in (None, row.site_id)
        and (quota.period != Quota.Period.TO_COME or row.is_to_come)
    )


def amount_in(quota: Quota, rows: Iterable[Holding], span: Interval, peak: Sequence[Interval]) -> int:
    """Minutes that lie inside the period (and in peak hours), or reservations that begin in it."""
    if quota.measure == Quota.Measure.COUNT:
        return sum(1 for row in rows if span.holds(row.time.start) or quota.period == Quota.Period.TO_COME)
    times = [_overlap(row.time, span) for row in rows]
    if quota.is_peak_only:
        times = [_overlap(time, busy) for time in times for busy in peak]
    return sum(int(time.duration.total_seconds()) // 60 for time in times if not time.is_empty)


def _overlap(one: Interval, other: Interval) -> Interval:
    return Interval(max(one.start, other.start), min(one.end, other.end))


def peak_times(machine: Machine, window: Interval) -> list[Interval]:
    """The peak hours of the machine's site inside the window. One query."""
    weekly: dict[int, list[tuple[dt.time, dt.time]]] = {}
    for weekday, begins, ends in PeakHours.objects.filter(site=machine.site).values_list("weekday", "begins", "ends"):
        weekly.setdefault(weekday, []).append((begins, ends))
    # No one plans further ahead than two years: a limit over all that is to come looks no further either.
    end = min(window.end, window.start + dt.timedelta(days=800))
    return opening_between(window.start, end, Timetable(machine.site.zone, weekly))


def names_of(quota: Quota) -> dict[str, str]:
    """What it counts, by language; empty for everything."""
    if quota.machine is not None:
        return {"fr": quota.machine.name, "en": quota.machine.name}
    if quota.category is not None:
        return {"fr": quota.category.name_fr, "en": quota.category.name_en}
    return {}
