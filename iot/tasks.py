import datetime as dt
import logging

from django.utils import timezone

from fablab.lib.jobs import periodic
from iot.models import InboxMessage, QuarantinedMessage
from iot.partitions import ensure_partitions
from iot.sessions import sweep_lost_sessions, sweep_silent_devices

log = logging.getLogger(__name__)

# Raw messages are kept to look into what went wrong, not for ever.
INBOX_KEPT = dt.timedelta(days=14)
QUARANTINE_KEPT = dt.timedelta(days=90)


@periodic("* * * * *")
def sweep_devices() -> None:
    now = timezone.now()
    for device in sweep_silent_devices(now=now):
        log.warning("%s: no news since %s", device, device.last_seen_at)
    sweep_lost_sessions(now=now)


@periodic("23 2 * * *")
def keep_readings_in_order() -> None:
    now = timezone.now()
    ensure_partitions(now)
    InboxMessage.objects.filter(received_at__lt=now - INBOX_KEPT).delete()
    QuarantinedMessage.objects.filter(received_at__lt=now - QUARANTINE_KEPT).delete()
