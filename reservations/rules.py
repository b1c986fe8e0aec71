"""Why a reservation may not be made: each rule a pure function over facts, all of them asked, all answers kept.

To find out why somebody was refused, read the rule of that code: about time and things here, about people in
rules_of_people.py. Its table is in tests/reservations/test_rules.py. No database, no clock.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from zoneinfo import ZoneInfo

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models.booking_settings import Attendance, BookingSettings
from reservations import rules_of_people as people
from reservations.rule_facts import (
    CURED_BY_ANOTHER_TIME,
    MAY_BE_SET_ASIDE,
    QUALIFICATION_CODES,
    RISK_OF_INJURY,
    BookingFacts,
    Code,
    CompanionFact,
    HeldQualification,
    PartFact,
    PersonFact,
    Purpose,
    QuotaFact,
    SuspensionFact,
    Unavailability,
    UnsignedRules,
    WantedQualification,
)

__all__ = [
    "CURED_BY_ANOTHER_TIME",
    "MAY_BE_SET_ASIDE",
    "RULES",
    "BookingFacts",
    "Code",
    "CompanionFact",
    "HeldQualification",
    "PartFact",
    "PersonFact",
    "Purpose",
    "QuotaFact",
    "SuspensionFact",
    "Unavailability",
    "UnsignedRules",
    "WantedQualification",
    "blocked_interval",
    "cancel_denials",
    "group_denials",
    "may_be_set_aside",
    "on_grid",
    "reservation_denials",
]


def reservation_denials(*, facts: BookingFacts, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> list[Denial]:
    """Every reason to refuse this reservation over [start, end); an empty list allows it.

    Pure: reads no database and no clock, so each rule is one row of a test table.
    """
    asked = Interval(start, end)
    found = [denial for rule in RULES for denial in rule(facts, asked, now)]
    return [
        denial for denial in found if not may_be_set_aside(denial.code, facts) or denial.code not in facts.set_aside
    ]


def may_be_set_aside(code: str, facts: BookingFacts) -> bool:
    """Whether the team may set the rule aside for once. A missing qualification never, where people get hurt."""
    return code in MAY_BE_SET_ASIDE and not (code in QUALIFICATION_CODES and facts.risk >= RISK_OF_INJURY)


def cancel_denials(*, facts: BookingFacts, start: dt.datetime, now: dt.datetime) -> list[Denial]:
    """Why a reservation may no longer be cancelled: less notice than its machine wants. Pure."""
    notice = facts.settings.cancel_notice
    if not notice or start - now >= notice or Code.TOO_SOON in facts.set_aside:
        return []
    return [Denial(Code.TOO_SOON, {"notice": notice, "now": now, "zone": facts.zone, "deed": "cancel"})]


def closed(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Inside opening hours: all of it, or only the start where the machine may run while the site is closed.

    What is taken home is fetched and brought back while the site is open; it may close in between.
    """
    if facts.settings.is_lent:
        return _closed_at_the_desk(facts, asked)
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


def _closed_at_the_desk(facts: BookingFacts, asked: Interval) -> list[Denial]:
    around: dict[str, object] = {"zone": facts.zone, "attendance": facts.settings.attendance}
    found = []
    # What is out already was fetched.
    if facts.purpose != Purpose.EXTEND and not any(opening.holds(asked.start) for opening in facts.opening):
        later = [opening for opening in facts.opening if opening.start > asked.start]
        found.append(Denial(Code.CLOSED, around | {"lent": "start", "opening": later[0] if later else None}))
    if not is_open_at_end(asked.end, facts.opening):
        before = [o.end for o in facts.opening if asked.start < o.end <= asked.end]
        after = [o.start for o in facts.opening if o.start > asked.end]
        times = {"before": before[-1] if before else None, "after": after[0] if after else None}
        found.append(Denial(Code.CLOSED, around | {"lent": "end", "opening": None} | times))
    return found


def is_open_at_end(end: dt.datetime, opening: Sequence[Interval]) -> bool:
    """Whether something can be brought back then: from the moment of opening to that of closing. Pure."""
    return any(o.start <= end <= o.end for o in opening)


def machine_unavailable(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Out of service at some moment of it, or something that is taken along; a lock-out has no end until a person
    lifts it.

    For an extension the time already used does not count: an outage that is over hinders nobody.
    """
    begins = max(asked.start, now) if facts.purpose == Purpose.EXTEND else asked.start
    return [
        Denial(
            Code.MACHINE_UNAVAILABLE,
            {"reason": out.reason, "kind": out.kind, "end": out.end, "zone": facts.zone, **what},
        )
        for out, what in _outages(facts)
        if out.start < asked.end and (out.end is None or begins < out.end)
    ][:1]


def _outages(facts: BookingFacts) -> Iterator[tuple[Unavailability, dict[str, str]]]:
    yield from ((out, {}) for out in facts.unavailable)
    yield from ((out, {"part": part.name}) for part in facts.parts for out in part.unavailable)


def taken(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Somebody holds the machine or what is taken along, set-up and clean-up counted on both sides. The database has
    the last word."""
    held: list[tuple[Interval, Interval, dict[str, str]]] = [
        (other, facts.blocked or asked, {}) for other in facts.taken
    ]
    for part in facts.parts:
        held += [(other, part.blocked, {"part": part.name}) for other in part.taken if part.blocked is not None]
    return [
        Denial(Code.TAKEN, {"start": other.start, "end": other.end, "zone": facts.zone, **what})
        for other, wanted, what in held
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
    if facts.changes_from is not None and facts.changes_from.start - now < facts.settings.change_notice:
        late = {"notice": facts.settings.change_notice, "now": now, "zone": facts.zone, "deed": "move"}
        return [Denial(Code.TOO_SOON, late)]
    notice = facts.settings.notice
    # What needs a yes first cannot have begun already.
    slack = dt.timedelta(0) if facts.settings.needs_approval else facts.settings.grid
    earliest = now + notice if notice else now - slack
    if asked.start > earliest or (notice and asked.start == earliest):
        return []
    return [Denial(Code.TOO_SOON, {"notice": notice, "now": now, "zone": facts.zone})]


def too_far(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    if asked.start <= now + facts.settings.window:
        return []
    return [Denial(Code.TOO_FAR, {"window": facts.settings.window, "last": now + facts.settings.window})]


Rule = Callable[[BookingFacts, Interval, dt.datetime], list[Denial]]

# In the order in which people want to hear them: what never changes first, then the time.
RULES: tuple[Rule, ...] = (
    people.suspended,
    people.qualification,
    people.rules_unsigned,
    people.age_limit,
    people.guardian_required,
    people.membership_required,
    machine_unavailable,
    closed,
    people.supervision_required,
    taken,
    people.person_busy,
    people.quota_exceeded,
    people.too_many_open,
    people.credit_exhausted,
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
