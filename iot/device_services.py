"""Writes of which devices there are, what they report for and from which power on. Credentials: iot/services.py."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from iot.drivers import FOREIGN, zigbee2mqtt
from iot.models import Device, DriverKind, UsageSession
from iot.selectors import bridge_mates
from iot.services import refresh_broker, revoke
from iot.sessions import locked_states
from iot.topics_apart import check_speaks_alone
from machines.models import Machine
from machines.slugs import free_slug
from people.models import Person

# Pages of their own beside those of the devices; the name of our own account at the broker is taken too.
TAKEN_SLUGS = frozenset({"seen"})


class DeviceError(Exception):
    """Something about a device cannot be done; `sentence` says why and what to do instead."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


@transaction.atomic
def create_device(
    *, name: str, kind: str, machine: Machine, by: Person | None, topic: str = "", **thresholds: Any
) -> Device:
    """A device that reports for the machine. It is let in once it has a credential: see `iot.services`.

    Raises:
        ValidationError: a value breaks a rule, or some of its topics are others': see `iot.topics_apart`.
    """
    # What stands in a topic has hyphens only, and at least two letters.
    slug = free_slug(Device, name.replace("_", "-"), otherwise="device").replace("_", "-")
    if slug in {*TAKEN_SLUGS, settings.BROKER["username"]}:
        slug = free_slug(Device, f"device-{slug}", otherwise="device")
    if kind in FOREIGN:
        # Some say nothing for hours while nothing happens.
        thresholds.setdefault("silent_after", FOREIGN[kind].QUIET_FOR)
    device = Device(
        slug=slug if len(slug) > 1 else free_slug(Device, f"device-{slug}", otherwise="device"),
        name=name,
        kind=kind,
        machine=machine,
        topic=topic,
        **thresholds,
    )
    device.full_clean()
    check_speaks_alone(device)
    if kind == DriverKind.ZIGBEE2MQTT and (mate := bridge_mates(topic).exclude(password_hash="").first()) is not None:
        # Its bridge is let in already.
        device.password_hash, device.enrolled_at = mate.password_hash, mate.enrolled_at
    device.save()
    transaction.on_commit(refresh_broker)
    note_change("new", device, by)
    return device


@transaction.atomic
def update_device(*, device: Device, by: Person | None, **fields: Any) -> Device:
    """Other values of a device: its name, machine, topic or thresholds. Its kind and identifier stay.

    Side effects in order: lock the device; forget what the earlier machine last reported, when it was this device that
    said so; a Zigbee plug that changes its bridge takes over that one's password; save; the broker learns the topic
    once the transaction commits.

    Raises:
        DeviceError: `in_use`: it is to leave a machine that it says is in use.
        ValidationError: a value breaks a rule, or some of its topics are others'.
    """
    # Before the machine's state, as incoming messages do: in the other order each would wait for the other.
    earlier = Device.objects.select_for_update(no_key=True, of=("self",)).get(pk=device.pk)
    for name, value in fields.items():
        setattr(device, name, value)
    device.full_clean()
    if {"topic", "machine"} & fields.keys():
        check_speaks_alone(device)
    if earlier.machine_id is not None and earlier.machine_id != device.machine_id:
        _leave_machine(earlier)
    device.save(update_fields=[*fields, *_taken_to_bridge(device, earlier)])
    transaction.on_commit(refresh_broker)
    note_change("changed", device, by)
    return device


def _taken_to_bridge(device: Device, earlier: Device) -> tuple[str, ...]:
    """A Zigbee plug that now speaks through another bridge has that one's password, or none; the fields changed."""
    bridge = zigbee2mqtt.bridge_of(device.topic)
    if device.kind != DriverKind.ZIGBEE2MQTT or bridge == zigbee2mqtt.bridge_of(earlier.topic):
        return ()
    mate = bridge_mates(device.topic).exclude(pk=device.pk).exclude(password_hash="").first()
    device.password_hash = mate.password_hash if mate is not None else ""
    device.enrolled_at = mate.enrolled_at if mate is not None else None
    return "password_hash", "enrolled_at"


def _leave_machine(device: Device) -> None:
    state = locked_states([device.machine_id])[device.machine_id]  # type: ignore[list-item,index]
    if UsageSession.objects.filter(machine=device.machine_id, device=device, end=None).exists():
        raise DeviceError("in_use", _("Its machine is in use just now: move it once the machine has stopped."))
    if state.device_id == device.pk:
        # Nobody would ever correct what it said last.
        state.delete()


def revoke_device(*, device: Device, by: Person | None, now: dt.datetime) -> None:
    """Shut the device out for good; its history stays. Revoked twice it stays as it was."""
    with transaction.atomic():
        if Device.objects.select_for_update(of=("self",)).filter(pk=device.pk, revoked_at=None).exists():
            revoke(device=device, now=now)
            note_change("revoked", device, by)
