"""The facts of the rules for one person and many machines: read once, then put together for any time. See facts.py for
one reservation."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, QuerySet

from fablab.lib.intervals import Interval, merged
from machines.models import BookingPolicy, HouseRules, Machine, UnitPart
from machines.opening import Timetable, opening_between
from machines.policies import apply_policies, origins_of
from machines.selectors import LONGEST_CLOSURE, load_hours, shared_sites, staffed_timetable, timetable
from people.models import Person, Site
from reservations.facts import wanted_qualification
from reservations.in_use import InUse
from reservations.models import Quota, Status
from reservations.quotas import Holding, counts, decisive, quota_facts_from, window_counted
from reservations.rule_facts import RISK_OF_INJURY, BookingFacts, PartFact, PersonFact, QuotaFact
from reservations.rules import blocked_interval
from reservations.search_rows import File, OwnTime, PartTimes, file_of, own_times, parts_of_wholes

OPEN = frozenset({Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE})
# A supervisor's next duty and the next opening are named to whoever is refused.
LOOK_BEYOND = dt.timedelta(days=8)


@dataclass(slots=True)
class Known:
    """All that the rules look at, for these machines, one person (None: anybody) and times in the window."""

    machines: list[Machine]
    person: Person | None
    window: Interval
    now: dt.datetime
    file: File
    openings: Mapping[int, tuple[Interval, ...]]
    supervised: Mapping[int, tuple[Interval, ...] | None]
    parts: Mapping[int, list[PartTimes]]
    quotas: list[Quota]
    own: list[OwnTime]
    peaks: dict[int, list[Interval]] = field(default_factory=dict)

    def facts(self, machine: Machine, asked: Interval) -> BookingFacts:
        """As `booking_facts` finds them, but what others hold of the machine itself, and its outages: the caller asks
        about free time only. No query."""
        settings, opening = machine.booking, self.openings[machine.unit.site_id]
        blocked = blocked_interval(asked, settings, opening)
        wanted = machine.wanted_qualification
        return BookingFacts(
            zone=machine.site.zone,
            settings=settings,
            opening=opening,
            blocked=blocked,
            busy=self._busy(asked),
            wanted=wanted_qualification(machine),
            held=tuple(self.file.grants.get(wanted.pk, ())) if wanted is not None else (),
            suspension=self.file.suspension_at(asked.start),
            risk=machine.risk,
            supervised=self.supervised[machine.unit.site_id] if machine.risk >= RISK_OF_INJURY else None,
            parts=tuple(_part(part, asked, blocked, machine) for part in self.parts.get(machine.unit_id, ())),
            quotas=self._quotas(machine, asked),
            of_kind=self._of_kind(machine) if settings.rest else (),
            person=self._person(machine, asked) if self.person is not None else None,
            origins=origins_of(machine),
        )

    def _busy(self, asked: Interval) -> tuple[tuple[Interval, str], ...]:
        return tuple(
            (each.time, each.machine_name)
            for each in self.own
            if each.status in OPEN and each.is_there and each.time.overlaps(asked)
        )

    def _of_kind(self, machine: Machine) -> tuple[Interval, ...]:
        return tuple(each.time for each in self.own if each.category_id == machine.category_id and not each.is_given_up)

    def _quotas(self, machine: Machine, asked: Interval) -> tuple[QuotaFact, ...]:
        book = self.file.book
        if self.person is None or book is None or not self.quotas:
            return ()
        about = Holding(None, asked, machine.pk, machine.category_id, machine.unit.site_id, True)
        concerned = [quota for quota in self.quotas if counts(quota, about)]
        if not concerned:
            return ()
        site = machine.site
        day = asked.start.astimezone(site.zone).date()
        decided = decisive(concerned, book.ids_of(self.person, site_id=site.pk, day=day))
        held = [
            Holding(each.pk, each.booked, each.machine_id, each.category_id, each.site_id,
                    each.status in OPEN and each.time.end > self.now)
            for each in self.own
            if each.machine_id is not None and each.category_id is not None
        ]  # fmt: skip
        return quota_facts_from(decided, machine=machine, asked=asked, now=self.now, held=held, peak=self._peak(site))

    def _peak(self, site: Site) -> list[Interval]:
        if site.pk not in self.peaks:
            week = self.file.peaks.get(site.pk, {})
            end = min(self.window.end, self.window.start + dt.timedelta(days=800))
            self.peaks[site.pk] = opening_between(self.window.start, end, Timetable(site.zone, week)) if week else []
        return self.peaks[site.pk]

    def _person(self, machine: Machine, asked: Interval) -> PersonFact | None:
        person, book, settings = self.person, self.file.book, machine.booking
        if person is None or book is None:
            return None
        day = asked.start.astimezone(machine.site.zone).date()
        return PersonFact(
            birth_year=person.birth_year,
            has_plan=settings.needs_membership and book.has_plan(person, day),
            credits_left=self.file.credits_left(asked.start) if settings.credits_per_hour else 0,
            unsigned=(
                *self.file.unsigned_of_site.get(machine.unit.site_id, ()),
                *self.file.unsigned_of_machine.get(machine.pk, ()),
            ),
        )


def _part(part: PartTimes, asked: Interval, blocked: Interval, machine: Machine) -> PartFact:
    """As `reservations.facts.part_facts`: each part with its own buffers."""
    held_until = blocked.end - machine.booking.cleanup_buffer
    own = None if part.is_shared else Interval(asked.start - part.setup, held_until + part.cleanup)
    return PartFact(part.name, part.unit_id, own, () if part.is_shared else part.taken, part.unavailable)


def known_of(
    machines: QuerySet[Machine], person: Person | None, window: Interval, longest: dt.timedelta, now: dt.datetime
) -> Known:
    """Read it for reservations of at most `longest` that begin in the window. At most 7 queries, 4 in a lab without
    rules for some, limits and things taken along; whatever the number of machines."""
    rows, used = _with_use(machines)
    sites = shared_sites(rows)
    around = Interval(window.start - LOOK_BEYOND, window.end + longest + LOOK_BEYOND)
    file = file_of(person, list(sites), around)
    apply_policies(rows, person, now=now, are_there_any=used.policies, book=file.book)
    load_hours(site for site in sites.values() if not hasattr(site, "_hours"))
    quotas = list(Quota.objects.select_related("category", "site", "machine")) if used.quotas and person else []
    wide = _counted(quotas, Interval(window.start, window.end + longest), now, sites.values(), around)
    rest = max((machine.booking.rest for machine in rows), default=dt.timedelta(0))
    wide = Interval(min(wide.start, window.start - rest), max(wide.end, window.end + longest + rest))
    openings = _openings(rows, window, longest)
    reach = max((opening[-1].end for opening in openings.values() if opening), default=around.end)
    return Known(
        machines=rows,
        person=person,
        window=wide,
        now=now,
        file=file,
        openings=openings,
        supervised={pk: _supervised(site, file, around) for pk, site in sites.items()},
        parts=parts_of_wholes([machine.unit_id for machine in rows], Interval(window.start - LOOK_BEYOND, reach))
        if used.parts
        else {},
        quotas=quotas,
        own=own_times(person, wide) if person is not None else [],
    )


def _with_use(machines: QuerySet[Machine]) -> tuple[list[Machine], InUse]:
    """The machines, and what of the rarer rules the lab uses: see `reservations.in_use`. One query for both."""
    asked = machines.annotate(
        are_policies=Exists(BookingPolicy.objects.order_by()),
        are_parts=Exists(UnitPart.objects.order_by()),
        are_rules=Exists(HouseRules.objects.order_by()),
        are_quotas=Exists(Quota.objects.order_by()),
    )
    rows: list[Machine] = [*asked]
    first = rows[0] if rows else None
    names = ("are_policies", "are_parts", "are_rules", "are_quotas")
    return rows, InUse(*(bool(getattr(first, name, False)) for name in names))


def _counted(
    quotas: Sequence[Quota], asked: Interval, now: dt.datetime, sites: Iterable[Site], around: Interval
) -> Interval:
    """All that the limits count, and what lies around the time asked for."""
    found = around
    for site in sites:
        if quotas:
            counted = window_counted(quotas, asked, now, site.zone)
            found = Interval(min(found.start, counted.start), max(found.end, counted.end))
    return found


def _openings(rows: Sequence[Machine], window: Interval, longest: dt.timedelta) -> dict[int, tuple[Interval, ...]]:
    """As `reservations.facts.opening_around`, over the whole window."""
    spans_closing = {m.unit.site_id for m in rows if m.booking.spans_closing}
    found: dict[int, tuple[Interval, ...]] = {}
    for machine in rows:
        site = machine.site
        if site.pk not in found:
            end = window.end + longest
            table = timetable(site, window.start.astimezone(site.zone).date(), end.astimezone(site.zone).date())
            horizon = LONGEST_CLOSURE if site.pk in spans_closing else LOOK_BEYOND
            found[site.pk] = tuple(opening_between(window.start - dt.timedelta(days=1), end + horizon, table))
    return found


def _supervised(site: Site, file: File, around: Interval) -> tuple[Interval, ...] | None:
    """As `machines.supervision.supervised_times`."""
    if site.has_rota:
        return tuple(merged(file.duties.get(site.pk, ())))
    first, last = (instant.astimezone(site.zone).date() for instant in (around.start, around.end))
    table = staffed_timetable(site, first, last)
    return None if table is None else tuple(opening_between(around.start, around.end, table))
