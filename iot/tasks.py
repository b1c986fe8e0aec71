import logging

from django.utils import timezone

from fablab.lib.jobs import periodic
from iot.access.sessions import sweep_access
from iot.early_finish import finish_what_rests
from iot.ends import end_what_may_not_go_on
from iot.partitions import ensure_partitions
from iot.rollups import roll_up_when_due
from iot.sessions import sweep_lost_sessions, sweep_silent_devices

log = logging.getLogger(__name__)


@periodic("* * * * *")
def sweep_devices() -> None:
    now = timezone.now()
    for device in sweep_silent_devices(now=now):
        log.warning("%s: no news since %s", device, device.last_seen_at)
    sweep_lost_sessions(now=now)
    end_what_may_not_go_on(now=now)
    sweep_access(now=now)
    finish_what_rests(now=now)


@periodic("23 * * * *")
def keep_readings_in_order() -> None:
    ensure_partitions(timezone.now())


@periodic("51 * * * *")
def sum_readings_up() -> None:
    done = roll_up_when_due(timezone.now())
    if done is not None:
        log.info("Readings are summed up until %s; months dropped: %s.", done.until, ", ".join(done.dropped) or "none")
