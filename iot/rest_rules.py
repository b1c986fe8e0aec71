"""Whether a machine that rests was left: asked first, given to others ten minutes later. Pure."""

import datetime as dt
import enum
from dataclasses import dataclass

from iot.models import StopReason, UseState
from reservations.evidence import Use

# Between the question and the end: as long as “I am coming” gives to somebody who is late.
ANSWER_WITHIN = dt.timedelta(minutes=10)
# What ends a run for another reason leaves somebody who mends, waits, or was sent away.
ENDS_OF_WORK = frozenset({StopReason.NORMAL, StopReason.JOB_FINISHED, StopReason.IDLE_TIMEOUT})
AT_REST = frozenset({UseState.IDLE, UseState.OFF})


class Step(enum.Enum):
    """What follows from it."""

    NOTHING = "nothing"
    ASK = "ask"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class RestFacts:
    """What is known of a reservation in use and of its machine.

    `is_one_of_ours` is false of what is lent, of laptops and seats, of what several machines share, and of somebody
    whom nothing reaches. `gives_away_after` is the setting of who does not come; None: nothing is given away by
    itself. `came_at` is the last time that a person did something with it. `stopped_for` tells why its last run ended,
    at `ran_until`; both empty while it runs, and before it did. `asked_at` belongs to this rest.
    """

    end: dt.datetime
    is_one_of_ours: bool
    gives_away_after: dt.timedelta | None
    off_when_idle_after: dt.timedelta | None
    runs_alone: bool
    came_at: dt.datetime
    ran_until: dt.datetime | None
    stopped_for: str
    state: str
    use_since: Use
    is_hot: bool
    is_out_of_service: bool
    is_kept: bool
    asked_at: dt.datetime | None


def rests_since(facts: RestFacts) -> dt.datetime | None:
    """When it came to rest with nobody known to be at it; None while it runs, and before it ran."""
    return max(facts.ran_until, facts.came_at) if facts.ran_until is not None else None


def longest_rest(facts: RestFacts) -> dt.timedelta | None:
    """After how long a rest it counts as left; None: never.

    A job that is finished is over, and so is a run of what runs alone. Elsewhere people measure and mount between two
    cuts: there it is the manager who says how long, with “off when idle for”.
    """
    if facts.gives_away_after is None or facts.stopped_for not in ENDS_OF_WORK:
        return None
    if facts.stopped_for == StopReason.JOB_FINISHED or facts.runs_alone:
        return facts.gives_away_after
    if facts.off_when_idle_after is None:
        return None
    return max(facts.gives_away_after, facts.off_when_idle_after)


def step_of(facts: RestFacts, now: dt.datetime) -> Step:
    """What to do about it now. Silence of the device is no rest, and nothing is given back that others cannot use."""
    since, rest = rests_since(facts), longest_rest(facts)
    if since is None or rest is None or not facts.is_one_of_ours or now >= facts.end:
        return Step.NOTHING
    if facts.state not in AT_REST or facts.use_since != Use.IDLE:
        return Step.NOTHING
    if facts.is_hot or facts.is_out_of_service or facts.is_kept:
        return Step.NOTHING
    if facts.asked_at is None:
        is_due = now >= since + rest - ANSWER_WITHIN
        return Step.ASK if is_due and now + ANSWER_WITHIN < facts.end else Step.NOTHING
    return Step.FINISH if now >= max(since + rest, facts.asked_at + ANSWER_WITHIN) else Step.NOTHING
