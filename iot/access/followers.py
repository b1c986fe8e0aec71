"""What runs while any of its machines does: an extractor, a compressor, the light of a room."""

import datetime as dt
import logging
from collections.abc import Sequence

from django.db.models import Q

from iot.device_services import DeviceError
from iot.models import AccessSession, Device, DeviceCommand, DriverKind
from iot.orders import COMMANDED, can_order, order
from machines.models import Machine, UnitPart

log = logging.getLogger(__name__)

# One that is out of reach hears of it when it is back: only the newest of its orders is sent.
LASTS = dt.timedelta(hours=24)
# Longer than anybody has a machine: it is told to stop when the last of its machines does.
MOST_S = 24 * 3600
SESSION = "follows-"
Kind = DeviceCommand.Kind


def follow(machine: Machine, *, is_on: bool, now: dt.datetime) -> None:
    """Switch on what the machine shares with others; off again once none of those others is open, nor itself."""
    shared = UnitPart.objects.filter(whole=machine.unit_id, is_shared=True).values("part")
    for device in Device.objects.filter(machine__unit__in=shared, revoked_at=None).select_related("machine"):
        if is_on:
            _tell(device, Kind.ENABLE, _start(device, machine), now)
        elif not is_needed(device):
            stop_follower(device, now=now)


def stop_follower(device: Device, *, now: dt.datetime) -> None:
    """Off: none of its machines is open."""
    is_ours = device.kind == DriverKind.FABLAB
    data: dict[str, object] = {"session_id": _session(device), "reason": "normal"} if is_ours else {}
    _tell(device, Kind.DISABLE, data, now)


def _tell(device: Device, kind: DeviceCommand.Kind, data: dict[str, object], now: dt.datetime) -> None:
    if not can_order(device, kind):
        return
    try:
        # Whatever it draws, it has no work of its own that could be cut.
        order(device=device, kind=kind, data=data, by=None, now=now, lasts=LASTS, is_for_safety=True)
    except DeviceError as error:
        # One that can hurt is switched on by hand; the machine that it goes with is open all the same.
        log.warning("%s does not follow its machines: %s", device.slug, error.code)


def _start(device: Device, machine: Machine) -> dict[str, object]:
    """Our agent runs it as a session of its own, where its settings say that it follows others."""
    if device.kind != DriverKind.FABLAB:
        return {"follows": machine.slug}
    return {"session_id": _session(device), "most_s": MOST_S, "warn_s": 0, "display_name": machine.name[:60]}


def _session(device: Device) -> str:
    return f"{SESSION}{device.slug}"[:60]


def is_needed(device: Device) -> bool:
    """Whether somebody has the thing itself, or a machine that takes it along."""
    active = AccessSession.objects.filter(ended_at=None, state=AccessSession.State.ACTIVE)
    return active.filter(machine__in=_machine_ids(device)).exists()


def _machine_ids(device: Device) -> Sequence[int]:
    """Its own, and those that take it along."""
    assert device.machine is not None  # found by its machine
    wholes = UnitPart.objects.filter(part=device.machine.unit_id).values("whole")
    return list(Machine.objects.filter(Q(pk=device.machine_id) | Q(unit__in=wholes)).values_list("pk", flat=True))


def left_running() -> list[tuple[Device, Sequence[int]]]:
    """What was switched on with a machine and is not needed any more, with the machines that it goes with: two that
    end at once each see the other one's session. One query, and a few for each that runs."""
    shared = UnitPart.objects.filter(is_shared=True).values("part")
    running = Device.objects.filter(machine__unit__in=shared, revoked_at=None, commanded=COMMANDED[Kind.ENABLE])
    return [
        (device, _machine_ids(device))
        for device in running.select_related("machine")
        if _was_started_with_a_machine(device) and not is_needed(device)
    ]


def _was_started_with_a_machine(device: Device) -> bool:
    """Its newest order says so: what somebody switched on by hand stays on."""
    orders = DeviceCommand.objects.filter(device=device, kind__in=[str(kind) for kind in COMMANDED])
    newest = orders.order_by("-pk").first()
    if newest is None or newest.kind != Kind.ENABLE:
        return False
    return "follows" in newest.data or newest.data.get("session_id") == _session(device)
