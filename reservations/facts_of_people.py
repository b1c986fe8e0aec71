"""What the rules look at about the person, and about those who come along: read from the database."""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from fablab.lib.intervals import Interval
from machines.models import Attendance, HouseRules, Machine, RulesSignature
from people.groups import has_plan
from people.models import Person
from reservations.credits import credits_left
from reservations.in_use import InUse
from reservations.models import Reservation
from reservations.quotas import quota_facts
from reservations.rule_facts import CompanionFact, PersonFact, UnsignedRules


def busy_times(
    person: Person, start: dt.datetime, end: dt.datetime, *, ignoring: Reservation | None = None
) -> tuple[tuple[Interval, str], ...]:
    """When the person must be at a machine around that time, with its name; one that runs alone does not count.

    Of a team's reservations those count in which the person takes part.
    """
    rows = (
        Reservation.objects.open()
        .overlapping(start, end)
        .exclude(pk=ignoring.pk if ignoring else None)  # type: ignore[misc]
        .rows_of_person(person, "start", "end", "machine__name", "machine__attendance", "machine__category__attendance")
    )
    return tuple(
        (Interval(begin, finish), name)
        for begin, finish, name, own, inherited in rows
        if (own or inherited) == Attendance.THROUGHOUT
    )


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
            name=person.get_full_name(),
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
    spent = ignoring.credits if ignoring is not None else 0
    return PersonFact(
        birth_year=person.birth_year,
        has_plan=settings.needs_membership and has_plan(person, asked.start.astimezone(machine.site.zone).date()),
        guardian_comes=any(companion.pk == person.guardian_id for companion in companions),
        # What a move gives up counts again.
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
    rows = newest.values_list("pk", "site__name", "machine__name", "is_signed")
    return tuple(UnsignedRules(pk, site or name) for pk, site, name, is_signed in rows if not is_signed)
