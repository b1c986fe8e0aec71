from django.utils import timezone

from fablab.lib.jobs import periodic
from reservations.elsewhere import read_due_calendars
from reservations.life import close_ended_reservations
from reservations.no_show import ask_where_they_are, release_no_shows
from reservations.overdue import watch_overdue
from reservations.overruns import warn_of_overruns
from reservations.waiting import sweep_waiting


@periodic("* * * * *")
def close_ended() -> None:
    close_ended_reservations(now=timezone.now())


@periodic("* * * * *")
def serve_those_who_wait() -> None:
    sweep_waiting(timezone.now())


@periodic("* * * * *")
def look_for_those_who_did_not_come() -> None:
    ask_where_they_are(timezone.now())
    release_no_shows(timezone.now())


@periodic("* * * * *")
def warn_those_who_come_next() -> None:
    warn_of_overruns(timezone.now())


@periodic("* * * * *")
def watch_what_is_not_back() -> None:
    watch_overdue(timezone.now())


@periodic("*/15 * * * *")
def read_calendars_of_others() -> None:
    read_due_calendars(clock=timezone.now)
