"""The rules by name, for lists of them: which were asked, which are kept, which the team has set aside."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from reservations import rules_of_people
from reservations.rules import RULES, BookingFacts, Code

RULE_NAMES: dict[Code, str | Promise] = {
    Code.SUSPENDED: _("May reserve at all"),
    Code.QUALIFICATION_MISSING: _("Qualification"),
    Code.QUALIFICATION_EXPIRED: _("Qualification"),
    Code.QUALIFICATION_LEVEL: _("Qualification"),
    Code.RULES_UNSIGNED: _("House rules signed"),
    Code.AGE_LIMIT: _("Age"),
    Code.GUARDIAN_REQUIRED: _("Adult who comes along"),
    Code.MEMBERSHIP_REQUIRED: _("Membership"),
    Code.MACHINE_UNAVAILABLE: _("Machine in service"),
    Code.CLOSED: _("Opening hours"),
    Code.SUPERVISION_REQUIRED: _("Somebody of the team on duty"),
    Code.TAKEN: _("Machine free at that time"),
    Code.PERSON_BUSY: _("Person free at that time"),
    Code.QUOTA_EXCEEDED: _("Limits over a day, a week or a month"),
    Code.TOO_MANY_OPEN: _("Number of reservations ahead"),
    Code.CREDIT_EXHAUSTED: _("Credits"),
    Code.TOO_SHORT: _("Shortest time"),
    Code.TOO_LONG: _("Longest time"),
    Code.OFF_GRID: _("Round start and end"),
    Code.TOO_SOON: _("Notice"),
    Code.TOO_FAR: _("How far ahead"),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """One rule and what it says now; `denials` is empty where it is kept."""

    name: str
    denials: tuple[Denial, ...]
    code: Code

    @property
    def is_kept(self) -> bool:
        return not self.denials


def checklist(facts: BookingFacts, asked: Interval, now: dt.datetime) -> list[Checked]:
    """Every rule by name, in the order in which people want to hear them. Pure."""
    return [Checked(str(RULE_NAMES[code]), tuple(rule(facts, asked, now)), code) for rule, code in _NAMED]


def names_of(codes: Iterable[str]) -> list[str]:
    """The rules of these codes by name, each once; codes of another time are passed over."""
    wanted = frozenset(codes)
    return list(dict.fromkeys(str(RULE_NAMES[code]) for code in Code if code in wanted))


# One that answers with several codes is named by the first of them.
_NAMED = tuple(
    (rule, Code.QUALIFICATION_MISSING if rule is rules_of_people.qualification else Code(rule.__name__))
    for rule in RULES
)
