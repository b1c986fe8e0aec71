"""What a search reads of a person and of the places, in one query each, whatever the number of machines."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Q

from fablab.lib.intervals import Interval
from machines.models import Attendance
from people.groups_of_many import GroupBook, book_of_one
from people.models import STAFF_ROLES, Person
from reservations.facts import epoch_instant
from reservations.models import Reservation, Status
from reservations.quotas import COUNTED, GIVEN_UP_LATE
from reservations.rule_facts import HeldQualification, SuspensionFact, Unavailability, UnsignedRules

# One answer instead of eight: (what, whose key, a number, from, until, words), instants and dates as epochs.
FILE_SQL = """
SELECT 'grant', qualification_id::bigint, level::bigint, extract(epoch FROM granted_at)::float8,
       extract(epoch FROM expires_at)::float8, ''
FROM machines_qualificationgrant WHERE person_id = %(person)s
UNION ALL
SELECT 'suspension', NULL, NULL, extract(epoch FROM "start")::float8, extract(epoch FROM "end")::float8, reason
FROM people_suspension WHERE person_id = %(person)s
UNION ALL
SELECT 'credits', NULL, "left", NULL, extract(epoch FROM expires_at)::float8, ''
FROM reservations_creditlot WHERE person_id = %(person)s AND "left" > 0
UNION ALL
SELECT 'role', site_id, NULL, NULL, NULL, role FROM people_rolegrant WHERE person_id = %(person)s
UNION ALL
SELECT 'group', id, position, NULL, NULL, kind FROM people_persongroup
UNION ALL
SELECT 'stay', group_id, NULL, extract(epoch FROM "start")::float8, extract(epoch FROM "end")::float8, ''
FROM people_groupmembership WHERE person_id = %(person)s
UNION ALL
SELECT CASE WHEN newest.site_id IS NULL THEN 'rules of machine' ELSE 'rules of site' END,
       coalesce(newest.site_id, newest.machine_id), newest.id, NULL, NULL, coalesce(site.name, machine.name)
FROM (
    SELECT DISTINCT ON (site_id, machine_id) id, site_id, machine_id, text_fr
    FROM machines_houserules ORDER BY site_id, machine_id, version DESC
) AS newest
LEFT JOIN people_site AS site ON site.id = newest.site_id
LEFT JOIN machines_machine AS machine ON machine.id = newest.machine_id
WHERE newest.text_fr <> '' AND NOT EXISTS (
    SELECT FROM machines_rulessignature WHERE rules_id = newest.id AND person_id = %(person)s
)
UNION ALL
SELECT 'duty', shift.site_id, NULL, extract(epoch FROM "start")::float8, extract(epoch FROM "end")::float8, ''
FROM machines_shift AS shift
JOIN people_person AS watching ON watching.id = shift.person_id AND watching.is_active
WHERE shift.site_id = ANY(%(sites)s) AND dropped_at IS NULL AND "start" < %(end)s AND "end" > %(start)s AND EXISTS (
    SELECT FROM people_rolegrant AS held
    WHERE held.person_id = shift.person_id AND held.site_id = shift.site_id AND held.role = ANY(%(team)s)
)
UNION ALL
SELECT 'peak', site_id, weekday, extract(epoch FROM begins)::float8, extract(epoch FROM ends)::float8, ''
FROM machines_peakhours WHERE site_id = ANY(%(sites)s)
"""

EPOCH_DAY = dt.date(1970, 1, 1)
Week = dict[int, list[tuple[dt.time, dt.time]]]


@dataclass(slots=True)
class File:
    """What is on file of the person, and of the sites: when somebody is on duty, and their peak hours."""

    person: Person | None
    grants: dict[int, list[HeldQualification]] = field(default_factory=lambda: defaultdict(list))
    suspensions: list[tuple[dt.datetime, SuspensionFact]] = field(default_factory=list)
    lots: list[tuple[int, dt.datetime | None]] = field(default_factory=list)
    unsigned_of_site: dict[int, list[UnsignedRules]] = field(default_factory=lambda: defaultdict(list))
    unsigned_of_machine: dict[int, list[UnsignedRules]] = field(default_factory=lambda: defaultdict(list))
    duties: dict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))
    peaks: dict[int, Week] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    book: GroupBook | None = None

    def suspension_at(self, instant: dt.datetime) -> SuspensionFact | None:
        """The one that holds then."""
        return next(
            (fact for start, fact in self.suspensions if start <= instant and (fact.end is None or fact.end > instant)),
            None,
        )

    def credits_left(self, at: dt.datetime) -> int:
        """As `reservations.credits.credits_left`, without a query."""
        return sum(left for left, expires_at in self.lots if expires_at is None or expires_at > at)


def file_of(person: Person | None, site_ids: Sequence[int], window: Interval) -> File:
    """The person's file, and the duties in the window. One query."""
    params = {"person": person.pk if person else None, "sites": list(site_ids), "start": window.start,
              "end": window.end, "team": sorted(STAFF_ROLES)}  # fmt: skip
    found = File(person)
    groups: list[tuple[int, int, str]] = []
    roles: list[tuple[int, str]] = []
    stays: list[tuple[int, dt.date, dt.date | None]] = []
    with connection.cursor() as cursor:
        cursor.execute(FILE_SQL, params)
        for what, key, number, begin, end, words in cursor.fetchall():
            if what == "group":
                groups.append((number, key, words))
            elif what == "role":
                roles.append((key, words))
            elif what == "stay":
                stays.append((key, _day(begin), None if end is None else _day(end)))
            else:
                _note(found, what, key, number, begin, end, words)
    if person is not None:
        order = [(key, kind) for _position, key, kind in sorted(groups)]
        found.book = book_of_one(person, order=order, roles=roles, stays=stays)
    return found


def _note(found: File, what: str, key: int, number: int, begin: float | None, end: float | None, words: str) -> None:
    starts, ends = _instant(begin), _instant(end)
    if what == "grant" and starts:
        found.grants[key].append(HeldQualification(number, starts, ends))
    elif what == "suspension" and starts:
        found.suspensions.append((starts, SuspensionFact(words, ends)))
    elif what == "credits":
        found.lots.append((number, ends))
    elif what == "rules of site":
        found.unsigned_of_site[key].append(UnsignedRules(number, words))
    elif what == "rules of machine":
        found.unsigned_of_machine[key].append(UnsignedRules(number, words))
    elif what == "duty" and starts and ends:
        found.duties[key].append(Interval(starts, ends))
    elif what == "peak" and starts and ends:
        found.peaks[key][number].append((starts.time(), ends.time()))


def _instant(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else epoch_instant(seconds)


def _day(seconds: float) -> dt.date:
    return EPOCH_DAY + dt.timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class OwnTime:
    """One reservation of the person, as far as any rule looks at it. `is_there`: they must stay with the machine."""

    pk: int
    time: Interval
    booked: Interval
    status: str
    is_given_up: bool
    machine_id: int | None
    category_id: int | None
    site_id: int
    machine_name: str
    is_there: bool


OWN_FIELDS = (
    "pk", "start", "end", "booked_start", "booked_end", "status", "late_cancel", "machine_id", "machine__category_id",
    "site_id", "machine__name", "machine__attendance", "machine__category__attendance",
    "machine__category__is_lent",
)  # fmt: skip


def own_times(person: Person, window: Interval) -> list[OwnTime]:
    """What the person holds or held around the window, also what they gave up too late. One query."""
    rows = (
        Reservation.objects.filter(booked_end__gt=window.start, booked_start__lt=window.end)
        .filter(Q(status__in=[*COUNTED]) | GIVEN_UP_LATE)
        .annotate(late_cancel=Q(status=Status.CANCELLED))
        .rows_of_person(person, *OWN_FIELDS)
    )
    return [
        OwnTime(pk, Interval(start, end), Interval(booked_start, booked_end), status, given_up, machine, category,
                site, name or "", (own or inherited) == Attendance.THROUGHOUT and not is_lent)
        for pk, start, end, booked_start, booked_end, status, given_up, machine, category, site, name, own, inherited,
        is_lent in rows
    ]  # fmt: skip


PARTS_SQL = """
WITH RECURSIVE found (whole_id, part_id, is_shared) AS (
    SELECT whole_id, part_id, is_shared FROM machines_unitpart WHERE whole_id = ANY(%(units)s)
    UNION
    SELECT found.whole_id, below.part_id, below.is_shared OR found.is_shared
    FROM machines_unitpart AS below JOIN found ON below.whole_id = found.part_id
), part AS (
    SELECT whole_id, part_id, bool_and(is_shared) AS is_shared FROM found
    WHERE part_id <> whole_id GROUP BY whole_id, part_id
)
SELECT part.whole_id, part.part_id, part.is_shared, coalesce(machine.name, room.name, ''),
       extract(epoch FROM coalesce(machine.setup_buffer, category.setup_buffer))::float8,
       extract(epoch FROM coalesce(machine.cleanup_buffer, category.cleanup_buffer))::float8,
       extract(epoch FROM machine.retired_at)::float8,
       busy.begins, busy.ends, outage.begins, outage.ends, outage.reasons, outage.kinds
FROM part
LEFT JOIN machines_machine AS machine ON machine.unit_id = part.part_id
LEFT JOIN machines_category AS category ON category.id = machine.category_id
LEFT JOIN machines_room AS room ON room.unit_id = part.part_id
CROSS JOIN LATERAL (
    SELECT array_agg(extract(epoch FROM lower(blocked))::float8 ORDER BY lower(blocked)) AS begins,
           array_agg(extract(epoch FROM upper(blocked))::float8 ORDER BY lower(blocked)) AS ends
    FROM reservations_heldunit
    WHERE unit_id = part.part_id AND is_holding AND blocked && tstzrange(%(start)s, %(end)s)
) AS busy
CROSS JOIN LATERAL (
    SELECT array_agg(extract(epoch FROM "start")::float8 ORDER BY id) AS begins,
           array_agg(extract(epoch FROM "end")::float8 ORDER BY id) AS ends,
           array_agg(reason ORDER BY id) AS reasons, array_agg(kind ORDER BY id) AS kinds
    FROM machines_outage
    WHERE machine_id = machine.id AND "start" < %(end)s AND ("end" IS NULL OR "end" > %(start)s)
) AS outage
ORDER BY part.whole_id, part.part_id
"""


@dataclass(frozen=True, slots=True)
class PartTimes:
    """Something that is taken along, its buffers (none for a room), what holds it and its outages."""

    unit_id: int
    name: str
    is_shared: bool
    setup: dt.timedelta
    cleanup: dt.timedelta
    taken: tuple[Interval, ...]
    unavailable: tuple[Unavailability, ...]


def parts_of_wholes(unit_ids: Sequence[int], window: Interval) -> dict[int, list[PartTimes]]:
    """For each unit what is taken along with it, and when that is held or out of service in the window. One query."""
    found: dict[int, list[PartTimes]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(PARTS_SQL, {"units": list(unit_ids), "start": window.start, "end": window.end})
        for whole, part, is_shared, name, setup_s, cleanup_s, retired, begins, ends, *outages in cursor.fetchall():
            taken = tuple(map(_interval, begins or (), ends or ()))
            away = [Unavailability(epoch_instant(retired), None, "", "retired")] if retired is not None else []
            out_begins, out_ends, reasons, kinds = (column or () for column in outages)
            away += [
                Unavailability(epoch_instant(begin), _instant(end), reason, kind)
                for begin, end, reason, kind in zip(out_begins, out_ends, reasons, kinds, strict=True)
            ]
            buffers = (dt.timedelta(seconds=setup_s or 0), dt.timedelta(seconds=cleanup_s or 0))
            found[whole].append(PartTimes(part, name, is_shared, *buffers, taken, tuple(away)))
    return found


def _interval(begin: float, end: float) -> Interval:
    return Interval(epoch_instant(begin), epoch_instant(end))
