"""Screens that the team made its own: enrolled, recognised by a cookie, revoked; and who may sign in on them."""

import datetime as dt
import hashlib
import secrets

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from fablab.lib.throttling import is_within_rate
from people.access import check_code
from people.errors import NotAllowed, not_valid
from people.models import STAFF_ROLES, Kiosk, Person, Site
from people.models.access import CALL_LASTS
from people.notices import settle
from people.notices.team import tell_team
from people.sign_in_log import note_refused_at_screen

# Being seen is written at most this often.
SEEN_EVERY = dt.timedelta(minutes=1)
TRIES_A_MINUTE = 30


def enrol_kiosk(
    *, site: Site, name: str, kind: str, by: Person, now: dt.datetime, idle_min: int = 10
) -> tuple[Kiosk, str]:
    """A new screen, and the secret that its browser keeps: told this once, only its hash stays here.

    Raises:
        NotValid: what was written cannot be kept.
    """
    token = secrets.token_urlsafe(32)
    kiosk = Kiosk(
        site=site, name=name.strip(), kind=kind, idle_min=idle_min, token_digest=_digest(token), enrolled_at=now,
        enrolled_by=by, last_seen_at=now,
    )  # fmt: skip
    try:
        kiosk.full_clean()
    except ValidationError as error:
        raise not_valid(error, kiosk) from error
    kiosk.save(force_insert=True)
    return kiosk, token


def revoke_kiosk(*, kiosk: Kiosk, by: Person, now: dt.datetime) -> None:
    """The screen is no kiosk any more, from the next request on; whoever is signed in there is signed out by it."""
    Kiosk.objects.enrolled().filter(pk=kiosk.pk).update(revoked_at=now, called_at=None)


def enrolled_kiosk(token: str, *, now: dt.datetime) -> Kiosk | None:
    """The screen with this secret; None for a revoked or unknown one. Being seen is written once a minute."""
    if not token:
        return None
    kiosk = Kiosk.objects.enrolled().select_related("site").filter(token_digest=_digest(token)).first()
    if kiosk is not None and (kiosk.last_seen_at is None or kiosk.last_seen_at < now - SEEN_EVERY):
        Kiosk.objects.filter(pk=kiosk.pk).update(last_seen_at=now)
        kiosk.last_seen_at = now
    return kiosk


def person_at_kiosk(*, kiosk: Kiosk, card_code: str, code: str, now: dt.datetime) -> Person:
    """Who signs in on this screen with card and one-time code, which is used up.

    Raises:
        NotAllowed: `too_many_tries` on this screen; `wrong_card_or_code`, never saying which; `is_of_the_team`,
            since whoever may do more needs a password and a second factor.
    """
    try:
        return _person_with(kiosk, card_code, code, now)
    except NotAllowed as refusal:
        note_refused_at_screen(kiosk, card_code, refusal.code)
        raise


def _person_with(kiosk: Kiosk, card_code: str, code: str, now: dt.datetime) -> Person:
    if not is_within_rate(f"kiosk:{kiosk.pk}", most=TRIES_A_MINUTE, window=dt.timedelta(minutes=1)):
        raise NotAllowed("too_many_tries", _("Too many tries on this screen. Wait a minute, or ask for help."))
    person = check_code(card_code=card_code, code=code, now=now)
    if person is None:
        sentence = _("This card and this code do not go together. Look again, or ask us for another code.")
        raise NotAllowed("wrong_card_or_code", sentence)
    if not may_sign_in_by_code(person):
        sentence = _("You are of the team: sign in with your password, on the usual page.")
        raise NotAllowed("is_of_the_team", sentence)
    return person


def may_sign_in_by_code(person: Person) -> bool:
    """Not those with rights over others: six digits are too little for that."""
    is_of_the_team = person.is_superuser or person.is_staff
    return not is_of_the_team and not person.role_grants.filter(role__in=STAFF_ROLES).exists()


def call_somebody(*, kiosk: Kiosk, now: dt.datetime) -> None:
    """Write that somebody waits at this screen, until it is answered or too old, and tell the team. Nothing says who.

    Asking again while it stands tells nobody twice.
    """
    screen = Kiosk.objects.filter(pk=kiosk.pk)
    # Two taps at once: the row counts for one of them only.
    if screen.exclude(called_at__gt=now - CALL_LASTS).update(called_at=now):
        key = f"kiosk:{kiosk.pk}:{int(now.timestamp())}"
        params = {"screen": kiosk.name, "until": (now + CALL_LASTS).isoformat()}
        tell_team(site=kiosk.site, kind="kiosk_call", key=key, params=params, now=now, link="/manage/")
    else:
        screen.update(called_at=now)


def answer_call(*, kiosk: Kiosk, now: dt.datetime) -> None:
    """Somebody of the team went there: nobody else needs to."""
    Kiosk.objects.filter(pk=kiosk.pk).update(called_at=None)
    settle(key_prefix=f"kiosk:{kiosk.pk}:", now=now)


def _digest(token: str) -> str:
    # The token is 256 random bits: it needs no slow hash.
    return hashlib.sha256(token.encode()).hexdigest()
