"""Calendars that somebody else keeps of a machine: added, read again and again, removed. Their events make it taken.

Nothing of an event is kept but when it is; the address is sealed, and shown to nobody again.
"""

import datetime as dt
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from fablab.lib import env
from fablab.lib.changes import note_change
from fablab.lib.intervals import Interval
from fablab.lib.live import announce_machines
from fablab.lib.outgoing import Answer, OutgoingError, fetch
from fablab.lib.outgoing_addresses import pinned_address, split_address
from fablab.lib.secretbox import SecretUnreadable, seal, unseal
from machines.calendar_words import WORDS
from machines.ical_busy import Busy, BusyTimes, busy_times
from machines.ical_events import CalendarUnreadable
from machines.models import ExternalCalendar, Machine, Outage
from people.models import Person
from people.permissions import is_manager

MOST = 5
BEHIND, AHEAD = dt.timedelta(days=1), dt.timedelta(days=90)
TIMEOUT_S, BYTES_MOST = 10.0, 2_000_000
ADDRESS_MOST = 1000
# As often as it is read, and at the latest when it fails for long.
PAUSE, PAUSE_MOST = dt.timedelta(minutes=15), dt.timedelta(hours=6)
PAUSE_NEVER_READ = dt.timedelta(hours=1)
# The worker comes by a little early or late.
SLACK = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ReadReport:
    """How a reading went: `error` is a code of machines/calendar_words.py, or empty. `taken` times of the machine are
    known from it now; `has_changed`: not all as they were before."""

    error: str = ""
    taken: int = 0
    has_changed: bool = False


def calendars_of(machine: Machine) -> QuerySet[ExternalCalendar]:
    """Those of the machine, by name."""
    return ExternalCalendar.objects.filter(machine=machine).order_by("name", "pk")


def calendars_with_counts(machine: Machine, now: dt.datetime) -> QuerySet[ExternalCalendar]:
    """The same, each with `coming_count`: how often it takes the machine from now on. One query."""
    coming = Count("outages", filter=Q(outages__end__gt=now))
    return calendars_of(machine).annotate(coming_count=coming)


@transaction.atomic
def add_calendar(*, machine: Machine, name: str, url: str, by: Person, now: dt.datetime) -> ExternalCalendar:
    """Have the calendar at this address read from now on; it is not read yet. Asks the name server, once.

    Raises:
        PermissionDenied: somebody else than a manager of the machine's site.
        ValidationError: of the address or of the name, or there are five already.
    """
    if not is_manager(by, machine):
        raise PermissionDenied
    address = _https(url)
    try:
        if len(address) > ADDRESS_MOST:
            raise OutgoingError("too_long")
        found = pinned_address(
            split_address(address, schemes=("https",)), allowed=_networks(), is_public_allowed=True
        )  # fmt: skip
    except OutgoingError as refused:
        raise ValidationError({"url": WORDS.get(refused.code, WORDS["host"])}) from None
    Machine.objects.select_for_update(of=("self",), no_key=True).get(pk=machine.pk)
    if calendars_of(machine).count() >= MOST:
        raise ValidationError(_("Five calendars are read for this machine already. Remove one first."))
    calendar = ExternalCalendar(machine=machine, name=name.strip(), sealed_url=seal(address), host=found.host[:120])
    calendar.full_clean()
    calendar.save()
    note_change("new", calendar, by)
    return calendar


@transaction.atomic
def remove_calendar(*, calendar: ExternalCalendar, by: Person, now: dt.datetime) -> None:
    """It is read no more, and what it took is free again.

    Side effects in order: delete the calendar with its times; announce the machine.

    Raises:
        PermissionDenied: somebody else than a manager of the machine's site.
    """
    if not is_manager(by, calendar.machine):
        raise PermissionDenied
    note_change("removed", calendar, by)
    ExternalCalendar.objects.filter(pk=calendar.pk).delete()
    announce_machines([calendar.machine_id])


def read_calendar(*, calendar: ExternalCalendar, now: dt.datetime) -> ReadReport:
    """Ask the other side, and take over when the machine is taken there, from yesterday to ninety days ahead.

    Side effects in order: what came replaces what was known, in one transaction; the machine is announced when that
    is something else. When nothing of use comes, what was known stays, and the calendar says why.
    """
    try:
        answer = _fetched(calendar, now)
        found = None if answer.status == 304 else busy_times(answer.body, zone=calendar.machine.site.zone,
                                                             window=Interval(now - BEHIND, now + AHEAD))  # fmt: skip
    except OutgoingError as refused:
        return _note_failure(calendar, refused.code, now)
    except CalendarUnreadable:
        return _note_failure(calendar, "no_calendar", now)
    except SecretUnreadable:
        return _note_failure(calendar, "key_lost", now)
    return _keep(calendar, found, answer.headers.get("etag", ""), now)


def calendars_due(*, now: dt.datetime) -> list[ExternalCalendar]:
    """Which are to be read now, those that wait longest first: each quarter of an hour; one that fails, less and less
    often. None of a machine that is retired."""
    rows = ExternalCalendar.objects.filter(machine__retired_at=None).select_related("machine__unit__site")
    rows = rows.order_by(F("tried_at").asc(nulls_first=True), "pk")
    return [row for row in rows if row.tried_at is None or _again_at(row.tried_at, row.read_at) <= now + SLACK]


def _again_at(tried: dt.datetime, read: dt.datetime | None) -> dt.datetime:
    if read is None:
        return tried + PAUSE_NEVER_READ
    # As long again as it has been failing: so the pauses double.
    return tried + min(max(PAUSE, tried - read), PAUSE_MOST)


def _fetched(calendar: ExternalCalendar, now: dt.datetime) -> Answer:
    # Once a day it is read whole: series reach further each day, though nobody changes them.
    is_known = calendar.read_at is not None and calendar.read_at.date() == now.date()
    headers = {"If-None-Match": calendar.etag} if is_known and calendar.etag else {}
    url = unseal(calendar.sealed_url)
    return fetch(url, allowed=_networks(), timeout_s=TIMEOUT_S, max_bytes=BYTES_MOST, ca_bundle=_ca(),
                 headers={"Accept": "text/calendar", **headers})  # fmt: skip


def _note_failure(calendar: ExternalCalendar, code: str, now: dt.datetime) -> ReadReport:
    ExternalCalendar.objects.filter(pk=calendar.pk).update(tried_at=now, error=code)
    return ReadReport(code, Outage.objects.filter(calendar=calendar.pk).count())


@transaction.atomic
def _keep(calendar: ExternalCalendar, found: BusyTimes | None, etag: str, now: dt.datetime) -> ReadReport:
    """`found` is None where the other side said that nothing is new."""
    row = ExternalCalendar.objects.select_for_update(of=("self",)).filter(pk=calendar.pk).first()
    if row is None:
        # Removed while it was read.
        return ReadReport()
    row.tried_at = row.read_at = now
    has_changed = False
    if found is not None:
        row.etag = etag if len(etag) <= 200 and etag.isprintable() else ""
        row.error = "cut" if found.is_cut else "some_unread" if found.skipped else ""
        has_changed = _replace(row, found.times)
    elif row.error not in ("cut", "some_unread"):
        row.error = ""
    row.save(update_fields=["tried_at", "read_at", "etag", "error"])
    if has_changed:
        announce_machines([row.machine_id])
    return ReadReport(row.error, Outage.objects.filter(calendar=row).count(), has_changed)


def _replace(calendar: ExternalCalendar, times: tuple[Busy, ...]) -> bool:
    """Whether anything is not as it was: rows that are told again stay the rows that they are."""
    known = {(row.uid, row.start): row for row in Outage.objects.filter(calendar=calendar)}
    told = {(busy.uid, busy.start): busy.end for busy in times}
    gone = [row.pk for key, row in known.items() if key not in told]
    moved = [row for key, row in known.items() if key in told and row.end != told[key]]
    new = [
        Outage(machine_id=calendar.machine_id, kind=Outage.Kind.ELSEWHERE, calendar=calendar, uid=uid, start=start,
               end=end)
        for (uid, start), end in told.items() if (uid, start) not in known
    ]  # fmt: skip
    for row in moved:
        row.end = told[row.uid, row.start]
    Outage.objects.filter(pk__in=gone).delete()
    Outage.objects.bulk_update(moved, ["end"], batch_size=500)
    Outage.objects.bulk_create(new, batch_size=500)
    return bool(gone or moved or new)


def _https(url: str) -> str:
    """What calendar programs write before an address that they subscribe to is https to everybody else."""
    typed = url.strip()
    scheme, _colon, rest = typed.partition("://")
    return f"https://{rest}" if scheme.lower() in ("webcal", "webcals", "https") else typed


def _networks() -> list[str]:
    return env.words("FABLAB_CALENDAR_NETWORKS")


def _ca() -> str:
    return env.text("FABLAB_CALENDAR_CA")
