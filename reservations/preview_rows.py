"""The reservations of the last thirty days as they were asked for, with what is needed to ask the rules again."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from fablab.lib.intervals import Interval
from machines.models import BookingPolicy, Machine
from people.groups import day_at
from people.groups_of_many import GroupBook, group_book
from people.models import Person, Site
from reservations.models import Deed, Origin, Participant, Quota, Reservation
from reservations.quotas import COUNTED, GIVEN_UP_LATE, HOLDING_FIELDS, Holding
from reservations.rule_facts import Purpose

DAYS_BACK = 30
MOST_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """One reservation: when it was asked for (or moved last), by whom, for which time."""

    row: Reservation
    at: dt.datetime
    machine: Machine
    companions: tuple[Person, ...] = ()
    changes_from: Interval | None = None

    @property
    def pk(self) -> int:
        return self.row.pk

    @property
    def holder(self) -> Person | None:
        return self.row.holder

    @property
    def holder_comes(self) -> bool:
        return self.row.holder_takes_part

    @property
    def people(self) -> tuple[Person, ...]:
        """Those for whose limits it counts."""
        comes = (self.row.holder,) if self.row.holder is not None and self.holder_comes else ()
        return (*comes, *self.companions)

    @property
    def time(self) -> Interval:
        return Interval(self.row.booked_start, self.row.booked_end)

    @property
    def site(self) -> Site:
        return self.machine.site

    @property
    def day(self) -> dt.date:
        """The local day on which it begins."""
        return day_at(self.site, self.row.booked_start)

    @property
    def purpose(self) -> Purpose:
        if self.row.origin == Origin.WALK_UP:
            return Purpose.START
        return Purpose.BOOK if self.changes_from is None else Purpose.MOVE

    @property
    def as_holding(self) -> Holding:
        return Holding(self.pk, self.time, self.machine.pk, self.machine.category_id, self.row.site_id, True)


@dataclass(frozen=True, slots=True)
class HeldThen:
    """Something that somebody held: since when, and until when it was still to come."""

    holding: Holding
    since: dt.datetime
    until: dt.datetime

    def as_of(self, at: dt.datetime) -> Holding:
        return replace(self.holding, is_to_come=self.until > at)


@dataclass(frozen=True, slots=True)
class Past:
    """The rows in the order in which they were asked for, and what their people held around them."""

    rows: Sequence[Asked]
    is_cut: bool
    book: GroupBook
    held: dict[int, list[HeldThen]]
    window: Interval

    def groups_of(self, person: Person | None, asked: Asked, day: dt.date) -> list[int]:
        """The person's groups at the site on that day."""
        return self.book.ids_of(person, site_id=asked.site.pk, day=day) if person is not None else []

    def is_by_the_team(self, asked: Asked) -> bool:
        """Whether the team made it: then nobody is asked for a yes."""
        by = asked.row.created_by
        return by is not None and self.book.is_of_team(by, asked.site.pk)

    def holdings_of(self, person: Person, asked: Asked, gone: Collection[int]) -> Iterator[HeldThen]:
        """What the person held when they asked for this one, without what is gone."""
        for row in self.held.get(person.pk, ()):
            if row.since < asked.at and row.holding.pk != asked.pk and row.holding.pk not in gone:
                yield row


def past_of(rule: BookingPolicy | Quota, sites: Iterable[Site], now: dt.datetime, *, around: dt.timedelta) -> Past:
    """The newest reservations at these sites of the machines that the rule is about, at most MOST_ROWS. At most 9
    queries, however many they are."""
    start = now - dt.timedelta(days=DAYS_BACK)
    found = list(_concerned(rule, sites, start, now)[: MOST_ROWS + 1])
    rows, is_cut = found[:MOST_ROWS], len(found) > MOST_ROWS
    keys = [row.pk for row in rows]
    companions: dict[int, list[Person]] = defaultdict(list)
    for part in Participant.objects.filter(reservation__in=keys).select_related("person"):
        companions[part.reservation_id].append(part.person)
    moves = _moves(keys)
    asked = []
    for row in rows:
        at, changes_from = moves.get(row.pk, (row.created_at, None))
        if row.machine is not None:
            asked.append(Asked(row, at, row.machine, tuple(companions[row.pk]), changes_from))
    people = {
        person.pk for each in asked for person in (*each.people, each.holder, each.row.created_by) if person is not None
    }
    window = Interval(start - around, now + around)
    return Past(
        sorted(asked, key=lambda each: (each.at, each.pk)), is_cut, group_book(people), _held(people, window), window
    )


def _concerned(
    rule: BookingPolicy | Quota, sites: Iterable[Site], start: dt.datetime, end: dt.datetime
) -> QuerySet[Reservation]:
    about = Q()
    if rule.machine_id is not None:
        about &= Q(machine=rule.machine_id)
    if rule.category_id is not None:
        about &= Q(machine__category=rule.category_id)
    if rule.site_id is not None:
        about &= Q(site=rule.site_id)
    rows = Reservation.objects.filter(about, site__in=[site.pk for site in sites], machine__isnull=False)
    return (
        rows.filter(status__in=COUNTED, start__gte=start, start__lt=end)
        .with_places()
        .select_related("holder", "created_by")
        .order_by("-start", "-pk")
    )


def _moves(keys: Sequence[int]) -> dict[int, tuple[dt.datetime, Interval]]:
    """The last time each was moved to another start, and the time that it gave up."""
    found = {}
    deeds = Deed.objects.filter(reservation__in=keys, kind=Deed.Kind.MOVED).order_by("at", "pk")
    for key, at, before, start in deeds.values_list("reservation", "at", "before", "reservation__booked_start"):
        earlier = [dt.datetime.fromisoformat(before[name]) for name in ("start", "end") if name in before]
        if len(earlier) == 2 and earlier[0] != start:
            found[key] = (at, Interval(*earlier))
    return found


def _held(people: Collection[int], window: Interval) -> dict[int, list[HeldThen]]:
    """What each of them held in the window: their own, and those in which they took part."""
    is_counted = Q(status__in=COUNTED) | GIVEN_UP_LATE
    rows = Reservation.objects.filter(
        is_counted, machine__isnull=False, booked_end__gt=window.start, booked_start__lt=window.end
    ).order_by()
    fields = ("created_at", "finished_at", *HOLDING_FIELDS)
    own = rows.filter(holder__in=people, holder_takes_part=True).values_list("holder", *fields)
    others = rows.filter(participants__person__in=people).values_list("participants__person", *fields)
    found: dict[int, list[HeldThen]] = defaultdict(list)
    for person, since, finished, pk, start, end, machine, category, site, _status, _end in (*own, *others):
        holding = Holding(pk, Interval(start, end), machine, category, site, True)
        found[person].append(HeldThen(holding, since, min(finished or end, end)))
    return found
