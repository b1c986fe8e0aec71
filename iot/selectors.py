"""Reads about devices and measured use."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from iot.broker.access import BrokerUser
from iot.credentials import hash_password
from iot.drivers import foreign_driver, homeassistant_out
from iot.models import Device, DriverKind
from reservations.life import CHECK_IN_OPENS
from reservations.models import Reservation


def topics_of(device: Device) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`(writes, reads)`: the topic patterns of this one device."""
    if device.kind == DriverKind.FABLAB:
        return (f"fablab/v1/{device.slug}/up/#",), (f"fablab/v1/{device.slug}/down/#",)
    driver = foreign_driver(device.kind)
    return driver.writes(device.topic), driver.reads(device.topic)


def broker_users() -> Sequence[BrokerUser]:
    """Everyone the broker lets in: the enrolled devices, each on its own topics, and our own processes."""
    server = BrokerUser(
        username=str(settings.BROKER["username"]),
        password_hash=hash_password(str(settings.BROKER["password"])),
        writes=("fablab/v1/+/down/#", "cmnd/#", "fablab/doctor/#", *homeassistant_out.writes()),
        # Devices that are not attached yet are found by what they say.
        reads=("#",),
    )
    devices = Device.objects.filter(revoked_at=None).exclude(password_hash="").order_by("slug")
    users = []
    for device in devices:
        writes, reads = topics_of(device)
        # What a device that is not ours listens to, we may say.
        server = replace(server, writes=(*server.writes, *(() if device.kind == DriverKind.FABLAB else reads)))
        users.append(BrokerUser(device.slug, device.password_hash, writes, reads))
    return [replace(server, writes=tuple(dict.fromkeys(server.writes))), *users]


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
