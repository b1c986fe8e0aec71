"""What the rules look at about the person, and about those who come along: read from the database."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from fablab.lib.intervals import Interval
from machines.models import Attendance, HouseRules, Machine, RulesSignature
from people.groups import has_plan
from people.models import Person
from reservations.credits import credits_left, credits_open_to
from reservations.in_use import InUse
from reservations.models import Reservation
from reservations.models.reservation import OPEN
from reservations.quotas import quota_facts
from reservations.rule_facts import CompanionFact, HeldQualification, PersonFact, SuspensionFact, UnsignedRules

# Asked twice a reservation: as a query set it takes longer to build than to answer. A union, so that each half finds
# its own index, with the conditions inside.
BUSY_SQL = """
WITH own AS (
    SELECT id, machine_id, "start", "end" FROM reservations_reservation
    WHERE holder_id = %(person)s AND holder_takes_part AND status = ANY(%(open)s)
      AND tstzrange("start", "end") && tstzrange(%(start)s, %(end)s)
    UNION
    SELECT other.id, other.machine_id, other."start", other."end"
    FROM reservations_reservation AS other
    JOIN reservations_participant AS part ON part.reservation_id = other.id
    WHERE part.person_id = %(person)s AND other.status = ANY(%(open)s)
      AND tstzrange(other."start", other."end") && tstzrange(%(start)s, %(end)s)
)
SELECT own."start", own."end", machine.name, machine.attendance, category.attendance, category.is_lent
FROM own
LEFT JOIN machines_machine AS machine ON machine.id = own.machine_id
LEFT JOIN machines_category AS category ON category.id = machine.category_id
WHERE own.id IS DISTINCT FROM %(ignoring)s::bigint
"""


def busy_times(
    person: Person, start: dt.datetime, end: dt.datetime, *, ignoring: Reservation | None = None
) -> tuple[tuple[Interval, str], ...]:
    """When the person must be at a machine around that time, with its name; one that runs alone, or that they took
    home, does not count.

    Of a team's reservations those count in which the person takes part.
    """
    if end <= start:
        return ()
    asked: dict[str, Any] = {"person": person.pk, "start": start, "end": end, "open": sorted(OPEN),
             "ignoring": ignoring.pk if ignoring else None}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(BUSY_SQL, asked)
        rows = cursor.fetchall()
    return tuple(
        (Interval(begin, finish), name)
        for begin, finish, name, own, inherited, is_lent in rows
        if (own or inherited) == Attendance.THROUGHOUT and not is_lent
    )


# Which qualifications of the kind wanted, then whether they are suspended at that time: the one that lasts longest.
STANDING_SQL = """
(SELECT level, granted_at, expires_at, NULL::text FROM machines_qualificationgrant
 WHERE person_id = %(person)s AND qualification_id = %(wanted)s ORDER BY id)
UNION ALL
(SELECT NULL, "start", "end", reason FROM people_suspension
 WHERE person_id = %(person)s AND "start" <= %(at)s AND ("end" IS NULL OR "end" > %(at)s)
 ORDER BY "end" DESC NULLS FIRST LIMIT 1)
"""


def standing_of(
    person: Person, machine: Machine, at: dt.datetime
) -> tuple[tuple[HeldQualification, ...], SuspensionFact | None]:
    """What the person holds of the qualification that the machine wants, and the suspension at that time. One query."""
    wanted: Any = machine.wanted_qualification
    with connection.cursor() as cursor:
        cursor.execute(STANDING_SQL, {"person": person.pk, "wanted": wanted.pk if wanted else None, "at": at})
        rows = cursor.fetchall()
    held = tuple(HeldQualification(level, since, until) for level, since, until, reason in rows if reason is None)
    suspensions = [SuspensionFact(reason, until) for _, _, until, reason in rows if reason is not None]
    return held, suspensions[0] if suspensions else None


def of_kind_times(
    machine: Machine, person: Person, asked: Interval, *, ignoring: Reservation | None = None
) -> tuple[Interval, ...]:
    """The person's other reservations of the machine's category so near that the pause between two would be too short.

    Those that are over count too: whoever has just finished does not begin anew at once.
    """
    rest = machine.booking.rest
    rows = (
        Reservation.objects.filter(machine__category=machine.category_id)
        .exclude(status__in=["cancelled", "refused", "expired"])
        .exclude(pk=ignoring.pk if ignoring else None)  # type: ignore[misc]
        .overlapping(asked.start - rest, asked.end + rest)
        .rows_of_person(person, "start", "end")
    )
    return tuple(Interval(start, end) for start, end in rows)


def companion_facts(
    machine: Machine,
    companions: Sequence[Person],
    asked: Interval,
    *,
    now: dt.datetime,
    ignoring: Reservation | None = None,
) -> tuple[CompanionFact, ...]:
    """Those who come along: they are nowhere else then, and it counts for their limits."""
    return tuple(
        CompanionFact(
            # Those of a team know each other's first names.
            name=person.get_short_name(),
            busy=busy_times(person, asked.start, asked.end, ignoring=ignoring),
            quotas=quota_facts(machine=machine, person=person, asked=asked, now=now, ignoring=ignoring),
        )
        for person in companions
    )


def person_fact(
    machine: Machine,
    person: Person,
    asked: Interval,
    companions: Sequence[Person],
    used: InUse,
    *,
    ignoring: Reservation | None = None,
) -> PersonFact:
    """Age, plan, credits and signatures. One query for each that is asked for."""
    settings = machine.booking
    spent = credits_open_to(ignoring, asked.start) if ignoring is not None and settings.credits_per_hour else 0
    return PersonFact(
        birth_year=person.birth_year,
        has_plan=settings.needs_membership and has_plan(person, asked.start.astimezone(machine.site.zone).date()),
        guardian_comes=any(companion.pk == person.guardian_id for companion in companions),
        # What a move gives up counts again, unless it expires before the new start.
        credits_left=credits_left(person, asked.start) + spent if settings.credits_per_hour else 0,
        unsigned=unsigned_rules(machine, person) if used.house_rules else (),
    )


def unsigned_rules(machine: Machine, person: Person) -> tuple[UnsignedRules, ...]:
    """The newest rules of the site and of the machine, where the person has not signed them. One query."""
    signed = RulesSignature.objects.filter(person=person, rules=OuterRef("pk"))
    newest = (
        HouseRules.objects.filter(Q(site=machine.unit.site_id) | Q(machine=machine))
        .annotate(is_signed=Exists(signed))
        .order_by("site_id", "machine_id", "-version")
        .distinct("site_id", "machine_id")
    )
    # An empty version says that there is nothing to sign any more.
    rows = newest.values_list("pk", "site__name", "machine__name", "is_signed", "text_fr")
    return tuple(UnsignedRules(pk, site or name) for pk, site, name, is_signed, text in rows if text and not is_signed)
