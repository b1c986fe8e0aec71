import datetime as dt
import logging

from django.conf import settings
from django.utils import timezone

from fablab.abandoned_jobs import end_abandoned_jobs
from fablab.backup.errors import BackupProblem
from fablab.backup.nightly import back_up_when_due
from fablab.lib.jobs import periodic
from fablab.lib.nights import is_due
from fablab.personal.purge import last_purge, purge
from fablab.today_sheets import make_sheets

PURGED_AT = dt.time(3, 41)
log = logging.getLogger(__name__)


@periodic("*/10 * * * *")
def back_up_each_night() -> None:
    try:
        back_up_when_due(now=timezone.now(), say=log.info)
    except (BackupProblem, OSError) as problem:
        # The status file has it, too, and a banner shows it to the team.
        log.error("%s", problem)


# The one that lets the others go on must not itself wait behind a dead run of its own.
@periodic("*/5 * * * *", is_alone=False)
def free_abandoned_jobs() -> None:
    if ended := end_abandoned_jobs(now=timezone.now()):
        log.warning("Jobs that a killed worker left behind: %d. They are over now.", ended)


@periodic("41 * * * *")
def purge_each_night() -> None:
    if settings.IS_DEMO:
        # Its people are invented, and some of them have not "come" for a year.
        return
    now, last = timezone.now(), last_purge()
    if not is_due(last_at=last.at if last else None, at=PURGED_AT, now=now):
        return
    found = purge(now=now)
    log.info("Purge: %d rows were past their time.", found.total)
    if found.failed:
        # Tried again in an hour; a banner shows it to the team if it stays so.
        log.error("Purge: not done: %s.", ", ".join(found.failed))


@periodic("2 * * * *")
def make_todays_sheets() -> None:
    make_sheets(now=timezone.now())
