"""A notice as an SMS to one person, where the operator named a service that sends them."""

import logging
import re
from urllib.parse import quote

from django.conf import settings

from fablab.lib import env
from people.models import Notice, Person
from people.notices.kinds import Words
from people.notices.mail import NotSent

PLACE = "{phone}"
# E.164 allows 15 digits; nobody has fewer than six.
_NUMBER = re.compile(r"\+?[0-9]{6,15}")
_SEPARATORS = re.compile(r"[\s.\-/()\u00a0\u202f]+")


def can_text(person: Person) -> bool:
    """Whether the lab sends SMS, and knows a number of the person that can be written to."""
    return bool(_address()) and bool(number_of(person))


def number_of(person: Person) -> str:
    """The person's telephone as services read it (“+33612345678”); empty when it is none.

    FABLAB_SMS_COUNTRY (“33”) says what stands for the 0 of a number without its country.
    """
    typed = _SEPARATORS.sub("", person.phone.replace("(0)", ""))
    country = env.text("FABLAB_SMS_COUNTRY").lstrip("+")
    if typed.startswith("00"):
        typed = f"+{typed[2:]}"
    elif typed.startswith("0") and country:
        typed = f"+{country}{typed[1:]}"
    return typed if _NUMBER.fullmatch(typed) else ""


def send_sms(notice: Notice, words: Words) -> None:
    """Send it to the person's telephone, in the language that is active.

    Raises:
        NotSent: the service did not take it; there is no service, or no number, any more.
    """
    address, number = _address(), number_of(notice.person)
    if not address or not number:
        raise NotSent("no_sms_here" if not address else "no_number", is_final=True)
    # Heavy, and needed by the worker of a lab that has a service only.
    from apprise import Apprise, NotifyFormat

    # What they tell of holds the address with its secrets, and the number.
    logging.getLogger("apprise").disabled = True
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    service = Apprise()
    body = f"{words.body} {settings.PUBLIC_URL}{notice.link}" if notice.link else words.body
    is_known = service.add(address.replace(PLACE, quote(number, safe="")))
    if not is_known or not service.notify(body=body, body_format=NotifyFormat.TEXT):
        raise NotSent("no_service_took_it")


def _address() -> str:
    """FABLAB_SMS_URL, an address of apprise; one without a place for the number would write to somebody else."""
    address = env.text("FABLAB_SMS_URL")
    return address if PLACE in address else ""
