"""Reads about devices and measured use."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from iot.broker.access import BrokerUser
from iot.credentials import SALT_BYTES, hash_password
from iot.drivers import foreign_driver, homeassistant_out, zigbee2mqtt
from iot.models import Device, DriverKind
from iot.topics_apart import is_kept
from reservations.life import CHECK_IN_OPENS
from reservations.models import Reservation

log = logging.getLogger(__name__)


def topics_of(device: Device) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`(writes, reads)`: the topic patterns of this one device, less what is kept for others."""
    if device.kind == DriverKind.FABLAB:
        return (f"fablab/v1/{device.slug}/up/#",), (f"fablab/v1/{device.slug}/down/#",)
    driver = foreign_driver(device.kind)
    return _allowed(device, driver.writes(device.topic)), _allowed(device, driver.reads(device.topic))


def _allowed(device: Device, patterns: tuple[str, ...]) -> tuple[str, ...]:
    allowed = tuple(pattern for pattern in patterns if not is_kept(device.kind, pattern))
    if len(allowed) < len(patterns):
        # Attached before such topics were refused: it falls silent, and somebody looks for why.
        log.warning("%s may not use all of its topic %s, which is kept for others.", device.slug, device.topic)
    return allowed


def account_name(device: Device) -> str:
    """The user name of the account with which what the device says reaches the broker."""
    if device.kind == DriverKind.ZIGBEE2MQTT:
        return zigbee2mqtt.bridge_account(zigbee2mqtt.bridge_of(device.topic))
    return device.slug


def account_of(device: Device) -> BrokerUser:
    """The account with which what the device says reaches the broker: its own; for a Zigbee plug that of its bridge,
    which connects for all of its plugs."""
    writes, reads = topics_of(device)
    if device.kind == DriverKind.ZIGBEE2MQTT and writes:
        base = zigbee2mqtt.bridge_of(device.topic)
        writes, reads = zigbee2mqtt.bridge_writes(base), zigbee2mqtt.bridge_reads(base)
    return BrokerUser(account_name(device), device.password_hash, writes, reads)


def bridge_mates(topic: str) -> QuerySet[Device]:
    """The Zigbee plugs that speak through one bridge with the plug of this topic, itself among them."""
    base = zigbee2mqtt.bridge_of(topic)
    return Device.objects.filter(kind=DriverKind.ZIGBEE2MQTT, topic__startswith=f"{base}/", revoked_at=None)


def broker_users() -> Sequence[BrokerUser]:
    """Everyone the broker lets in: the enrolled devices, each on its own topics, and our own processes."""
    own_name = str(settings.BROKER["username"])
    server = BrokerUser(
        username=own_name,
        password_hash=_own_hash(own_name, str(settings.BROKER["password"])),
        writes=("fablab/v1/+/down/#", "cmnd/#", "fablab/doctor/#", *homeassistant_out.writes()),
        # Devices that are not attached yet are found by what they say.
        reads=("#",),
    )
    devices = Device.objects.filter(revoked_at=None).exclude(password_hash="").order_by("slug")
    accounts: dict[str, BrokerUser] = {}
    for device in devices:
        # What a device that is not ours listens to, we may say.
        reads = () if device.kind == DriverKind.FABLAB else topics_of(device)[1]
        server = replace(server, writes=(*server.writes, *reads))
        account = account_of(device)
        if account.username == own_name:
            # Two accounts of one name are not written at all, and then nobody's change would be.
            log.error("%s has the name of our own account at the broker, and none of its own: make it anew.", own_name)
            continue
        accounts.setdefault(account.username, account)
    return [replace(server, writes=tuple(dict.fromkeys(server.writes))), *accounts.values()]


def _own_hash(username: str, password: str) -> str:
    """The same each time: a broker takes another hash for another password, and drops our connections."""
    salt = salted_hmac("iot.broker.own", username, algorithm="sha256").digest()[:SALT_BYTES]
    return hash_password(password, salt=salt)


def measured_time(reservation: Reservation, now: dt.datetime) -> dt.timedelta:
    """How long the machine was really busy for the reservation, from when it may be checked in to its booked end.

    A session that still runs counts until now; what runs on into somebody else's time is not the reservation's.
    """
    spans = (
        min(session.end or now, reservation.booked_end) - max(session.start, reservation.start - CHECK_IN_OPENS)
        for session in reservation.usage_sessions.all()
    )
    return sum((max(span, dt.timedelta(0)) for span in spans), dt.timedelta(0))


def measured_energy_wh(reservation: Reservation) -> float | None:
    """What the reservation's sessions drew, or None when nothing measured it."""
    measured = [session.energy_wh for session in reservation.usage_sessions.all() if session.energy_wh is not None]
    return sum(measured) if measured else None
