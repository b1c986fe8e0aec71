"""What of a promised time will not be there: the machines of a reservation that are out of service then, or gone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from machines.models import Machine, Outage
from reservations.closures import COMING
from reservations.models import HeldUnit, Reservation


@dataclass(frozen=True, slots=True)
class Away:
    """One machine of a reservation. `back` is the day it is expected again, as far as anybody knows."""

    machine: Machine
    is_gone: bool
    back: dt.date | None = None


def machines_away(reservations: Sequence[Reservation], now: dt.datetime) -> dict[int, list[Away]]:
    """By the reservation's key, for those under way or to come; the others are not named. Two queries at most."""
    coming = {row.pk: row for row in reservations if row.status in COMING and row.end > now}
    held = HeldUnit.objects.filter(reservation__in=coming, unit__machine__isnull=False)
    rows = list(held.select_related("unit__machine").order_by("unit__machine__name")) if coming else []
    outages = _outages_of({row.unit.machine.pk for row in rows}, now)
    away: dict[int, list[Away]] = defaultdict(list)
    for row in rows:
        found = _away(row.unit.machine, outages[row.unit.machine.pk], coming[row.reservation_id], now)
        if found is not None:
            away[row.reservation_id].append(found)
    return dict(away)


def _outages_of(machine_ids: set[int], now: dt.datetime) -> dict[int, list[Outage]]:
    outages: dict[int, list[Outage]] = defaultdict(list)
    if machine_ids:
        for outage in Outage.objects.filter(machine__in=machine_ids).exclude(end__lte=now).order_by("start"):
            outages[outage.machine_id].append(outage)
    return outages


def _away(machine: Machine, outages: Sequence[Outage], reservation: Reservation, now: dt.datetime) -> Away | None:
    start = max(reservation.start, now)
    if machine.retired_at is not None and machine.retired_at <= start:
        return Away(machine, is_gone=True)
    zone = reservation.site.zone
    for outage in outages:
        if outage.start >= reservation.end or (outage.end is not None and outage.end <= start):
            continue
        if outage.end is not None:
            return Away(machine, is_gone=False, back=outage.end.astimezone(zone).date())
        # Without an end of its own it holds until the day it is expected back.
        if outage.expected_end is None or outage.expected_end >= start.astimezone(zone).date():
            return Away(machine, is_gone=False, back=outage.expected_end)
    return None
