"""“Next free: tomorrow, 10:00” on the cards of machines that cannot be had now."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext

from fablab.machine_status import MachineStatus, State
from reservations.messages import clock_words
from reservations.next_free import next_free
from reservations.time_words import near_day_words


def with_next_free(statuses: Sequence[MachineStatus], now: dt.datetime) -> list[MachineStatus]:
    """The same, each with the words for its next free time. One query for all of them.

    Nothing is said where the calendar is free now: the state says what holds, and only the state knows whether it is.
    """
    found = next_free([status.machine for status in statuses], now)
    return [replace(status, next_free=_words(status, found.get(status.machine.pk), now)) for status in statuses]


def _words(status: MachineStatus, start: dt.datetime | None, now: dt.datetime) -> str:
    if start is None:
        return gettext("Not free in the next 7 days")
    if start <= now:
        return ""
    zone = status.machine.site.zone
    if status.state == State.FREE and start - now < status.machine.booking.grid:
        return ""
    words = {"day": near_day_words(start, zone, now), "time": clock_words(start, zone)}
    return gettext("Next free: %(day)s, %(time)s") % words
