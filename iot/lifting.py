"""A machine that was stopped for safety is put back: its devices, which locked themselves, are told so. Registered by
`iot.apps`."""

import datetime as dt
import logging
from typing import Any

from django.dispatch import receiver

from iot.device_services import DeviceError
from iot.models import Device, DeviceCommand, DriverKind
from iot.orders import can_order, order
from machines.models import Machine, Outage
from machines.signals import outage_lifted
from people.errors import NotAllowed
from people.models import Person

log = logging.getLogger(__name__)

Kind = DeviceCommand.Kind
# A device that is switched off with its machine is told when it is back. It switches nothing on.
LASTS = dt.timedelta(hours=24)
# What stands in place of the device's own answer.
STOPPED_AGAIN = "stopped_again"


@receiver(outage_lifted, dispatch_uid="iot.lifting")
def hear_lifted(outage: Outage, **_news: Any) -> None:
    """What nobody lifted is not lifted at the devices either."""
    if outage.kind == Outage.Kind.LOCK_OUT and outage.lifted_by is not None and outage.end is not None:
        lift_devices(outage.machine, by=outage.lifted_by, now=outage.end)


def lift_devices(machine: Machine, *, by: Person, now: dt.datetime) -> list[DeviceCommand]:
    """Tell the machine's own devices that they may let people in again, as whoever lifted it; for a day.

    Not one that somebody of the team locked on its page: that is lifted there. A device whose safety contact is still
    open refuses, and its page says so.
    """
    if Outage.objects.filter(machine=machine, kind=Outage.Kind.LOCK_OUT).holding_at(now).exists():
        return []
    given = []
    rows = Device.objects.filter(machine=machine, kind=DriverKind.FABLAB, revoked_at=None).exclude(commanded="locked")
    for device in rows.select_related("machine__unit__site").order_by("pk"):
        if not can_order(device, Kind.ENABLE):
            continue
        try:
            given.append(order(device=device, kind=Kind.ENABLE, by=by, now=now, data={"lift": True}, lasts=LASTS))
        except (DeviceError, NotAllowed) as error:
            log.warning("%s is not told that %s is back: %s", device.slug, machine.slug, error.code)
    return given


def void_lifts(machine: Machine, *, now: dt.datetime) -> None:
    """It was stopped again: nobody has looked at that yet, and what was lifted before it is lifted no more."""
    rows = DeviceCommand.objects.filter(device__machine=machine, kind=Kind.ENABLE, answered_at=None, expires_at__gt=now)
    rows.filter(data__contains={"lift": True}).update(answered_at=now, is_done=False, answer=STOPPED_AGAIN)
