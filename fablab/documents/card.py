"""The card of somebody without an e-mail address, with how to use it, in their own language."""

import datetime as dt
from io import BytesIO

import segno
from django.utils.translation import gettext, override

from fablab.documents.typesetting import typst_pdf
from fablab.lib.day_words import date_words
from people.lab import current_lab
from people.models import Module, Person, Site

# Letters of the name that a line of the card holds, and the size that fits; names are never cut.
NAME_SIZES_PT = ((14, 17), (26, 14), (46, 11.5))
SMALLEST_NAME_PT = 9


def card_pdf(
    *, person: Person, site: Site, lab_name: str, code: str = "", code_until: dt.datetime | None = None
) -> bytes:
    """An A4 page: the card to cut out, the one-time code when one was made, and what to do, step by step."""
    with override(person.language):
        return typst_pdf(
            "card",
            {
                "language": person.language,
                "title": gettext("Your card"),
                "lab": lab_name,
                "name": str(person),
                "name_pt": next(
                    (size for most, size in NAME_SIZES_PT if len(str(person)) <= most), SMALLEST_NAME_PT
                ),
                "cut": gettext("Cut it out along the dashes and keep it with you."),
                "card_words": gettext("card"),
                "card_code": in_groups(person.card_code, 4),
                "qr": qr_svg(person.card_code),
                "qr_words": gettext("The card code as a square to scan"),
                "code": in_groups(code, 3),
                "code_title": gettext("Your one-time code"),
                "code_until": _until(code_until, site),
                "steps_title": gettext("How to come in"),
                "steps": _steps(bool(code)),
                "help_title": gettext("Do you need help?"),
                "help": " · ".join(filter(None, [gettext("Ask us at the desk."), str(site), site.address, site.phone])),
            },
        )  # fmt: skip


def in_groups(text: str, size: int) -> str:
    """“ABCD EFGH JKLM”: what is read aloud and typed is easier in groups. Other codes stay as they are."""
    if not text.isalnum():
        return text
    return " ".join(text[at : at + size] for at in range(0, len(text), size))


def qr_svg(text: str) -> str:
    """A square that a reader or a telephone turns into the text."""
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", border=2, dark="#000", light="#fff")
    return drawn.getvalue().decode()


def _until(instant: dt.datetime | None, site: Site) -> str:
    if instant is None:
        return ""
    local = instant.astimezone(site.zone)
    # Translators: a date format of Django; French wants "l j F".
    moment = {"day": date_words(local, gettext("l j F")), "time": f"{local:%H:%M}"}
    return gettext("It works once, until %(day)s at %(time)s.") % moment


def _steps(has_code: bool) -> list[str]:
    has_kiosk = current_lab().has(Module.KIOSK)
    first = (
        gettext("At the entrance, choose “I have a card” on the screen. Show the square to the reader, or type the "
                "letters under your name.")
        if has_kiosk
        else gettext("Show this card at the desk: we find your reservations with it.")
    )  # fmt: skip
    if not has_kiosk:
        return [first, gettext("Is the card lost? Tell us: we make a new one, and the old one stops working.")]
    code = (
        gettext("Type the one-time code. It works only once: that is normal.")
        if has_code
        else gettext("Ask us for a one-time code at the desk, and type it.")
    )
    return [
        first,
        code,
        gettext("For your next visit, ask us for another code. It takes a moment."),
        gettext("Keep the code apart from the card. We never ask you for it by telephone."),
        gettext("Is the card lost? Tell us: we make a new one, and the old one stops working."),
    ]
