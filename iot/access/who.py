"""Whose badge or code it is; badges given by tapping; what badges look like to devices out of the lab's reach."""

import datetime as dt
import hashlib
import hmac
import re
import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fablab.lib.secretbox import SecretUnreadable, unseal
from iot.models import BadgeMark, BadgeWanted, Device, StartCode
from iot.protocol import Access
from machines.models import Machine
from people.badges import badge_digest
from people.errors import NotAllowed
from people.models import Badge, Person
from people.permissions import is_staff

CODE_DIGITS = 6
CODE_LASTS = dt.timedelta(seconds=60)
TAP_WITHIN = dt.timedelta(seconds=15)


def person_behind(device: Device, asked: Access, now: dt.datetime) -> Person | None:
    """Whose badge it is, or who asked for this code; the code is used up, an unknown badge given to whoever waits for
    one."""
    if asked.kind == "code":
        return _by_code(device, asked.credential, now)
    badge = _badge_of(asked.credential) or _given_now(device, asked.credential, now)
    if badge is None or not badge.person.is_active:
        return None
    remember_marks(badge, asked.credential)
    return badge.person


def _badge_of(number: str) -> Badge | None:
    rows = Badge.objects.filter(digest=badge_digest(number), blocked_at=None).select_related("person")
    return rows.first()


def _by_code(device: Device, code: str, now: dt.datetime) -> Person | None:
    if device.machine_id is None:
        return None
    with transaction.atomic():
        rows = StartCode.objects.select_for_update(of=("self",)).filter(
            machine=device.machine_id, code_hash=_code_hash(device.machine_id, code), used_at=None, expires_at__gt=now
        )
        row = rows.select_related("person").first()
        if row is None:
            return None
        row.used_at = now
        row.save(update_fields=["used_at"])
    return row.person if row.person.is_active else None


def new_start_code(*, machine: Machine, person: Person, now: dt.datetime) -> str:
    """Six digits, good once and for a minute at this machine; an earlier one of the person's stops working."""
    while True:
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        digest = _code_hash(machine.pk, code)
        try:
            with transaction.atomic():
                StartCode.objects.filter(person=person, used_at=None).delete()
                StartCode.objects.filter(machine=machine, used_at=None, expires_at__lte=now).delete()
                StartCode.objects.create(machine=machine, person=person, code_hash=digest, expires_at=now + CODE_LASTS)
        except IntegrityError:
            # Somebody else was given the same digits within the minute.
            continue
        return code


def _code_hash(machine_id: int, code: str) -> str:
    plain = "".join(character for character in code if character.isdigit())
    return hmac.new(settings.SECRET_KEY.encode(), f"start:{machine_id}:{plain}".encode(), hashlib.sha256).hexdigest()


def wait_for_badge(*, device: Device, person: Person, by: Person, now: dt.datetime, label: str = "") -> BadgeWanted:
    """The first unknown badge tapped at the device within 15 seconds is the person's.

    Raises:
        NotAllowed: `not_of_the_team`.
    """
    if not is_staff(by, device.machine):
        raise NotAllowed("not_of_the_team", _("Only the team gives badges."))
    BadgeWanted.objects.filter(device=device, badge=None).delete()
    return BadgeWanted.objects.create(
        device=device, person=person, by=by, label=label, opened_at=now, expires_at=now + TAP_WITHIN
    )


def _given_now(device: Device, number: str, now: dt.datetime) -> Badge | None:
    with transaction.atomic():
        rows = BadgeWanted.objects.select_for_update(of=("self",)).filter(
            device=device, badge=None, opened_at__lte=now, expires_at__gt=now
        )
        wanted = rows.select_related("person").first()
        if wanted is None or Badge.objects.filter(digest=badge_digest(number)).exists():
            # One that was blocked as lost does not come back by being tapped.
            return None
        if _is_code(device, number):
            # Typed at a reader that does not know its keys from its badges.
            return None
        badge = Badge.objects.create(
            person=wanted.person, digest=badge_digest(number), label=wanted.label, created_at=now,
            created_by_id=wanted.by_id,
        )  # fmt: skip
        wanted.badge = badge
        wanted.save(update_fields=["badge"])
    return badge


def _is_code(device: Device, number: str) -> bool:
    """Whether these are digits that a phone shows for this machine, or showed lately, however the reader wrote them.
    At most one query."""
    typed = _as_typed(number)
    if device.machine_id is None or not typed:
        return False
    hashes = [_code_hash(device.machine_id, digits) for digits in typed]
    return StartCode.objects.filter(machine=device.machine_id, code_hash__in=hashes).exists()


def _as_typed(number: str) -> set[str]:
    """The digits of a code that came as this badge: as they are, as a decimal number, or last byte first."""
    plain = "".join(character for character in number.upper() if character.isalnum())
    found = {plain}
    if re.fullmatch(r"(?:[0-9A-F]{2})+", plain):
        found |= {f"{int(plain, 16):0{CODE_DIGITS}d}", bytes.fromhex(plain)[::-1].hex()}
    return {digits for digits in found if re.fullmatch(rf"[0-9]{{{CODE_DIGITS}}}", digits)}


def remember_marks(badge: Badge, number: str) -> None:
    """What the badge looks like with the key of each device that keeps a roster, where that is not known yet. The
    number itself is never kept: a badge that was tapped nowhere since a device was let in is not in its roster."""
    known = BadgeMark.objects.filter(badge=badge).values("device")
    devices = Device.objects.filter(revoked_at=None).exclude(roster_key_sealed="").exclude(pk__in=known)
    missing = [(device, mark) for device in devices if (mark := mark_of(device, number))]
    if missing:
        BadgeMark.objects.bulk_create(
            [BadgeMark(badge=badge, device=device, mark=mark) for device, mark in missing], ignore_conflicts=True
        )


def mark_of(device: Device, number: str) -> str:
    """HMAC-SHA256 of the number, capital hexadecimal digits, with the device's own key; empty without a key."""
    try:
        key = bytes.fromhex(unseal(device.roster_key_sealed))
    except (SecretUnreadable, ValueError):
        return ""
    plain = "".join(character for character in number.upper() if character.isalnum())
    return hmac.new(key, plain.encode(), hashlib.sha256).hexdigest() if key else ""
