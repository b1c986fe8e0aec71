"""How somebody signs in by e-mail, read and changed. The card and its one-time code are in `people.access`."""

import datetime as dt

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from people.errors import NotAllowed, NotValid
from people.locking import locked_person
from people.models import FileAccess, Person
from people.permissions import is_administrator
from people.ranks import may_change_access
from people.selectors import administered_sites, people_known_at
from people.services import note_access
from people.sign_out import end_sessions, sign_out_everywhere


def sign_in_emails(person: Person) -> list[str]:
    """The addresses that sign the person in, the one that mail goes to first."""
    rows = EmailAddress.objects.filter(user=person).order_by("-primary", "pk")
    return list(rows.values_list("email", flat=True))


def give_email_sign_in(*, person: Person, email: str, by: Person, now: dt.datetime) -> EmailAddress:
    """Let the person sign in with this address, and with it alone. They choose the password themselves, by the link
    of “password forgotten”: nobody of the team ever knows one.

    Raises:
        NotAllowed: `access_too_high`.
        NotValid: no address, or somebody else signs in with it.
        WrongState: `person_is_gone`.
    """
    check_may_change_access(by, person)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise NotValid("invalid_email", error.messages[0], "email") from error
    taken = _("Somebody signs in with this address already. A family may share it as a contact, not to sign in.")
    if EmailAddress.objects.filter(email=email).exclude(user=person).exists():
        raise NotValid("email_taken", taken, "email")
    try:
        with transaction.atomic():
            locked_person(person.pk)
            EmailAddress.objects.filter(user=person).exclude(email=email).delete()
            address, _is_new = EmailAddress.objects.get_or_create(user=person, email=email)
            address.primary = True
            address.save(update_fields=["primary"])
            note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)
    except IntegrityError as error:
        raise NotValid("email_taken", taken, "email") from error
    return address


def take_email_sign_in(*, person: Person, by: Person, now: dt.datetime) -> None:
    """The person signs in with the card only: no address, no password, no passkey; every browser and every program is
    signed out.

    Raises:
        NotAllowed: `access_too_high`.
        WrongState: `person_is_gone`.
    """
    check_may_change_access(by, person)
    with transaction.atomic():
        locked_person(person.pk)
        EmailAddress.objects.filter(user=person).delete()
        person.set_unusable_password()
        person.save(update_fields=["password"])
        Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN).delete()
        sign_out_everywhere(person=person, now=now)
        note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)


def has_second_keys(person: Person) -> bool:
    """Whether a second key, or a recovery code, is asked for when they sign in."""
    return Authenticator.objects.filter(user=person).exists()


def may_take_second_keys(by: Person, person: Person) -> bool:
    """Administrators of a site that knows the person, for whoever is below them; never for themselves."""
    if by.pk == person.pk or not is_administrator(by) or not may_change_access(by, person):
        return False
    return by.is_superuser or people_known_at(administered_sites(by)).filter(pk=person.pk).exists()


def take_second_keys(*, person: Person, by: Person, now: dt.datetime) -> None:
    """For somebody who lost theirs: every second key and recovery code goes, and every browser is signed out. At the
    next sign-in the password is enough, and whoever is of the team is asked for a new key.

    Raises:
        NotAllowed: `second_keys_too_high`.
    """
    if not may_take_second_keys(by, person):
        sentence = _("Only an administrator whose role goes further than this person's may take their second keys.")
        raise NotAllowed("second_keys_too_high", sentence)
    with transaction.atomic():
        Authenticator.objects.filter(user=person).delete()
        end_sessions(person=person, now=now)
        note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)


def check_may_change_access(by: Person, person: Person) -> None:
    """Whether `by` may change how this person signs in.

    Raises:
        NotAllowed: `access_too_high`.
    """
    if not may_change_access(by, person):
        sentence = _("This person is of the team: only somebody with a higher role may change how they sign in.")
        raise NotAllowed("access_too_high", sentence)
