"""Events as another calendar writes them (RFC 5545): only the lines that say when, read one event at a time.

Titles, places and people are left out before anything is parsed, and so are descriptions of time zones: a hostile one
would keep the worker busy for years, and icalendar keeps each for all calendars that are read later.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Event, vRecur
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

KEPT = frozenset({
    "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "TRANSP",
    "X-MICROSOFT-CDO-BUSYSTATUS",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9-]+")
_ZONE = re.compile(r';TZID=(?:"([^"]*)"|([^";:,]*))', re.IGNORECASE)
# Beyond these an instant can no longer be told in every zone.
FIRST_YEAR, LAST_YEAR = 2, 9998

Moment = dt.datetime | dt.date


class CalendarUnreadable(Exception):
    """What came is no calendar."""


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One VEVENT: `start` by the clock of `zone`, lasting `length` (exact), or whole days where `days` is above 0.

    `replaces` is the moment of a series in whose place it stands; with `is_following` that of all later ones too.
    """

    uid: str
    start: dt.datetime
    zone: dt.tzinfo
    length: dt.timedelta
    days: int
    makes_busy: bool
    rules: tuple[vRecur, ...]
    added: tuple[tuple[dt.datetime, dt.timedelta | None], ...]
    left_out: tuple[Moment, ...]
    replaces: Moment | None
    is_following: bool


def events_in(body: bytes, zone: ZoneInfo) -> tuple[list[ReadEvent], int]:
    """The events of a calendar, and how many could not be understood. Times without a zone, and those of a zone that
    nobody knows, are by the clock of `zone`, and so are whole days.

    Raises:
        CalendarUnreadable: it has no beginning or no end.
    """
    found, skipped = [], 0
    for lines in _blocks(body):
        try:
            found.append(_event(lines, zone))
        # Whatever a stranger writes; icalendar has errors of its own, all of these families.
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, OSError, RecursionError):
            skipped += 1
    return found, skipped


def _blocks(body: bytes) -> Iterator[list[str]]:
    """The lines of each event that matter, unfolded; what is nested in an event is left out."""
    text = re.sub(r"\r?\n[ \t]", "", body.decode("utf-8-sig", "replace"))
    lines = [line.strip() for line in re.split(r"[\r\n]+", text.strip())]
    if lines[0].upper() != "BEGIN:VCALENDAR" or lines[-1].upper() != "END:VCALENDAR":
        raise CalendarUnreadable
    block: list[str] | None = None
    depth = 0
    for line in lines:
        name = _name(line)
        if block is None:
            block, depth = ([], 1) if line.upper() == "BEGIN:VEVENT" else (None, 0)
        elif name in ("BEGIN", "END"):
            depth += 1 if name == "BEGIN" else -1
            if depth == 0 and line.upper() != "END:VEVENT":
                raise CalendarUnreadable
            if depth == 0:
                yield block
                block = None
        elif depth == 1 and name in KEPT:
            block.append(_with_known_zone(line))
    if block is not None:
        raise CalendarUnreadable


def _name(line: str) -> str:
    found = _NAME.match(line)
    return found[0].upper() if found else ""


def _with_known_zone(line: str) -> str:
    def known(found: re.Match[str]) -> str:
        name = _known_zone(found[1] or found[2] or "")
        return f";TZID={name}" if name else ""

    return _ZONE.sub(known, line, count=1)


@lru_cache(maxsize=500)
def _known_zone(name: str) -> str:
    """The name as our own tables write it; programs put their own before it (“/vendor/20260101/Europe/Paris”)."""
    parts = name.strip().strip("/").split("/")
    for written in (WINDOWS_TO_OLSON.get(name.strip(), ""), *("/".join(parts[n:]) for n in range(min(9, len(parts))))):
        try:
            if written:
                return ZoneInfo(written).key
        except (ValueError, OSError, KeyError):
            continue
    return ""


def _event(lines: list[str], site_zone: ZoneInfo) -> ReadEvent:
    component: Any = Event.from_ical("\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"]))
    if component.errors:
        raise ValueError("a line that cannot be read")
    first = component["DTSTART"].dt
    is_whole_days = not isinstance(first, dt.datetime)
    zone = site_zone if is_whole_days else first.tzinfo or site_zone
    start = wall_clock(first, zone)
    length, days = _length(component, first, zone)
    stamp = component.get("RECURRENCE-ID")
    return ReadEvent(
        uid=_uid(component, start),
        start=start,
        zone=zone,
        length=length,
        days=days,
        makes_busy=_makes_busy(component),
        rules=tuple(_all(component, "RRULE")),
        added=tuple(_added(component, zone)),
        left_out=tuple(each.dt for row in _all(component, "EXDATE") for each in row.dts),
        replaces=None if stamp is None else stamp.dt,
        is_following=stamp is not None and str(stamp.params.get("RANGE", "")).upper() == "THISANDFUTURE",
    )


def _all(component: Any, name: str) -> list[Any]:
    value = component.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _uid(component: Any, start: dt.datetime) -> str:
    """A mark of what the other side calls it: the name itself often holds an address."""
    return hashlib.sha256(str(component.get("UID") or start).encode()).hexdigest()[:32]


def _makes_busy(component: Any) -> bool:
    says = {name: str(component.get(name, "")).upper() for name in ("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS")}
    return (
        says["STATUS"] != "CANCELLED"
        and says["TRANSP"] != "TRANSPARENT"
        and says["X-MICROSOFT-CDO-BUSYSTATUS"] != "FREE"
    )


def _length(component: Any, first: Moment, zone: dt.tzinfo) -> tuple[dt.timedelta, int]:
    """How long it lasts, and in whole days where it is told in days: a day of the change of clocks has 23 hours."""
    is_whole_days = not isinstance(first, dt.datetime)
    if "DTEND" in component:
        end = component["DTEND"].dt
        if is_whole_days:
            return dt.timedelta(0), (wall_clock(end, zone).date() - first).days  # type: ignore[operator]
        return instant(wall_clock(end, zone), zone) - instant(wall_clock(first, zone), zone), 0
    lasts = component["DURATION"].dt if "DURATION" in component else dt.timedelta(days=1 if is_whole_days else 0)
    return (dt.timedelta(0), lasts.days) if is_whole_days else (lasts, 0)


def _added(component: Any, zone: dt.tzinfo) -> Iterator[tuple[dt.datetime, dt.timedelta | None]]:
    """Further times of a series, each with its own length where it has one."""
    for row in _all(component, "RDATE"):
        for each in row.dts:
            if isinstance(each.dt, tuple):
                begins, ends = each.dt
                yield wall_clock(begins, zone), ends if isinstance(ends, dt.timedelta) else ends - begins
            else:
                yield wall_clock(each.dt, zone), None


def wall_clock(moment: Moment, zone: dt.tzinfo) -> dt.datetime:
    """What the clock of the zone shows at that moment; a moment without a zone is one of its clock already.

    Raises:
        ValueError: it is of no year that every zone can tell.
    """
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("beyond any calendar")
    if not isinstance(moment, dt.datetime):
        return dt.datetime.combine(moment, dt.time())
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def instant(wall: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """The UTC instant of a time on the zone's clock."""
    return wall.replace(tzinfo=zone).astimezone(dt.UTC)
