"""Why a reservation may not be made: each rule a pure function over facts, all of them asked, all answers kept.

To find out why somebody was refused, read the rule of that code below; its table is in
tests/reservations/test_rules.py. No database, no clock.
"""

import datetime as dt
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models.booking_settings import Attendance, BookingSettings


class Code(enum.StrEnum):
    """Stable: programs and statistics rely on them."""

    CLOSED = "closed"
    MACHINE_UNAVAILABLE = "machine_unavailable"
    TAKEN = "taken"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OFF_GRID = "off_grid"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    PERSON_BUSY = "person_busy"
    QUALIFICATION_MISSING = "qualification_missing"
    QUALIFICATION_EXPIRED = "qualification_expired"
    QUALIFICATION_LEVEL = "qualification_level"
    SUSPENDED = "suspended"


# Another time or machine may help; the others stay true whatever the time.
CURED_BY_ANOTHER_TIME = frozenset(
    {Code.CLOSED, Code.MACHINE_UNAVAILABLE, Code.TAKEN, Code.TOO_SOON, Code.PERSON_BUSY, Code.OFF_GRID}
)


class Purpose(enum.StrEnum):
    """What is being asked for."""

    BOOK = "book"
    MOVE = "move"
    EXTEND = "extend"
    START = "start"


@dataclass(frozen=True, slots=True)
class Unavailability:
    """An outage; `end` is None until somebody lifts it."""

    start: dt.datetime
    end: dt.datetime | None
    reason: str
    kind: str


@dataclass(frozen=True, slots=True)
class HeldQualification:
    """A grant as it is, valid or not."""

    level: int
    granted_at: dt.datetime
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class WantedQualification:
    """What the machine asks for."""

    name_fr: str
    name_en: str
    training_fr: str
    training_en: str
    level: int


@dataclass(frozen=True, slots=True)
class SuspensionFact:
    reason: str
    end: dt.datetime | None


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """All that the rules look at.

    `opening`: the site's opening intervals around the time asked for, joined. `taken`: what others hold, buffers
    included. `busy`: the person's other reservations that want them there throughout, with the machine's name.
    """

    zone: ZoneInfo
    settings: BookingSettings
    opening: tuple[Interval, ...]
    purpose: Purpose = Purpose.BOOK
    unavailable: tuple[Unavailability, ...] = ()
    taken: tuple[Interval, ...] = ()
    blocked: Interval | None = None
    busy: tuple[tuple[Interval, str], ...] = ()
    wanted: WantedQualification | None = None
    held: tuple[HeldQualification, ...] = ()
    suspension: SuspensionFact | None = None


def reservation_denials(*, facts: BookingFacts, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> list[Denial]:
    """Every reason to refuse this reservation over [start, end); an empty list allows it.

    Pure: reads no database and no clock, so each rule is one row of a test table.
    """
    asked = Interval(start, end)
    return [denial for rule in RULES for denial in rule(facts, asked, now)]


def closed(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Inside opening hours: all of it, or only the start where the machine may run while the site is closed."""
    if facts.settings.attendance == Attendance.START:
        is_open = any(opening.holds(asked.start) for opening in facts.opening)
    else:
        is_open = any(opening.contains(asked) for opening in facts.opening)
    if is_open:
        return []
    around = [opening for opening in facts.opening if opening.end > asked.start]
    return [
        Denial(
            Code.CLOSED,
            {
                "opening": around[0] if around else None,
                "zone": facts.zone,
                "attendance": facts.settings.attendance,
            },
        )
    ]


def machine_unavailable(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Out of service at some moment of it; a lock-out has no end until a person lifts it.

    For an extension the time already used does not count: an outage that is over hinders nobody.
    """
    begins = max(asked.start, now) if facts.purpose == Purpose.EXTEND else asked.start
    return [
        Denial(
            Code.MACHINE_UNAVAILABLE,
            {"reason": out.reason, "kind": out.kind, "end": out.end, "zone": facts.zone},
        )
        for out in facts.unavailable
        if out.start < asked.end and (out.end is None or begins < out.end)
    ][:1]


def taken(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Somebody holds the machine, set-up and clean-up counted on both sides. The database has the last word."""
    wanted = facts.blocked or asked
    return [
        Denial(Code.TAKEN, {"start": other.start, "end": other.end, "zone": facts.zone})
        for other in facts.taken
        if other.overlaps(wanted)
    ][:1]


def too_short(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Shorter than the machine's shortest; a time that ends before it starts is too short for any machine."""
    if asked.duration >= facts.settings.shortest and not asked.is_empty:
        return []
    return [Denial(Code.TOO_SHORT, {"shortest": facts.settings.shortest or facts.settings.grid})]


def too_long(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    if asked.duration <= facts.settings.longest:
        return []
    return [Denial(Code.TOO_LONG, {"longest": facts.settings.longest})]


def off_grid(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Start and end fall on the grid of local wall-clock time. A start at the machine is when it is."""
    if facts.purpose == Purpose.START:
        return []
    instants = (asked.end,) if facts.purpose == Purpose.EXTEND else (asked.start, asked.end)
    if all(on_grid(instant, facts.settings.grid, facts.zone) for instant in instants):
        return []
    return [Denial(Code.OFF_GRID, {"grid": facts.settings.grid})]


def on_grid(instant: dt.datetime, grid: dt.timedelta, zone: ZoneInfo) -> bool:
    """Whether the instant's wall-clock time is a whole number of grid steps after midnight."""
    wall = instant.astimezone(zone)
    since_midnight = dt.timedelta(
        hours=wall.hour, minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond
    )
    return since_midnight % grid == dt.timedelta(0)


def too_soon(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Not in the past, and with the notice the machine asks for. The step of the grid that runs now may be taken.

    What runs or starts now wants no notice, but its end still lies ahead.
    """
    if facts.purpose in (Purpose.START, Purpose.EXTEND):
        over = {"notice": dt.timedelta(0), "now": now, "zone": facts.zone}
        return [] if asked.end > now else [Denial(Code.TOO_SOON, over)]
    notice = facts.settings.notice
    earliest = now + notice if notice else now - facts.settings.grid
    if asked.start > earliest or (notice and asked.start == earliest):
        return []
    return [Denial(Code.TOO_SOON, {"notice": notice, "now": now, "zone": facts.zone})]


def too_far(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    if asked.start <= now + facts.settings.window:
        return []
    return [Denial(Code.TOO_FAR, {"window": facts.settings.window, "last": now + facts.settings.window})]


def person_busy(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Nobody is at two machines at once; one that may run alone does not count, on either side."""
    if facts.settings.attendance == Attendance.START:
        return []
    return [
        Denial(
            Code.PERSON_BUSY,
            {"start": other.start, "end": other.end, "machine": machine, "zone": facts.zone},
        )
        for other, machine in facts.busy
        if other.overlaps(asked)
    ][:1]


def qualification(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """A qualification of the wanted level, valid at the start of the reservation: missing, expired or too low."""
    wanted = facts.wanted
    if wanted is None:
        return []
    # A step of the grid that already runs may be taken with a qualification granted a moment ago.
    granted = [grant for grant in facts.held if grant.granted_at <= max(asked.start, now)]
    valid = [grant for grant in granted if grant.expires_at is None or grant.expires_at > asked.start]
    params = {
        "name_fr": wanted.name_fr,
        "name_en": wanted.name_en,
        "training_fr": wanted.training_fr,
        "training_en": wanted.training_en,
        "level": wanted.level,
        "zone": facts.zone,
    }
    if any(grant.level >= wanted.level for grant in valid):
        return []
    if valid:
        held = max(grant.level for grant in valid)
        return [Denial(Code.QUALIFICATION_LEVEL, params | {"held": held})]
    if granted:
        expired_at = max(grant.expires_at for grant in granted if grant.expires_at is not None)
        return [Denial(Code.QUALIFICATION_EXPIRED, params | {"expired_at": expired_at})]
    return [Denial(Code.QUALIFICATION_MISSING, params)]


def suspended(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    if facts.suspension is None:
        return []
    return [
        Denial(
            Code.SUSPENDED,
            {"reason": facts.suspension.reason, "end": facts.suspension.end, "zone": facts.zone},
        )
    ]


Rule = Callable[[BookingFacts, Interval, dt.datetime], list[Denial]]

# In the order in which people want to hear them: what never changes first, then the time.
RULES: tuple[Rule, ...] = (
    suspended,
    qualification,
    machine_unavailable,
    closed,
    taken,
    person_busy,
    too_short,
    too_long,
    off_grid,
    too_soon,
    too_far,
)


# What the team is asked when it reserves for a group: see reservations/group.py.
GROUP_RULES: tuple[Rule, ...] = (machine_unavailable, taken, too_short, too_long, too_soon)
ABOUT_ONE_THING = frozenset({Code.MACHINE_UNAVAILABLE, Code.TAKEN})


def group_denials(
    *, facts: Sequence[tuple[str, BookingFacts]], start: dt.datetime, end: dt.datetime, now: dt.datetime
) -> list[Denial]:
    """Every reason to refuse these things, given with their names, together over [start, end). Pure.

    What is about one of them names it in `what`; what is about the time is said once.
    """
    asked, found = Interval(start, end), []
    for what, fact in facts:
        for denial in (denial for rule in GROUP_RULES for denial in rule(fact, asked, now)):
            if denial.code in ABOUT_ONE_THING:
                found.append(Denial(denial.code, {**denial.params, "what": what}))
            elif all(known.code != denial.code for known in found):
                found.append(denial)
    return found


def blocked_interval(asked: Interval, settings: BookingSettings, opening: tuple[Interval, ...]) -> Interval:
    """The time a unit is really held: buffers on both sides, and, when the end falls while the site is
    closed, until the next opening (nobody can clear it before) and the clean-up after that."""
    end = asked.end
    if settings.attendance == Attendance.START and not any(o.start < end <= o.end for o in opening):
        end = min((o.start for o in opening if o.start >= end), default=end)
    return Interval(asked.start - settings.setup_buffer, end + settings.cleanup_buffer)
