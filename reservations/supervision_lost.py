"""Reservations of dangerous machines over which nobody of the team watches any more: somebody calls their holders."""

import datetime as dt

from django.db.models import Count

from fablab.lib.intervals import Interval
from machines.supervision import supervised_times
from people.models import Site
from reservations.models import Reservation, Status
from reservations.rule_facts import RISK_OF_INJURY
from reservations.rules_of_people import RISK_OF_GRAVE_INJURY, WITH_A_BUDDY

WAITING = (Status.PENDING, Status.CONFIRMED)


def reservations_without_supervision(*, site: Site, now: dt.datetime) -> list[Reservation]:
    """Those to come, by time, that the rule `supervision_required` would refuse today. What runs goes on.

    Three queries at most, one where nothing dangerous is reserved.
    """
    rows = (
        Reservation.objects.filter(site=site, machine__isnull=False, status__in=WAITING, start__gt=now)
        .with_places()
        .select_related("holder__guardian")
        .annotate(companion_count=Count("participants"))
        .order_by("start")
    )
    risky = [row for row in rows if row.machine is not None and row.machine.risk >= RISK_OF_INJURY]
    if not risky:
        return []
    supervised = supervised_times(site, risky[0].start, max(row.end for row in risky))
    if supervised is None:
        return []
    return [row for row in risky if not _is_watched(row, supervised)]


def _is_watched(row: Reservation, supervised: tuple[Interval, ...]) -> bool:
    machine = row.machine
    has_buddy = row.companion_count + row.holder_takes_part >= WITH_A_BUDDY  # type: ignore[attr-defined]
    if machine is None or (has_buddy and machine.risk < RISK_OF_GRAVE_INJURY):
        return True
    if machine.booking.spans_closing:
        return any(duty.holds(row.start) for duty in supervised)
    return any(duty.contains(Interval(row.start, row.end)) for duty in supervised)
