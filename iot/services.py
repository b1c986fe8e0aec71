"""Writes about devices: register, enrol, revoke. After each, the broker's files are made anew."""

import datetime as dt
import hashlib
import logging
import secrets
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from fablab.lib.references import new_reference
from fablab.lib.secretbox import seal
from iot.broker.files import reload_broker
from iot.broker.launch import broker_folder, write_current_accounts
from iot.credentials import hash_password, new_device_password
from iot.models import BadgeMark, Device, DriverKind, EnrolmentCode
from iot.selectors import bridge_mates
from people.models import Person

BROKER_FILES_LOCK = 7_213_001
# Watched by deploy/systemd/fablab-broker.path.
ACCOUNTS_CHANGED = "accounts.changed"
log = logging.getLogger("fablab.iot")
CODE_VALID_FOR = dt.timedelta(minutes=30)


class EnrolmentRefused(Exception):
    """The code is unknown, used or too old: one answer for all three."""


def code_hash(code: str) -> str:
    """Codes are read aloud and typed: case, blanks and hyphens do not matter."""
    plain = "".join(c for c in code.upper() if c.isalnum())
    return hashlib.sha256(f"enrol:{plain}:{settings.SECRET_KEY}".encode()).hexdigest()


def make_enrolment_code(*, device: Device, by: Person | None, now: dt.datetime) -> str:
    """A one-time code for the device, valid 30 minutes; earlier ones are void. Shown once, kept as a hash."""
    code = new_reference(10)
    with transaction.atomic():
        EnrolmentCode.objects.filter(device=device, used_at=None).delete()
        EnrolmentCode.objects.create(
            device=device, code_hash=code_hash(code), created_by=by, expires_at=now + CODE_VALID_FOR
        )
    return f"{code[:5]}-{code[5:]}"


def enrol(*, code: str, now: dt.datetime) -> tuple[Device, str, str]:
    """Exchange a code for the device's new password and a key of its own (hexadecimal, 32 bytes), once.

    Side effects in order: mark the code used; set the password; keep the key sealed, forgetting what badges looked like
    with the one before; write the broker's files.

    Raises:
        EnrolmentRefused: unknown, used or expired.
    """
    with transaction.atomic():
        row = (
            EnrolmentCode.objects.select_for_update(of=("self",))
            .select_related("device")
            .filter(code_hash=code_hash(code), used_at=None, expires_at__gt=now, device__revoked_at=None)
            .first()
        )
        if row is None:
            raise EnrolmentRefused
        row.used_at = now
        row.save(update_fields=["used_at"])
        password, key = set_password(row.device, now=now), secrets.token_hex(32)
        row.device.roster_key_sealed = seal(key)
        row.device.save(update_fields=["roster_key_sealed"])
        BadgeMark.objects.filter(device=row.device).delete()
    return row.device, password, key


def set_password(device: Device, *, now: dt.datetime, password: str = "") -> str:
    """Give the device a credential (made here unless given); the broker knows it once the transaction commits. That of
    a Zigbee plug is its bridge's: all plugs of the bridge have it."""
    password = password or new_device_password()
    device.password_hash, device.enrolled_at = hash_password(password), now
    device.save(update_fields=["password_hash", "enrolled_at"])
    if device.kind == DriverKind.ZIGBEE2MQTT:
        mates = bridge_mates(device.topic).exclude(pk=device.pk)
        mates.update(password_hash=device.password_hash, enrolled_at=now)
    transaction.on_commit(refresh_broker)
    return password


def revoke(*, device: Device, now: dt.datetime) -> None:
    """The device is shut out at once; its history stays."""
    device.revoked_at, device.password_hash, device.is_online = now, "", False
    device.roster_key_sealed = ""
    device.save(update_fields=["revoked_at", "password_hash", "is_online", "roster_key_sealed"])
    BadgeMark.objects.filter(device=device).delete()
    transaction.on_commit(refresh_broker)


def refresh_broker() -> None:
    """Write the embedded broker's files anew from the database and make it read them.

    For a broker of one's own only a file is written, which the system may watch: its accounts are not ours to write.
    Under a lock: two processes at once could leave the older snapshot in place.
    """
    if settings.MQTT_URL:
        _mark_change(settings.DATA_DIR / "run" / ACCOUNTS_CHANGED)
        return
    folder = broker_folder(settings.DATA_DIR)
    if not folder.exists():
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BROKER_FILES_LOCK])
        write_current_accounts(settings.DATA_DIR)
        reload_broker(folder)


def _mark_change(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(timezone.now().isoformat())
    except OSError as error:
        log.warning("The broker's accounts changed, and %s cannot be written: %s", file, error)
