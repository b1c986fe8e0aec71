"""What is said when a calendar of somebody else cannot be read, by code: of fablab/lib/outgoing.py, and our own."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Whose address is wrong: said beside the field, and on the calendar where it became so.
OF_THE_ADDRESS: dict[str, Promise] = {
    "scheme": _("Write the whole address, beginning with https://"),
    "userinfo": _("An address with a name and a password in it is not read. Ask for a secret address instead."),
    "host": _("This is no address. Copy it once more from the other calendar."),
    "port": _("The number after the colon is no port. Copy the address once more."),
    "unknown_name": _("Nobody answers to this name. Copy the address once more."),
    "forbidden": _("The lab does not read addresses inside a network."),
    "loopback": _("The lab does not read addresses inside a network."),
    "network": _("The lab does not read addresses inside a network, unless the operator has allowed it."),
    "too_long": _("This address is too long."),
}
OF_THE_ANSWER: dict[str, Promise] = {
    "unreachable": _("The other side does not answer. It is tried again by itself."),
    "too_slow": _("The other side took longer than ten seconds. It is tried again by itself."),
    "too_large": _("The calendar is larger than 2 MB. Ask for one that holds the last weeks and the future only."),
    "redirect": _("The address leads on to another one. Copy the address to which it leads."),
    "status": _("The other side refuses the address. It may have been revoked: copy the new one."),
    "certificate": _("The certificate of the other side is not in order. Whoever keeps the calendar can mend it."),
    "encoding": _("The other side sends something packed that we did not ask for."),
    "unintelligible": _("What answers there is no calendar."),
    "no_calendar": _("What answers there is no calendar. Look for the address in iCal format (.ics)."),
    "key_lost": _(
        "The address can no longer be opened with the keys of this lab. Remove the calendar, and add it anew."
    ),
    "cut": _("There are more than 2,000 events in the next three months: only the first are taken into account."),
    "some_unread": _("Some events could not be understood, and do not count. Look there what they are."),
}
WORDS = OF_THE_ADDRESS | OF_THE_ANSWER


def calendar_words(code: str) -> str:
    """The sentence for a code; empty for none."""
    return str(WORDS.get(code, WORDS["unreachable"])) if code else ""
