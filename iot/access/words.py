"""What a device shows: one line in the language of whoever stands before it."""

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import override

from fablab.lib.denials import Denial
from people.models import Person
from reservations.messages import clock_words, sentence_of
from reservations.rules import Code

LONGEST = 200
# Of whoever is not known.
LANGUAGE = "fr"
# Of the machine itself, beside the codes of reserving.
UNKNOWN_BADGE = "unknown_badge"
UNKNOWN_CODE = "unknown_code"
# Who presses a button, nobody can tell.
BADGE_FIRST = "badge_first"
TOO_MANY_ATTEMPTS = "too_many_attempts"
TOO_LATE = "too_late"
NO_MACHINE = "no_machine"
NO_RESERVATION = "no_reservation"
SAFETY_INPUT = "safety_input"
PREVIOUS_TO_CHECK = "previous_to_check"
TWO_PERSON = "two_person"
SOMEBODY_IS_THERE = "somebody_is_there"
# The same where no reader stands: each on their own phone.
SECOND_PHONE = "second_phone"


def refusal_line(denial: Denial, person: Person | None, language: str) -> str:
    """The first reason with its next step, cut to what a display takes."""
    with override(person.language if person else language):
        return _line(denial)[:LONGEST]


def until_line(until: dt.datetime, zone: dt.tzinfo, person: Person | None, language: str) -> str:
    with override(person.language if person else language):
        return (_("Until %(time)s") % {"time": clock_words(until, zone)})[:LONGEST]


def rest_line(person: Person | None, language: str) -> str:
    with override(person.language if person else language):
        return _("Nothing is running: it goes off in about a minute.")[:LONGEST]


def _line(denial: Denial) -> str:
    if denial.code in OWN:
        return OWN[denial.code]()
    sentence = sentence_of(Denial(Code(denial.code), denial.params))
    # A display has no other times below.
    return sentence.message if sentence.code == Code.TAKEN else f"{sentence.message} {sentence.next_step}".strip()


OWN = {
    UNKNOWN_BADGE: lambda: _("This badge is not known. Ask at the desk."),
    UNKNOWN_CODE: lambda: _("This code is not known or is over. Ask for another one on your phone."),
    BADGE_FIRST: lambda: _(
        "Show your badge, or say on your phone that you are here and press again within 30 seconds."
    ),
    TOO_MANY_ATTEMPTS: lambda: _("Too many unknown badges. Try again in a minute."),
    TOO_LATE: lambda: _("This took too long. Present your badge again."),
    NO_MACHINE: lambda: _("This reader belongs to no machine yet. Tell the team."),
    NO_RESERVATION: lambda: _("Only with a reservation. Reserve on your phone or at the desk."),
    SAFETY_INPUT: lambda: _("Stopped for safety. Only the team puts it back in service."),
    PREVIOUS_TO_CHECK: lambda: _("It is to be checked first. Call somebody of the team."),
    TWO_PERSON: lambda: _("Two people are needed. Now the other person’s badge."),
    SECOND_PHONE: lambda: _("Two people are needed. Now the other one scans this square, within five minutes."),
    SOMEBODY_IS_THERE: lambda: _("Somebody else has it just now."),
}
