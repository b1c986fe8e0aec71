"""Why somebody was not let at a machine, in a few words for the team's lists. What the display said is a sentence of
its own: see `iot.access.words`."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from iot.access import words
from reservations.rules import Code

OFFLINE = "offline"
REFUSAL_WORDS: dict[str, str | Promise] = {
    words.UNKNOWN_BADGE: _("badge or code not known"),
    words.UNKNOWN_CODE: _("code not known, or over"),
    words.BADGE_FIRST: _("the button, and nobody had checked in"),
    words.TOO_MANY_ATTEMPTS: _("too many unknown badges within a minute"),
    words.TOO_LATE: _("it took too long"),
    words.NO_MACHINE: _("the reader belongs to no machine"),
    words.NO_RESERVATION: _("no reservation"),
    words.SAFETY_INPUT: _("stopped for safety"),
    words.PREVIOUS_TO_CHECK: _("to be checked first"),
    words.TWO_PERSON: _("waited for a second person"),
    words.SECOND_PHONE: _("waited for a second person"),
    words.SOMEBODY_IS_THERE: _("somebody else had it"),
    OFFLINE: _("not on the list that the device keeps for when the lab is out of reach"),
    Code.CLOSED: _("closed then"),
    Code.MACHINE_UNAVAILABLE: _("out of service"),
    Code.TAKEN: _("reserved by somebody else"),
    Code.TOO_SHORT: _("too little time left"),
    Code.TOO_LONG: _("for too long"),
    Code.OFF_GRID: _("not at a round time"),
    Code.TOO_SOON: _("without notice"),
    Code.TOO_FAR: _("too far ahead"),
    Code.QUOTA_EXCEEDED: _("their limit is reached"),
    Code.TOO_MANY_OPEN: _("too many reservations ahead"),
    Code.PERSON_BUSY: _("has another machine then"),
    Code.QUALIFICATION_MISSING: _("not qualified"),
    Code.QUALIFICATION_EXPIRED: _("qualification ran out"),
    Code.QUALIFICATION_LEVEL: _("qualified for less"),
    Code.RULES_UNSIGNED: _("house rules not signed"),
    Code.SUPERVISION_REQUIRED: _("nobody of the team on duty"),
    Code.AGE_LIMIT: _("too young"),
    Code.GUARDIAN_REQUIRED: _("needs a responsible adult"),
    Code.MEMBERSHIP_REQUIRED: _("no membership"),
    Code.CREDIT_EXHAUSTED: _("no credits left"),
    Code.SUSPENDED: _("suspended"),
}


def refusal_words(codes: Iterable[str]) -> str:
    """The reasons in order, with commas; codes of another time as they stand."""
    found = [str(REFUSAL_WORDS.get(code, code)) for code in codes]
    return ", ".join(found) or gettext("no reason was kept")
