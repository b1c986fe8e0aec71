"""Writes about devices that were seen on the broker: attached to a machine, or put aside."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from iot.device_services import DeviceError, create_device
from iot.models import Device, SeenDevice
from iot.seen_selectors import may_be_attached
from machines.models import Machine
from people.models import Person


@transaction.atomic
def attach_seen(*, seen: SeenDevice, name: str, machine: Machine, by: Person | None) -> Device:
    """It reports for the machine from now on, and is seen no more.

    Raises:
        DeviceError: `not_fit`: no driver reads it, or its topic cannot be granted to it alone.
        ValidationError: another device speaks on the topic.
    """
    if not may_be_attached(seen):
        raise DeviceError("not_fit", _("Its topic cannot be granted to it alone: rename it on the device first."))
    made = create_device(name=name, kind=seen.kind, machine=machine, by=by, topic=seen.topic)
    SeenDevice.objects.filter(pk=seen.pk).delete()
    return made


def put_aside(*, seen: SeenDevice, is_ignored: bool, by: Person | None, now: dt.datetime) -> None:
    """Shown no more among the devices seen, or shown again."""
    SeenDevice.objects.filter(pk=seen.pk).update(ignored_at=now if is_ignored else None)
    note_change("put aside" if is_ignored else "shown again", seen, by)
