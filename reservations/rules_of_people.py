"""The rules about people: what they know, how old they are, how much they hold, who watches. See rules.py. Pure."""

import datetime as dt
from collections.abc import Iterable

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from reservations.rule_facts import RISK_OF_INJURY, BookingFacts, Code, Purpose, QuotaFact

# With a buddy the second degree of risk may do without a supervisor, the third may not.
RISK_OF_GRAVE_INJURY = 3
# Two of them: nobody is their own buddy.
WITH_A_BUDDY = 2
TO_COME = "to_come"


def person_busy(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Nobody is at two machines at once; one that may run alone, or is taken home, does not count, on either side."""
    if facts.settings.spans_closing:
        return []
    # One for each person.
    of_companions = [_first_busy(facts, who.busy, asked, {"who": who.name}) for who in facts.companions]
    return [denial for found in (_first_busy(facts, facts.busy, asked, {}), *of_companions) for denial in found]


def _first_busy(
    facts: BookingFacts, busy: Iterable[tuple[Interval, str]], asked: Interval, who: dict[str, str]
) -> list[Denial]:
    return [
        Denial(
            Code.PERSON_BUSY,
            {"start": other.start, "end": other.end, "machine": machine, "zone": facts.zone, **who},
        )
        for other, machine in busy
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


def rules_unsigned(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """The newest version of the rules of the site and of the machine is signed: one denial for each that is not."""
    unsigned = facts.person.unsigned if facts.person else ()
    return [Denial(Code.RULES_UNSIGNED, {"rules": rules.rules_id, "of": rules.of}) for rules in unsigned]


def youngest_age_y(birth_year: int, day: dt.date) -> int:
    """The age on that day, in whole years, when the birthday of that year is still to come."""
    return day.year - birth_year - 1


def age_limit(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Old enough on the day. Of a year alone the youngest possible age counts; of nothing, nobody knows."""
    least = facts.settings.least_age_y
    if least is None or facts.person is None:
        return []
    year = facts.person.birth_year
    if year is not None and youngest_age_y(year, asked.start.astimezone(facts.zone).date()) >= least:
        return []
    return [Denial(Code.AGE_LIMIT, {"least_age_y": least, "is_known": year is not None})]


def guardian_required(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Somebody younger comes with their responsible adult. Whoever gave no year of birth is taken for an adult."""
    below = facts.settings.guardian_below_y
    if below is None or facts.person is None or facts.person.birth_year is None or facts.person.guardian_comes:
        return []
    if youngest_age_y(facts.person.birth_year, asked.start.astimezone(facts.zone).date()) >= below:
        return []
    return [Denial(Code.GUARDIAN_REQUIRED, {"below_y": below})]


def membership_required(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    if not facts.settings.needs_membership or facts.person is None or facts.person.has_plan:
        return []
    return [Denial(Code.MEMBERSHIP_REQUIRED, {})]


def supervision_required(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Where people get hurt somebody of the team is on duty: all along, or at the start of what then runs alone.

    A buddy will do for the second degree of risk. Said of opening hours only: closed is another reason.
    """
    if facts.risk < RISK_OF_INJURY or facts.supervised is None:
        return []
    if len(facts.companions) + facts.holder_comes >= WITH_A_BUDDY and facts.risk < RISK_OF_GRAVE_INJURY:
        return []
    only_start = facts.settings.spans_closing
    if any(duty.holds(asked.start) if only_start else duty.contains(asked) for duty in facts.supervised):
        return []
    if not any(opening.holds(asked.start) for opening in facts.opening):
        return []
    later = [duty for duty in facts.supervised if duty.end > asked.start]
    is_start = facts.purpose == Purpose.START
    params = {"duty": later[0] if later else None, "zone": facts.zone, "risk": facts.risk, "is_start": is_start}
    return [Denial(Code.SUPERVISION_REQUIRED, params)]


def quota_exceeded(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """Hours and counts of a day, week, month or year: one denial for each limit that it would pass."""
    return [
        Denial(Code.QUOTA_EXCEEDED, {"quota": quota, **who})
        for quota, who in _quotas(facts)
        if quota.period != TO_COME and _is_passed(quota)
    ]


def too_many_open(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    """What is still to come, and the pause between two of a kind: nobody chains one reservation to the next."""
    found = [
        Denial(Code.TOO_MANY_OPEN, {"quota": quota, **who})
        for quota, who in _quotas(facts)
        if quota.period == TO_COME and _is_passed(quota)
    ]
    rest = facts.settings.rest
    if not rest or facts.purpose == Purpose.EXTEND:
        return found
    wide = Interval(asked.start - rest, asked.end + rest)
    near = [other for other in facts.of_kind if other.overlaps(wide)]
    return found + [
        Denial(Code.TOO_MANY_OPEN, {"rest": rest, "start": other.start, "end": other.end, "zone": facts.zone})
        for other in near[:1]
    ]


def _quotas(facts: BookingFacts) -> list[tuple[QuotaFact, dict[str, str]]]:
    of_companions = [(quota, {"who": who.name}) for who in facts.companions for quota in who.quotas]
    return [*((quota, {}) for quota in facts.quotas), *of_companions]


def _is_passed(quota: QuotaFact) -> bool:
    """Nothing more asked for (a move within the week) passes no limit, even one that was lowered since."""
    return quota.asked > 0 and quota.held + quota.asked > quota.most


def credits_for(length: dt.timedelta, credits_per_hour: int) -> int:
    """What a reservation of this length takes off the balance: whole credits, begun ones counted."""
    # Rounded up without a fraction: 8 h 20 at 15 an hour is 125, and by floats a little more.
    return -(-length * credits_per_hour // dt.timedelta(hours=1))


def credit_exhausted(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Denial]:
    if facts.person is None or not facts.settings.credits_per_hour or asked.is_empty:
        return []
    wanted = credits_for(asked.duration, facts.settings.credits_per_hour)
    if wanted <= facts.person.credits_left:
        return []
    return [Denial(Code.CREDIT_EXHAUSTED, {"wanted": wanted, "left": facts.person.credits_left})]
