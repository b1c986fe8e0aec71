"""Files and accounts that nobody has used for long: who is due, and who is told before."""

import datetime as dt
import json
import logging
import os
import smtplib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.mail import send_mail
from django.db.models import Exists, F, Max, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from fablab.lib import retention
from fablab.lib.outgoing_mail import sends_mail
from iot.models import UsageSession
from people.erasure import ErasureRefused, erase_person
from people.lab import current_lab
from people.models import Person, Visit
from people.selectors import people_of
from reservations.models import Participant, Reservation

log = logging.getLogger(__name__)
NOTICES = "notices.jsonl"
TOLD_MOST = 200
# What cannot be written as an address is a ValueError.
OF_ONE_ADDRESS = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError, ValueError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many files a sweep made anonymous, and how many it had to leave as they are."""

    done: int
    left: int


def with_last_activity(people: QuerySet[Person]) -> Any:
    """Each with `active_at`: the last visit, sign-in, reservation or use that is known, else the registration."""

    def newest(model: type[Model], whose: str, when: str) -> Subquery:
        own = model._default_manager.filter(**{whose: OuterRef("pk")}).order_by().values(whose)
        return Subquery(own.annotate(newest=Max(when)).values("newest"))

    return people.annotate(
        active_at=Greatest(
            F("joined_at"),
            F("last_login"),
            F("last_seen_at"),
            newest(Visit, "person_id", "arrived_at"),
            newest(Reservation, "holder_id", "end"),
            newest(Participant, "person_id", "reservation__end"),
            newest(UsageSession, "person_id", "start"),
        )
    )


def due(now: dt.datetime, *, ahead: dt.timedelta = dt.timedelta(0)) -> QuerySet[Person]:
    """Whose file or account is past its time `ahead` from now, longest unused first.

    Who can sign in by themselves has an account, which is kept longer than a file that the desk made. The
    responsible adult of somebody on file stays with them.
    """
    then = now + ahead
    has_password = ~Q(password="") & ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    has_account = Exists(EmailAddress.objects.filter(user=OuterRef("pk"))) | has_password
    wards = Person.objects.filter(guardian=OuterRef("pk"), erased_at=None)
    # Whoever came since cannot be due: the rest is looked at closely.
    first = Person.objects.filter(erased_at=None, joined_at__lt=retention.FILE.cutoff(then)).exclude(Exists(wards))
    is_due = Q(has_account, active_at__lt=retention.ACCOUNT.cutoff(then)) | (
        ~Q(has_account) & Q(active_at__lt=retention.FILE.cutoff(then))
    )
    return with_last_activity(first).filter(is_due).order_by("active_at", "pk")


def make_anonymous(now: dt.datetime, *, is_dry: bool) -> Outcome:
    """Erase whoever is due and was told in time, one transaction each."""
    told = notices()
    done = left = 0
    for person in due(now):
        told_at = _told_since_they_came(told, person)
        if _addresses(person) and (told_at is None or told_at > now - retention.NOTICE + dt.timedelta(days=1)):
            # The notice goes out first, this very night if it has not: nobody is erased unannounced.
            left += 1
            continue
        if is_dry:
            done += 1
            continue
        try:
            erase_person(person=person, by=None, now=now)
            done += 1
        except ErasureRefused as refusal:
            log.info("The file %s stays for now: %s", person.reference, refusal.code)
            left += 1
    return Outcome(done, left)


def send_notices(now: dt.datetime, *, is_dry: bool) -> int:
    """Tell by e-mail whoever is due within a month, once since they last came; how many.

    Those without e-mail are on the desk's list, and so are those whose address is refused: see `not_reached`.

    Raises:
        OSError: the mail server cannot be reached; it is not tried for everybody in vain.
    """
    told, count, broken, alone = notices(), 0, None, list[Person]()
    people = list(due(now, ahead=retention.NOTICE))
    # Whoever breaks the connection is not the first one every night.
    first = now.toordinal() % len(people) if people else 0
    for person in people[first:] + people[:first]:
        addresses = _addresses(person)
        if not addresses or _told_since_they_came(told, person):
            continue
        if not is_dry:
            try:
                _send_notice(person, addresses)
            except Exception as trouble:
                # Tried again the next night; until then their file stays. What was refused may hold the address.
                log.warning("%s could not be told by e-mail (%s).", person.reference, type(trouble).__name__)
                if isinstance(trouble, OF_ONE_ADDRESS):
                    _note(person.reference, refused=now)
                elif broken is not None:
                    # Twice in a row: it is the mail server.
                    raise
                else:
                    broken = trouble
                    alone.append(person)
                continue
            broken = None
            _note(person.reference, at=now)
        count += 1
    if broken is not None and not count:
        raise broken
    for person in alone:
        # The server took what was meant for others: it is that address.
        _note(person.reference, refused=now)
    return count


def _told_since_they_came(told: dict[str, dt.datetime], person: Any) -> dt.datetime | None:
    """When they were told, None if never; a notice from before they last came says nothing of the file as it is now.

    The person is one of `due`, with `active_at`.
    """
    told_at = told.get(person.reference)
    return told_at if told_at and told_at > person.active_at else None


def _send_notice(person: Person, addresses: list[str]) -> None:
    lab_name = current_lab().name or settings.LAB_NAME
    with translation.override(person.language):
        context = {
            "person": person,
            "lab_name": lab_name,
            "days": retention.NOTICE.days,
            "url": settings.PUBLIC_URL + reverse("me-data"),
        }
        subject = _("Your account at %(lab)s will be closed") % {"lab": lab_name}
        send_mail(subject, render_to_string("fablab/about/notice.txt", context), None, addresses)


def notices() -> dict[str, dt.datetime]:
    """`{reference: when they were told}`, the last time counts."""
    return _noted("at")


def _noted(what: str) -> dict[str, dt.datetime]:
    found = {}
    try:
        lines = _notices_path().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            row = json.loads(line)
            found[str(row["reference"])] = dt.datetime.fromisoformat(row[what])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def to_tell(now: dt.datetime, staff: Person) -> list[Person]:
    """Whom this member of the team may tell by voice: those due within a month whom no e-mail reaches."""
    known = people_of(staff)
    if sends_mail():
        known = known.filter(_has_no_address())
    return list(due(now, ahead=retention.NOTICE).filter(pk__in=known.values("pk"))[:TOLD_MOST])


def not_reached(now: dt.datetime, staff: Person) -> list[Person]:
    """Whom this member of the team knows and whose address was refused, the last time that a notice was sent.

    Their file stays until somebody corrects the address, or takes it out.
    """
    refused, told = _noted("refused"), notices()
    rows = due(now, ahead=retention.NOTICE).filter(reference__in=refused, pk__in=people_of(staff).values("pk"))
    late: Any = rows.exclude(_has_no_address())[:TOLD_MOST] if sends_mail() else []
    own = (person for person in late if refused[person.reference] > person.active_at)
    return [person for person in own if not _told_since_they_came(told, person)]


def _has_no_address() -> Q:
    return Q(~Exists(EmailAddress.objects.filter(user=OuterRef("pk"))), contact_email="")


def _addresses(person: Person) -> list[str]:
    """Where a notice reaches them; none where the lab sends no mail."""
    # What is only printed or thrown away tells nobody: the desk tells everybody then.
    if not sends_mail():
        return []
    own = EmailAddress.objects.filter(user=person).order_by("-primary").values_list("email", flat=True).first()
    return [address for address in [own or person.contact_email] if address]


def _notices_path() -> Path:
    return Path(settings.DATA_DIR) / NOTICES


def _note(reference: str, **when: dt.datetime) -> None:
    """A line more: told `at`, or the address `refused`."""
    path = _notices_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
        line = {"reference": reference} | {what: instant.isoformat() for what, instant in when.items()}
        stream.write(json.dumps(line) + "\n")
