"""What runs while any of its machines does: an extractor, a compressor, the light of a room."""

import datetime as dt

from iot.models import AccessSession, Device, DeviceCommand
from iot.orders import order
from machines.models import Machine, UnitPart


def follow(machine: Machine, *, is_on: bool, now: dt.datetime) -> None:
    """Switch on what the machine shares with others; off again once none of those others is open."""
    shared = UnitPart.objects.filter(whole=machine.unit_id, is_shared=True).values("part")
    for device in Device.objects.filter(machine__unit__in=shared, revoked_at=None).select_related("machine"):
        if not is_on and _is_needed(device, machine):
            continue
        kind = DeviceCommand.Kind.ENABLE if is_on else DeviceCommand.Kind.DISABLE
        data = {"follows": machine.slug} if is_on else {"follows": machine.slug, "when_idle": False}
        order(device=device, kind=kind, data=data, by=None, now=now, lasts=dt.timedelta(minutes=5))


def _is_needed(device: Device, besides: Machine) -> bool:
    """Whether another machine that takes it along is open."""
    assert device.machine is not None  # found by its machine
    wholes = UnitPart.objects.filter(part=device.machine.unit_id).values("whole")
    others = AccessSession.objects.filter(ended_at=None, state=AccessSession.State.ACTIVE, machine__unit__in=wholes)
    return others.exclude(machine=besides).exists()
