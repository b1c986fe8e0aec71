"""Reads about one machine for the team: who had it, who has it, and who was not let at it."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from iot.models import AccessAttempt, AccessSession
from machines.models import Machine
from people.models import Person
from people.selectors import matching


def sessions_at(machine: Machine, words: str = "") -> QuerySet[AccessSession]:
    """Who had it, the newest first; `words` are part of the name of one of the two people."""
    rows = AccessSession.objects.filter(machine=machine)
    if words:
        people = matching(Person.objects.all(), words)
        rows = rows.filter(Q(person__in=people) | Q(second_person__in=people))
    return rows.select_related("person", "second_person", "took_over__person").order_by("-allowed_at", "-pk")


def refused_at(machine: Machine, words: str = "") -> QuerySet[AccessAttempt]:
    """Badges and codes that were refused there, the newest first."""
    rows = AccessAttempt.objects.filter(device__machine=machine, is_allowed=False)
    if words:
        rows = rows.filter(person__in=matching(Person.objects.all(), words))
    return rows.select_related("person", "device").order_by("-at", "-pk")


def who_has(machine_ids: Collection[int]) -> dict[int, AccessSession]:
    """The open session of each machine that has one. One query."""
    rows = AccessSession.objects.filter(machine__in=machine_ids, ended_at=None).select_related("person")
    return {row.machine_id: row for row in rows}
