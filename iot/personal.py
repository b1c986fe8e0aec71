"""What the nightly purge removes of devices, beside what is about people."""

import datetime as dt

from django.db.models import Exists, OuterRef

from fablab.lib import retention
from fablab.lib.personal_data import sweeps
from iot.models import DeviceBoot, DeviceCommand, InboxMessage, SeenDevice

KEPT = dt.timedelta(days=30)


@sweeps("devices that were seen and went")
def forget_seen(now: dt.datetime, is_dry: bool) -> int:
    """Those that nobody attached and that have said nothing for a month; those waved away stay away."""
    rows = SeenDevice.objects.filter(last_seen_at__lt=now - KEPT, ignored_at=None)
    return rows.count() if is_dry else rows.delete()[0]


@sweeps("orders of the software to devices")
def forget_orders(now: dt.datetime, is_dry: bool) -> int:
    """What no person ordered is nobody's deed; a month of it is enough to see what went wrong."""
    rows = DeviceCommand.objects.filter(by=None, created_at__lt=now - KEPT)
    return rows.count() if is_dry else rows.delete()[0]


@sweeps("runs of devices")
def forget_boots(now: dt.datetime, is_dry: bool) -> int:
    """Runs of which no message is kept any more, but for the device's last one: its numbering goes on."""
    later = DeviceBoot.objects.filter(device=OuterRef("device"), pk__gt=OuterRef("pk"))
    kept = InboxMessage.objects.filter(device=OuterRef("device"), boot=OuterRef("boot"))
    rows = DeviceBoot.objects.filter(Exists(later), ~Exists(kept), first_received_at__lt=retention.INBOX.cutoff(now))
    rows = rows.filter(first_received_at__lt=now - KEPT)
    return rows.count() if is_dry else rows.delete()[0]
