"""What somebody does at the machines, for their own page: one query."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef
from django.db.models.functions import JSONObject

from iot.claims import UNDONE_WITHIN
from iot.likely_users import runs_likely_of
from iot.models import UsageSession
from people.models import Badge, Person

USED_SHOWN = dt.timedelta(days=30)
ASKED_MOST = 5


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a machine as its user, or whoever may have been it, is shown it."""

    reference: str
    machine: str
    slug: str
    zone: ZoneInfo
    start: dt.datetime
    end: dt.datetime | None
    lasted: dt.timedelta


@dataclass(frozen=True, slots=True)
class OwnBadge:
    pk: int
    label: str
    since: dt.datetime
    blocked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class MyMachines:
    """`used` in the last thirty days; what they began by hand and runs; runs that may be theirs; those that they just
    said were theirs; their badges."""

    used: dt.timedelta
    running: Sequence[Run]
    asked: Sequence[Run]
    claimed: Sequence[Run]
    badges: Sequence[OwnBadge]


def my_machines(person: Person, now: dt.datetime) -> MyMachines:
    """Of the person and nobody else: of a run that may be theirs only that the machine ran, and when. One query."""
    own = UsageSession.objects.filter(person=person, start__gte=now - USED_SHOWN)
    # Ordered within a union only by what it reads: the keys alone are taken from it.
    shown = own.order_by().values("pk").union(runs_likely_of(person, now).order_by().values("pk"))
    facts = JSONObject(
        reference="reference", machine="machine__name", slug="machine__slug", start="start", end="end",
        zone="machine__unit__site__time_zone", source="source", person="person", claimed_at="claimed_at",
        claimed_by="claimed_by",
    )  # fmt: skip
    runs = UsageSession.objects.filter(pk__in=shown).order_by("-start", "-pk").values_list(facts)
    badges = Badge.objects.filter(person=OuterRef("pk")).order_by("-created_at", "-pk")
    badge = JSONObject(pk="pk", label="label", since="created_at", blocked_at="blocked_at")
    row = (
        Person.objects.filter(pk=person.pk)
        .annotate(runs=ArraySubquery(runs), cards=ArraySubquery(badges.values_list(badge)), key=F("pk"))
        .values("runs", "cards")
        .get()
    )
    mine = [each for each in row["runs"] if each["person"] == person.pk]
    asked = [_run(each, now) for each in row["runs"] if each["person"] is None]
    return MyMachines(
        used=sum((_run(each, now).lasted for each in mine), dt.timedelta(0)),
        running=[_run(each, now) for each in mine if each["end"] is None and each["source"] == "manual"],
        asked=asked[:ASKED_MOST],
        claimed=[_run(each, now) for each in mine if _is_just_claimed(each, person, now)],
        badges=[
            OwnBadge(each["pk"], each["label"], _instant(each["since"]), _instant_or_none(each["blocked_at"]))
            for each in row["cards"]
        ],
    )


def _run(facts: dict[str, Any], now: dt.datetime) -> Run:
    start, end = _instant(facts["start"]), _instant_or_none(facts["end"])
    zone = ZoneInfo(facts["zone"])
    return Run(facts["reference"], facts["machine"], facts["slug"], zone, start, end, (end or now) - start)


def _is_just_claimed(facts: dict[str, Any], person: Person, now: dt.datetime) -> bool:
    at = _instant_or_none(facts["claimed_at"])
    return at is not None and facts["claimed_by"] == person.pk and now - at < UNDONE_WITHIN


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _instant_or_none(text: str | None) -> dt.datetime | None:
    return _instant(text) if text else None
