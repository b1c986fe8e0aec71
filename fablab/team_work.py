"""What a team reserved, used and printed: as its members and the site's team read it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Prefetch,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import Coalesce, Greatest, Least

from fablab.comers import who_words
from fablab.lib.intervals import Interval
from iot.models import UsageSession
from iot.selectors import measured_time
from machines.opening import MIDNIGHT, instant_of
from people.models import Person, Team
from printing.models import PrintJob
from reservations.life import CHECK_IN_OPENS
from reservations.models import Participant, Reservation, Status

# What was or will be used, and what was promised for nothing; what was given up in time is not the team's any more.
COUNTED = (Status.CONFIRMED, Status.IN_USE, Status.COMPLETED, Status.NO_SHOW)
COMING_SHOWN = 20
MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One reservation of the team; `jobs` are those that the reader may open, `prints` counts all."""

    reservation: Reservation
    who: str
    measured: dt.timedelta
    prints: int
    jobs: Sequence[PrintJob]
    may_open: bool


@dataclass(frozen=True, slots=True)
class Total:
    """Of one period: how many reservations, for how long, how long the machines really ran, how many prints."""

    count: int
    reserved: dt.timedelta
    measured: dt.timedelta
    prints: int


def month_of(day: dt.date, zone: ZoneInfo) -> Interval:
    """The local month of the day, as instants."""
    first = day.replace(day=1)
    after = (first + dt.timedelta(days=32)).replace(day=1)
    return Interval(instant_of(first, MIDNIGHT, zone), instant_of(after, MIDNIGHT, zone))


def year_of(day: dt.date, zone: ZoneInfo) -> Interval:
    """The local year of the day, as instants."""
    first = day.replace(month=1, day=1)
    return Interval(
        instant_of(first, MIDNIGHT, zone), instant_of(first.replace(year=day.year + 1), MIDNIGHT, zone)
    )  # fmt: skip


def coming_of(team: Team, now: dt.datetime) -> QuerySet[Reservation]:
    """What lies ahead or runs, soonest first."""
    return Reservation.objects.filter(team=team, end__gt=now).open().order_by("start", "pk")


def reserved_in(team: Team, window: Interval) -> QuerySet[Reservation]:
    """What begins inside the window and was not given up, in order."""
    rows = Reservation.objects.filter(team=team, start__gte=window.start, start__lt=window.end)
    return rows.filter(status__in=[*COUNTED, Status.PENDING]).order_by("start", "pk")


def lines_of(rows: QuerySet[Reservation], *, reader: Person, is_staff: bool, organises: bool, now: dt.datetime,
             most: int = MOST_LINES) -> list[Line]:  # fmt: skip
    """As this reader is shown them: everybody's first names and notes, and of prints their own; the site's team all.

    Four queries, whatever the number.
    """
    comers = Prefetch("participants", Participant.objects.select_related("person").order_by("pk"))
    jobs = Prefetch("print_jobs", PrintJob.objects.select_related("file").order_by("created_at"))
    found = rows.select_related("machine", "holder").prefetch_related(comers, jobs, "usage_sessions")[:most]
    return [_line(row, reader, is_staff or organises, is_staff, now) for row in found]


def _line(row: Reservation, reader: Person, may_open_all: bool, is_staff: bool, now: dt.datetime) -> Line:
    others = [part.person for part in row.participants.all()]
    comes = [*([row.holder] if row.holder is not None and row.holder_takes_part else []), *others]
    jobs = list(row.print_jobs.all())
    is_mine = row.holder_id == reader.pk or any(person.pk == reader.pk for person in others)
    return Line(
        reservation=row,
        who=who_words(comes, reader),
        measured=measured_time(row, now),
        prints=len(jobs),
        jobs=[job for job in jobs if is_staff or job.person_id == reader.pk],
        may_open=may_open_all or is_mine,
    )


def totals_of(team: Team, windows: Sequence[Interval], now: dt.datetime) -> list[Total]:
    """One for each window, of what begins in it. Three queries, whatever the number of reservations."""
    reserved: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    printed: dict[str, Any] = {}
    length = ExpressionWrapper(F("end") - F("start"), DurationField())
    # As `measured_time` counts it: what ran on into somebody else's time is not the team's.
    until = Least(Coalesce("end", now), "reservation__booked_end")
    since = Greatest("start", ExpressionWrapper(F("reservation__start") - CHECK_IN_OPENS, DateTimeField()))
    ran = Greatest(ExpressionWrapper(until - since, DurationField()), dt.timedelta(0))
    for n, window in enumerate(windows):
        inside = Q(start__gte=window.start, start__lt=window.end)
        of_it = Q(reservation__start__gte=window.start, reservation__start__lt=window.end)
        reserved |= {f"n{n}": Count("pk", filter=inside), f"s{n}": Sum(length, filter=inside)}
        made = Q(created_at__gte=window.start, created_at__lt=window.end)
        printed |= {f"p{n}": Count("pk", filter=made)}
        measured |= {f"m{n}": Sum(ran, filter=of_it)}
    row = Reservation.objects.filter(team=team, status__in=COUNTED).aggregate(**reserved)
    of_team = UsageSession.objects.filter(reservation__team=team, reservation__status__in=COUNTED)
    row |= of_team.aggregate(**measured)
    # In its time, or in anybody's own.
    row |= PrintJob.objects.filter(Q(team=team) | Q(reservation__team=team)).aggregate(**printed)
    none = dt.timedelta(0)
    return [
        Total(row[f"n{n}"], row[f"s{n}"] or none, row[f"m{n}"] or none, row[f"p{n}"] or 0) for n in range(len(windows))
    ]
