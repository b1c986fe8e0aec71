"""What runs while any of its machines does: an extractor, a compressor, the light of a room."""

import datetime as dt
import logging

from iot.device_services import DeviceError
from iot.models import AccessSession, Device, DeviceCommand, DriverKind
from iot.orders import can_order, order
from machines.models import Machine, UnitPart

log = logging.getLogger(__name__)

LASTS = dt.timedelta(minutes=5)
# Longer than anybody has a machine: it is told to stop when the last of its machines does.
MOST_S = 24 * 3600


def follow(machine: Machine, *, is_on: bool, now: dt.datetime) -> None:
    """Switch on what the machine shares with others; off again once none of those others is open, nor itself."""
    shared = UnitPart.objects.filter(whole=machine.unit_id, is_shared=True).values("part")
    for device in Device.objects.filter(machine__unit__in=shared, revoked_at=None).select_related("machine"):
        if not is_on and _is_needed(device, machine):
            continue
        kind = DeviceCommand.Kind.ENABLE if is_on else DeviceCommand.Kind.DISABLE
        if not can_order(device, kind):
            continue
        try:
            order(device=device, kind=kind, data=_data(device, machine, is_on=is_on), by=None, now=now, lasts=LASTS)
        except DeviceError as error:
            # One that can hurt is switched on by hand; the machine that it goes with is open all the same.
            log.warning("%s does not follow %s: %s", device.slug, machine.slug, error.code)


def _data(device: Device, machine: Machine, *, is_on: bool) -> dict[str, object]:
    """Our agent runs it as a session of its own, where its settings say that it follows others."""
    if device.kind != DriverKind.FABLAB:
        return {"follows": machine.slug}
    session = f"follows-{device.slug}"[:60]
    if is_on:
        return {"session_id": session, "most_s": MOST_S, "warn_s": 0, "display_name": machine.name[:60]}
    return {"session_id": session, "reason": "normal"}


def _is_needed(device: Device, besides: Machine) -> bool:
    """Whether somebody has the thing itself, or another machine that takes it along."""
    assert device.machine is not None  # found by its machine
    wholes = UnitPart.objects.filter(part=device.machine.unit_id).values("whole")
    active = AccessSession.objects.filter(ended_at=None, state=AccessSession.State.ACTIVE)
    others = active.filter(machine__unit__in=wholes).exclude(machine=besides)
    return others.exists() or active.filter(machine=device.machine).exists()
