"""What somebody takes away from the desk: when, where, and a number to come back with."""

import datetime as dt

from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _

from fablab.documents.card import in_groups, qr_svg
from fablab.documents.typesetting import typst_pdf
from fablab.lib.day_words import date_words
from people.lab import current_lab
from reservations.models import Reservation
from reservations.selectors import held_names
from reservations.time_words import from_to_words

# What the desk may print on, in the order in which it is offered.
PAPERS = {"a5": _("Print (A5)"), "80mm": _("Print (80 mm roll)")}


def ticket_pdf(reservation: Reservation, paper: str) -> bytes:
    """The ticket on `paper` (a key of PAPERS), in the holder's language, or the reader's when there is no holder."""
    holder, zone = reservation.holder, reservation.site.zone
    language = holder.language if holder else get_language() or "fr"
    with override(language):
        return typst_pdf(
            "ticket",
            {
                "paper": paper,
                "language": language,
                "title": gettext("Ticket"),
                "lab": current_lab().name or reservation.site.name,
                "what": reservation.what,
                "day": _day(reservation.start, zone),
                "time": _time(reservation, zone),
                "lines": _lines(reservation),
                "qr": qr_svg(reservation.reference),
                "qr_words": gettext("The number as a square to scan"),
                "number_words": gettext("Your number"),
                "number": in_groups(reservation.reference, 5),
                "help": " · ".join(
                    filter(None, [gettext("A question? Ask us at the desk."), reservation.site.address,
                                  reservation.site.phone])
                ),
            },
        )  # fmt: skip


def _day(instant: dt.datetime, zone: dt.tzinfo) -> str:
    # Translators: a date format of Django; French wants "l j F".
    return date_words(instant.astimezone(zone), gettext("l j F"))


def _time(reservation: Reservation, zone: dt.tzinfo) -> str:
    return from_to_words(reservation.start, reservation.end, zone)


def _lines(reservation: Reservation) -> list[str]:
    """Who, where and what, as far as there is something to say."""
    machine = reservation.machine
    where = str(machine.room) if machine and machine.room else ""
    held = [] if machine else held_names(reservation)
    return [line for line in (str(reservation.holder or ""), where, *held) if line]
