"""“What can I use for two hours, this week, that I am qualified for?” Free time comes from the database for all
machines at once; whether this person may have it, from the rules themselves. Nothing is offered that they refuse."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import Machine
from machines.opening import instant_of
from people.models import Person
from reservations.availability import FreeTime, earliest_start, free_time, next_on_grid
from reservations.rules import Code, reservation_denials
from reservations.search_facts import Known, known_of

MOST_A_DAY = 3
# A week of quarters of an hour: nobody's rules want more looks at one machine.
MOST_LOOKS = 700
# The step of the grid that runs now may be taken.
LONGEST_GRID = dt.timedelta(hours=1)
NOON, EVENING, MIDNIGHT = dt.time(12), dt.time(18), dt.time(0)
# What the person lacks, whatever the machine's calendar says: said with its next step.
ABOUT_THE_PERSON = frozenset(
    {
        Code.QUALIFICATION_MISSING, Code.QUALIFICATION_EXPIRED, Code.QUALIFICATION_LEVEL, Code.SUSPENDED,
        Code.RULES_UNSIGNED, Code.AGE_LIMIT, Code.GUARDIAN_REQUIRED, Code.MEMBERSHIP_REQUIRED, Code.CREDIT_EXHAUSTED,
        Code.QUOTA_EXCEEDED, Code.TOO_MANY_OPEN,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """Starts from `first` until before `last`, by the clock where the machine stands; midnight ends the day."""

    first: dt.time
    last: dt.time

    def next_start(self, instant: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """The instant itself where it suits, else the next one that does."""
        wall = instant.astimezone(zone)
        if self.first <= wall.time() and (self.last == MIDNIGHT or wall.time() < self.last):
            return instant
        day = wall.date() if wall.time() < self.first else wall.date() + dt.timedelta(days=1)
        return instant_of(day, self.first, zone)


PARTS_OF_DAY = {
    "morning": PartOfDay(MIDNIGHT, NOON),
    "afternoon": PartOfDay(NOON, EVENING),
    "evening": PartOfDay(EVENING, MIDNIGHT),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine that the person may have, and the soonest times of each day, in order."""

    machine: Machine
    times: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Barred:
    """A machine that is free, but that the person may not have: why."""

    machine: Machine
    denials: tuple[Denial, ...]


@dataclass(slots=True)
class Found:
    """`offers` come soonest first; `barred` in the machines' order; `looked_at` are all that were asked about."""

    offers: list[Offer] = field(default_factory=list)
    barred: list[Barred] = field(default_factory=list)
    looked_at: list[Machine] = field(default_factory=list)


def search(
    machines: QuerySet[Machine],
    *,
    person: Person | None,
    duration: dt.timedelta,
    window: Interval,
    now: dt.datetime,
    part_of_day: PartOfDay | None = None,
    most: int | None = None,
) -> Found:
    """Reservations of this length that begin in the window and that the person may have (None: anybody), on each
    machine the soonest of each day, none of which overlaps the one before.

    `machines` come `with_places`. Only of the `most` soonest machines more than the first time is looked for. At most
    8 queries, whatever the number of machines.
    """
    looks, rows = _looks(machines, person, duration, window, now, part_of_day, most_a_day=MOST_A_DAY)
    found = Found(looked_at=rows)
    begun: list[tuple[Machine, Interval, Iterator[Interval]]] = []
    for look in looks:
        times = look.times()
        if (first := next(times, None)) is not None:
            begun.append((look.machine, first, times))
        elif barred := tuple(denial for denial in look.denials if denial.code in ABOUT_THE_PERSON):
            found.barred.append(Barred(look.machine, barred))
    begun.sort(key=lambda each: each[1].start)
    for n, (machine, first, times) in enumerate(begun):
        found.offers.append(Offer(machine, (first, *(times if most is None or n < most else ()))))
    return found


def soonest_starts(
    machines: QuerySet[Machine],
    *,
    person: Person | None,
    duration: dt.timedelta,
    window: Interval,
    now: dt.datetime,
    most: int,
) -> list[FreeTime]:
    """Every start in the window that the person may have, on whichever machine, soonest first, at most so many.

    As `search`: nothing that the rules refuse, at most 8 queries.
    """
    looks, _rows = _looks(machines, person, duration, window, now, None, most_a_day=None)
    in_turn = merge(*((_keyed(look, n) for n, look in enumerate(looks))), key=lambda pair: (pair[0].start, pair[1]))
    return [FreeTime(looks[n].machine, time) for time, n in islice(in_turn, most)]


def _keyed(look: "_Look", number: int) -> Iterator[tuple[Interval, int]]:
    return ((time, number) for time in look.times())


def _looks(
    machines: QuerySet[Machine],
    person: Person | None,
    duration: dt.timedelta,
    window: Interval,
    now: dt.datetime,
    part_of_day: PartOfDay | None,
    *,
    most_a_day: int | None,
) -> tuple[list["_Look"], list[Machine]]:
    """One look for each machine, in their order, with all that it needs; and the machines."""
    window = Interval(max(window.start, now - LONGEST_GRID), window.end)
    if window.is_empty or duration <= dt.timedelta(0):
        return [], []
    known = known_of(machines, person, window, duration, now)
    spans = _spans(known, window, duration)
    looks = [
        _Look(known, machine, spans.get(machine.pk, []), duration, window, part_of_day, most_a_day)
        for machine in known.machines
    ]
    return looks, known.machines


def _spans(known: Known, window: Interval, duration: dt.timedelta) -> dict[int, list[Interval]]:
    """Where each machine is free for long enough. One query.

    What runs on after closing is held until somebody can clear it: then the time looked at ends with that opening.
    """
    end = window.end + duration
    if any(machine.booking.spans_closing for machine in known.machines):
        following = (min((o.start for o in site if o.start >= end), default=end) for site in known.openings.values())
        end = max(following, default=end)
    spans: dict[int, list[Interval]] = defaultdict(list)
    for free in free_time(known.machines, Interval(window.start, end), least=duration):
        spans[free.machine.pk].append(free.interval)
    return spans


@dataclass(slots=True)
class _Look:
    """One machine's free time, gone through from its beginning: every start, or of each day so many that do not
    overlap."""

    known: Known
    machine: Machine
    spans: Sequence[Interval]
    duration: dt.timedelta
    window: Interval
    part_of_day: PartOfDay | None
    most_a_day: int | None
    denials: list[Denial] = field(default_factory=list)

    def times(self) -> Iterator[Interval]:
        """What the person may have, soonest first; looked for only as far as it is asked for."""
        looks, of_day, settings, zone = 0, Counter[dt.date](), self.machine.booking, self.machine.site.zone
        earliest = max(self.window.start, earliest_start(self.machine, self.known.now))
        for span in self.spans:
            at = next_on_grid(max(span.start, earliest), settings.grid, zone)
            while looks < MOST_LOOKS:
                at = self._suiting(at)
                asked = Interval(at, at + self.duration)
                if at >= self.window.end or asked.end > span.end:
                    break
                looks += 1
                after = self._refused_until(asked, span)
                if after is None:
                    return
                if after == at:
                    yield asked
                    day = at.astimezone(zone).date()
                    of_day[day] += 1
                    after = at + settings.grid if self.most_a_day is None else asked.end
                    if of_day[day] == self.most_a_day:
                        after = earliest = max(after, instant_of(day + dt.timedelta(days=1), MIDNIGHT, zone))
                at = next_on_grid(after, settings.grid, zone)

    def _suiting(self, at: dt.datetime) -> dt.datetime:
        if self.part_of_day is None:
            return at
        zone = self.machine.site.zone
        return next_on_grid(self.part_of_day.next_start(at, zone), self.machine.booking.grid, zone)

    def _refused_until(self, asked: Interval, span: Interval) -> dt.datetime | None:
        """The start itself where the person may have it, else the next instant worth a look, or None."""
        facts = self.known.facts(self.machine, asked)
        settings = facts.settings
        if facts.blocked is not None and facts.blocked.end - settings.cleanup_buffer > span.end:
            # Nobody could clear it before the next one comes.
            return asked.start + settings.grid
        denials = reservation_denials(facts=facts, start=asked.start, end=asked.end, now=self.known.now)
        if not denials:
            return asked.start
        self.denials = self.denials or denials
        cures = [cured_at(denial, asked, settings.grid, self.machine.site.zone) for denial in denials]
        later = [cure for cure in cures if cure is not None]
        return max(*later, asked.start + settings.grid) if len(later) == len(cures) else None


def cured_at(denial: Denial, asked: Interval, grid: dt.timedelta, zone: ZoneInfo) -> dt.datetime | None:
    """From when on the reason may no longer hold; None where no later start helps. Pure."""
    params, code = denial.params, denial.code
    if code in (Code.TAKEN, Code.PERSON_BUSY, Code.SUSPENDED, Code.MACHINE_UNAVAILABLE):
        return params.get("end")
    if params.get("lent") == "end":
        return asked.start + grid
    if code in (Code.CLOSED, Code.SUPERVISION_REQUIRED):
        then: Interval | None = params["opening" if code == Code.CLOSED else "duty"]
        if then is None:
            return None
        return then.start if then.start > asked.start else then.end
    if code == Code.QUOTA_EXCEEDED:
        if params["quota"].is_peak_only:
            return asked.start + grid
        return instant_of(asked.start.astimezone(zone).date() + dt.timedelta(days=1), MIDNIGHT, zone)
    if code == Code.TOO_MANY_OPEN and "rest" in params:
        rested: dt.datetime = params["end"] + params["rest"]
        return rested
    return asked.start + grid if code == Code.TOO_SOON else None
