"""What a calendar feed tells: which reservations, under which words, and since when each is so."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from machines.models import Machine
from people.models import Person
from reservations.models import CalendarFeed, Deed, Reservation, Status
from reservations.models.reservation import HOLDING

BEHIND, AHEAD = dt.timedelta(days=30), dt.timedelta(days=400)
NOT_YET = frozenset({Status.HELD, Status.PENDING})
# What these change is what a calendar shows.
CHANGES = frozenset({
    Deed.Kind.ACCEPTED, Deed.Kind.APPROVED, Deed.Kind.REFUSED, Deed.Kind.MOVED, Deed.Kind.CHANGED, Deed.Kind.FINISHED,
    Deed.Kind.NO_SHOW, Deed.Kind.CANCELLED, Deed.Kind.EXPIRED,
})  # fmt: skip
FIELDS = ("id", "reference", "start", "end", "status", "title", "machine__name", "site__name", "site__address",
          "created_at")  # fmt: skip
# Raised when the same rows are written otherwise, so that no reader keeps the old writing.
WRITING = 1


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One reservation as a calendar program is told of it. `sequence` grows with each change."""

    uid: str
    start: dt.datetime
    end: dt.datetime
    summary: str
    place: str
    status: str
    made_at: dt.datetime
    changed_at: dt.datetime
    sequence: int
    url: str = ""


def events_of(feed: CalendarFeed, *, now: dt.datetime) -> list[FeedEvent]:
    """Thirty days back to 400 ahead, soonest first, in the language that is active; two queries.

    What was cancelled, refused or not used in the last thirty days is told as cancelled, so that every reader
    takes it out. The feed of a machine or a site names nobody and repeats no note.
    """
    window = (now - BEHIND, now + AHEAD)
    found = sorted(_rows(feed, window), key=lambda row: (row["start"], row["id"]))
    changes = _changes([row["id"] for row in found])
    return [_event(feed, row, *changes.get(row["id"], (0, row["created_at"]))) for row in found]


def mark_of(feed: CalendarFeed, events: Iterable[FeedEvent], language: str) -> str:
    """An ETag: the same as long as the calendar would be written the same."""
    told = (WRITING, language, name_of(feed), [astuple(event) for event in events])
    return f'"{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"'


def name_of(feed: CalendarFeed) -> str:
    """The calendar's name in the reader's list."""
    if feed.machine is not None:
        return f"{feed.machine.name}, {feed.machine.site.name}"
    return feed.site.name if feed.site is not None else _("My reservations")


def _rows(feed: CalendarFeed, window: tuple[dt.datetime, dt.datetime]) -> list[dict[str, Any]]:
    told = Reservation.objects.filter(start__lt=window[1], end__gt=window[0])
    if feed.person is not None:
        rows: QuerySet[Any, Any] = _with_gone(told, window[0]).rows_of_person(feed.person, *FIELDS)
    elif feed.machine is not None:
        rows = _of_machine(feed.machine, window)
    else:
        # By the range over times: with bounds on both ends the site's whole past would be read.
        at_site = Reservation.objects.filter(site=feed.site).overlapping(*window).order_by()
        rows = _with_gone(at_site, window[0]).values_list(*FIELDS)
    return [dict(zip(FIELDS, row, strict=True)) for row in rows]


def _with_gone(rows: Any, since: dt.datetime) -> Any:
    return rows.filter(Q(status__in=HOLDING) | _gone(since))


def _gone(since: dt.datetime) -> Q:
    return (
        Q(status=Status.CANCELLED, cancelled_at__gte=since)
        | Q(status=Status.REFUSED, decided_at__gte=since)
        | Q(status=Status.EXPIRED, expires_at__gte=since)
        | Q(status=Status.NO_SHOW, start__gte=since)
    )


def _of_machine(machine: Machine, window: tuple[dt.datetime, dt.datetime]) -> "QuerySet[Any, Any]":
    """Whatever holds it, a group that has the whole room too; of what let go of it, those that named it or a title."""
    held = Reservation.objects.filter(
        held_units__unit=machine.unit_id, held_units__blocked__overlap=window, held_units__is_holding=True
    )
    gone = Reservation.objects.filter(_gone(window[0]), start__lt=window[1], end__gt=window[0])
    alone = gone.filter(machine=machine)
    in_group = gone.filter(machine=None, site=machine.site, held_units__unit=machine.unit_id)
    first, *others = [rows.order_by().values_list(*FIELDS) for rows in (held, alone, in_group)]
    return first.union(*others)


def _changes(keys: list[int]) -> Mapping[int, tuple[int, dt.datetime]]:
    rows = Deed.objects.filter(reservation__in=keys, kind__in=CHANGES).order_by().values("reservation")
    counted = rows.annotate(count=Count("id"), latest=Max("at")).values_list("reservation", "count", "latest")
    return {key: (count, latest) for key, count, latest in counted}


def _event(feed: CalendarFeed, row: Mapping[str, Any], sequence: int, changed_at: dt.datetime) -> FeedEvent:
    status, reference = row["status"], row["reference"]
    is_own = feed.person is not None
    place = [row["site__name"], *(row["site__address"].splitlines() if is_own else [])]
    return FeedEvent(
        # Whoever reads a public feed learns no reference.
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"fablab:reservation:{reference}")),
        start=row["start"],
        end=row["end"],
        summary=_own_words(status, row) if is_own else _public_words(feed, row),
        place=", ".join(part.strip() for part in place if part.strip()),
        status=_status(status),
        made_at=row["created_at"],
        changed_at=max(changed_at, row["created_at"]),
        sequence=sequence,
        url=settings.ADDRESSES[0] + reverse("reservation", args=[reference]) if is_own else "",
    )


def _status(status: str) -> str:
    if status in NOT_YET:
        return "TENTATIVE"
    return "CONFIRMED" if status in HOLDING else "CANCELLED"


def _own_words(status: str, row: Mapping[str, Any]) -> str:
    """What it is, and what it still waits for: many programs show nothing but this."""
    what = {"what": row["title"] or row["machine__name"]}
    if status == Status.PENDING:
        return _("Asked for: %(what)s") % what
    if status == Status.HELD:
        return _("Offered: %(what)s") % what
    return str(what["what"]) if status in HOLDING else _("Cancelled: %(what)s") % what


def _public_words(feed: CalendarFeed, row: Mapping[str, Any]) -> str:
    """A title that was written for everybody; else only that it is taken."""
    if row["title"]:
        return str(row["title"])
    return _("Taken") if feed.machine is not None else _("%(machine)s: taken") % {"machine": row["machine__name"]}


def language_of(feed: CalendarFeed) -> str:
    """The person's own; of a machine or a site the lab's."""
    person: Person | None = feed.person
    return person.language if person is not None else settings.LANGUAGE_CODE
