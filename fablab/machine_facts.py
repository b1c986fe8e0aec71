"""What is known now of each machine, read for all of them at once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, FilteredRelation, Q

from fablab.lib.intervals import Interval
from iot.models import AccessSession, Device, ReportedState
from machines.models import Machine, Outage
from machines.opening import opening_between
from machines.selectors import load_hours, timetable
from people.lab import current_lab
from people.models import Module, Site
from printing.models import ACTIVE, Printer, PrintJob
from reservations.models import HeldUnit, Reservation, Status

AHEAD = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """All that decides the state of one machine. What belongs to a module that is off is not among them."""

    zone: ZoneInfo
    opening: Sequence[Interval]
    outage: Outage | None = None
    elsewhere: Outage | None = None
    devices: Sequence[Device] = ()
    reported: ReportedState | None = None
    access: AccessSession | None = None
    printer: Printer | None = None
    job: PrintJob | None = None
    reservations: Sequence[Reservation] = ()


def live_facts(
    machines: Sequence[Machine] | models.QuerySet[Machine], now: dt.datetime
) -> list[tuple[Machine, StatusFacts]]:
    """Each machine with its facts, in their order. Four queries however many machines; a queryset is read by them."""
    if isinstance(machines, models.QuerySet):
        found = {row.pk: row for row in _live(machines, now)}
        rows: Sequence[Machine] = list(found.values())
    else:
        found = {row.pk: row for row in _live(_again(machines), now)}
        rows = machines
    openings = _openings({machine.site for machine in rows}, now)
    has_devices, has_printing = current_lab().has(Module.DEVICES), current_lab().has(Module.PRINTING)
    devices: dict[int, list[Device]] = _devices(found) if has_devices else {}
    reservations = _reservations(found, now)
    return [
        (
            machine,
            StatusFacts(
                zone=machine.site.zone,
                opening=openings[machine.site.pk],
                outage=getattr(found[machine.pk], "outage_now", None),
                elsewhere=getattr(found[machine.pk], "elsewhere_now", None),
                reservations=reservations[machine.pk],
                **(_measured(found[machine.pk], devices[machine.pk]) if has_devices else {}),
                **(_printed(found[machine.pk]) if has_printing else {}),
            ),
        )
        for machine in rows
    ]


def _measured(live: Machine, devices: Sequence[Device]) -> dict[str, Any]:
    return {
        "devices": devices,
        "reported": getattr(live, "reported", None),
        "access": getattr(live, "access_now", None),
    }


def _printed(live: Machine) -> dict[str, Any]:
    printer = getattr(live, "printer", None)
    return {
        "printer": printer if printer is not None and printer.is_enabled else None,
        "job": getattr(live, "running_job", None),
    }


def _devices(machine_ids: Collection[int]) -> dict[int, list[Device]]:
    devices: dict[int, list[Device]] = defaultdict(list)
    for device in Device.objects.filter(machine__in=machine_ids, revoked_at=None):
        devices[device.machine_id or 0].append(device)
    return devices


def _reservations(machine_ids: Collection[int], now: dt.datetime) -> dict[int, list[Reservation]]:
    reservations: dict[int, list[Reservation]] = defaultdict(list)
    # By what is held: one reservation of the team may hold a room and eight computers.
    coming = HeldUnit.objects.filter(
        unit__machine__in=machine_ids,
        is_holding=True,
        blocked__overlap=(now, now + AHEAD),
        reservation__status__in=[Status.CONFIRMED, Status.IN_USE],
        reservation__end__gt=now,
        reservation__start__lt=now + AHEAD,
    ).select_related("reservation")
    rows = coming.order_by("reservation__start").only(
        "reservation__start", "reservation__end", "reservation__status", "reservation__title"
    )
    for held in rows.annotate(machine_pk=F("unit__machine__pk")):
        reservations[held.machine_pk].append(held.reservation)
    return reservations


def _live(rows: models.QuerySet[Machine], now: dt.datetime) -> models.QuerySet[Machine]:
    """The machines, each with its last report, who has it open, its printer, the print under way, the outage that
    holds, and when another calendar says that it is taken."""
    is_out = Q(outages__start__lte=now) & (Q(outages__end__isnull=True) | Q(outages__end__gt=now))
    return rows.annotate(
        running_job=FilteredRelation("print_jobs", condition=Q(print_jobs__state__in=sorted(ACTIVE))),
        outage_now=FilteredRelation("outages", condition=is_out & Q(outages__calendar__isnull=True)),
        elsewhere_now=FilteredRelation("outages", condition=is_out & Q(outages__calendar__isnull=False)),
        access_now=FilteredRelation("access_sessions", condition=Q(access_sessions__ended_at__isnull=True)),
    ).select_related("reported", "access_now", "printer", "running_job", "outage_now", "elsewhere_now")  # type: ignore[misc]


def _again(machines: Sequence[Machine]) -> models.QuerySet[Machine]:
    return Machine.objects.filter(pk__in=[machine.pk for machine in machines]).select_related("unit__site")


def _openings(sites: Collection[Site], now: dt.datetime) -> dict[int, list[Interval]]:
    load_hours(site for site in sites if not hasattr(site, "_hours"))
    return {site.pk: _opening(site, now) for site in sites}


def _opening(site: Site, now: dt.datetime) -> list[Interval]:
    today = now.astimezone(site.zone).date()
    return opening_between(now, now + AHEAD, timetable(site, today, today + AHEAD))
