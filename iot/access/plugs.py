"""Where a badge reader of another make stands at a machine, the machine's plug is its relay."""

import datetime as dt

from iot.device_services import DeviceError
from iot.models import AccessSession, Device, DeviceCommand, DriverKind
from iot.orders import can_order, order


def switch_plugs(session: AccessSession, *, is_on: bool, now: dt.datetime, is_for_safety: bool = False) -> None:
    """Switch the plugs of the session's machine with it, when its reader has no relay of its own; never off while the
    machine works, unless it is for safety."""
    if session.device is None or session.device.kind != DriverKind.RFID:
        return
    kind = DeviceCommand.Kind.ENABLE if is_on else DeviceCommand.Kind.DISABLE
    for device in Device.objects.filter(machine=session.machine_id, revoked_at=None).select_related("machine"):
        if device.kind in (DriverKind.FABLAB, DriverKind.RFID) or not can_order(device, kind):
            continue
        try:
            order(device=device, kind=kind, by=None, now=now, is_for_safety=is_for_safety)
        except DeviceError:
            # A machine that can hurt is not switched on by a plug, badge or no badge; one that works is not cut.
            continue
