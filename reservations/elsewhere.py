"""What another calendar takes away from reservations that exist: the managers are told, once for each."""

import datetime as dt
import logging
import time
from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from machines.calendars_in import calendars_due, read_calendar
from machines.models import ExternalCalendar, Machine, Outage
from people.models import MANAGER_ROLES
from people.notices.team import tell_team
from reservations.closures import COMING
from reservations.models import HeldUnit, Reservation

log = logging.getLogger(__name__)

# Others wait for the worker too: what is left is read the next time, first.
READING_MOST_S = 240.0
# Of one machine, the soonest; the others follow, a quarter of an hour later.
TOLD_MOST = 20


def read_due_calendars(*, clock: Callable[[], dt.datetime]) -> int:
    """Read each calendar that is due, and tell of the reservations that it hits; how many were read.

    Each by itself: one that fails, however it does, stops none of the others.
    """
    until = time.monotonic() + READING_MOST_S
    count = 0
    for calendar in calendars_due(now=clock()):
        if time.monotonic() > until:
            break
        count += 1
        try:
            read_and_tell(calendar=calendar, now=clock())
        except Exception as trouble:  # noqa: BLE001 (a stranger wrote what is read; the others must still be read)
            # Its message may hold the address, which is a secret.
            log.error("The calendar %d was not read: %s.", calendar.pk, type(trouble).__name__)
            ExternalCalendar.objects.filter(pk=calendar.pk).update(tried_at=clock(), error="unintelligible")
    return count


def read_and_tell(*, calendar: ExternalCalendar, now: dt.datetime) -> str:
    """Read the calendar, then tell the managers which reservations it hits; the code of what went wrong, or nothing."""
    report = read_calendar(calendar=calendar, now=now)
    tell_of_collisions(machine=calendar.machine, now=now)
    return report.error


def collisions_of(machine: Machine, now: dt.datetime) -> QuerySet[Reservation]:
    """Reservations to come that hold the machine while another calendar has it, groups too, soonest first."""
    elsewhere = Outage.objects.filter(
        machine=machine, calendar__isnull=False, start__lt=OuterRef("end"), end__gt=OuterRef("start")
    )
    held = HeldUnit.objects.filter(reservation=OuterRef("pk"), unit=machine.unit_id, is_holding=True)
    coming = Reservation.objects.filter(status__in=COMING, end__gt=now, site=machine.site)
    return coming.filter(Exists(held), Exists(elsewhere)).with_places().select_related("holder").order_by("start", "pk")


@transaction.atomic
def tell_of_collisions(*, machine: Machine, now: dt.datetime) -> int:
    """Tell the managers of the site of each reservation that another calendar hits, once for each time at which it
    stands; how many were new."""
    if not Outage.objects.filter(machine=machine, calendar__isnull=False, end__gt=now).exists():
        return 0
    count = 0
    for row in collisions_of(machine, now):
        params = {
            "what": machine.name,
            "start": row.start.isoformat(),
            "end": row.end.isoformat(),
            "zone": row.site.time_zone,
        }
        told = tell_team(
            site=row.site, kind="taken_elsewhere", key=f"elsewhere:{row.pk}:{int(row.start.timestamp())}",
            params=params, now=now, link=reverse("settings-calls", args=[row.site.slug]), roles=MANAGER_ROLES,
        )  # fmt: skip
        count += bool(told)
        if count >= TOLD_MOST:
            break
    return count
