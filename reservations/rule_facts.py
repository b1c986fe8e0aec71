"""What the rules of reserving look at and answer with. No database, no clock."""

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from fablab.lib.intervals import Interval
from machines.models.booking_settings import BookingSettings
from machines.policies import Where


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
    QUOTA_EXCEEDED = "quota_exceeded"
    TOO_MANY_OPEN = "too_many_open"
    PERSON_BUSY = "person_busy"
    QUALIFICATION_MISSING = "qualification_missing"
    QUALIFICATION_EXPIRED = "qualification_expired"
    QUALIFICATION_LEVEL = "qualification_level"
    RULES_UNSIGNED = "rules_unsigned"
    SUPERVISION_REQUIRED = "supervision_required"
    AGE_LIMIT = "age_limit"
    GUARDIAN_REQUIRED = "guardian_required"
    MEMBERSHIP_REQUIRED = "membership_required"
    CREDIT_EXHAUSTED = "credit_exhausted"
    SUSPENDED = "suspended"


QUALIFICATION_CODES = frozenset({Code.QUALIFICATION_MISSING, Code.QUALIFICATION_EXPIRED, Code.QUALIFICATION_LEVEL})
# Another time or machine may help; the others stay true whatever the time.
CURED_BY_ANOTHER_TIME = frozenset(
    {
        Code.CLOSED,
        Code.MACHINE_UNAVAILABLE,
        Code.TAKEN,
        Code.TOO_SOON,
        Code.PERSON_BUSY,
        Code.OFF_GRID,
        Code.SUPERVISION_REQUIRED,
    }
)
# What the team may set aside, with a reason that is kept.
MAY_BE_SET_ASIDE = QUALIFICATION_CODES | {
    Code.CLOSED,
    Code.TOO_SHORT,
    Code.TOO_LONG,
    Code.OFF_GRID,
    Code.TOO_SOON,
    Code.TOO_FAR,
    Code.QUOTA_EXCEEDED,
    Code.TOO_MANY_OPEN,
    Code.PERSON_BUSY,
    Code.MEMBERSHIP_REQUIRED,
    Code.CREDIT_EXHAUSTED,
}
# From here on nobody sets a missing qualification aside.
RISK_OF_INJURY = 2


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
class PartFact:
    """Something that is taken along (an extractor, a machine of the room): its name, the time it would be held for,
    by what it is taken then, and its outages. `blocked` is None for what serves several at once."""

    name: str
    unit_id: int
    blocked: Interval | None
    taken: tuple[Interval, ...] = ()
    unavailable: tuple[Unavailability, ...] = ()


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
class QuotaFact:
    """A limit over one period, what the person holds of it already and what they ask for. In minutes or in
    reservations, as `measure` says. `names` are what it counts (“Laser cutters”), by language; empty for all."""

    measure: str
    period: str
    most: int
    held: int
    asked: int
    is_peak_only: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    first_day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class UnsignedRules:
    """Rules whose newest version the person has not signed."""

    rules_id: int
    of: str


@dataclass(frozen=True, slots=True)
class CompanionFact:
    """Somebody who comes along: when they are busy already, and their limits."""

    name: str
    busy: tuple[tuple[Interval, str], ...] = ()
    quotas: tuple[QuotaFact, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonFact:
    """What is known of the person the reservation is for, beyond their time.

    `birth_year` is None when it is not on file. `credits_left` counts what has not expired by the start.
    """

    birth_year: int | None = None
    has_plan: bool = False
    guardian_comes: bool = False
    credits_left: int = 0
    unsigned: tuple[UnsignedRules, ...] = ()


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """All that the rules look at.

    `opening`: the site's opening intervals around the time asked for, joined. `taken`: what others hold, buffers
    included. `busy`: the person's other reservations that want them there throughout, with the machine's name;
    `of_kind` all their others of the same kind of machine nearby. `supervised`: when somebody of the team is on duty,
    None where nobody need be. `person` is None for a ticket without a name. `changes_from`: the time that is given up
    by a move. `set_aside`: the codes that the team sets aside this once. `holder_comes`: whether they are there
    themselves, beside the `companions`.
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
    risk: int = 0
    supervised: tuple[Interval, ...] | None = None
    parts: tuple[PartFact, ...] = ()
    quotas: tuple[QuotaFact, ...] = ()
    of_kind: tuple[Interval, ...] = ()
    companions: tuple[CompanionFact, ...] = ()
    holder_comes: bool = True
    person: PersonFact | None = None
    changes_from: Interval | None = None
    set_aside: frozenset[str] = frozenset()
    origins: Mapping[str, Where] = field(default_factory=dict)
