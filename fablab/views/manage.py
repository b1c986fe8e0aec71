"""For the team: what needs somebody now, and one day's reservations. Devices: manage_device.py."""

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from fablab.backup.status import backup_status
from fablab.first_run.progress import is_first_run, may_go_on
from fablab.machine_status import MachineStatus, State, machine_statuses
from fablab.needs import needs_of
from fablab.troubles import troubles
from fablab.views.days import any_day
from fablab.views.desk import desk_site
from fablab.views.prints import say_bed
from fablab.views.roles import for_role
from fablab.week import week_of
from iot.models import UsageSession
from machines.models import Machine, Outage
from people.lab import current_lab
from people.models import Module
from people.permissions import is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in
from printing.models import Printer
from printing.services import confirm_bed_clear
from reservations.models import Reservation
from reservations.requests import with_first_and_count

DAY_MOST = 300


@for_role(is_staff)
def overview(request: HttpRequest) -> HttpResponse:
    """What needs the team now, in one list; then the week in four numbers and a picture."""
    now = timezone.now()
    statuses = _statuses_there(request, now)
    zone = statuses[0].machine.site.zone if statuses else dt.UTC
    today = _today(request, now)
    # Before the banners: their facts come along.
    week = week_of(zone, now, [status.machine.pk for status in statuses])
    needs, endangered = needs_of(signed_in(request), statuses, now), troubles(now)
    ready = {State.FREE, State.IN_USE, State.RESERVED, State.CLOSED, State.COOLING}
    return render(
        request,
        "fablab/manage.html",
        {
            "needs": needs,
            "troubles": endangered,
            "things": len(needs) + len(endangered),
            "has_devices": week.has_devices,
            "has_printers": current_lab().has(Module.PRINTING) and week.has_printers,
            "statuses": statuses,
            "ready_count": sum(s.state in ready for s in statuses),
            "machine_count": len(statuses),
            "zone": zone,
            "now": now,
            "week": week.numbers,
            "grid": week.grid,
            "backup": backup_status(),
            "is_first_run": signed_in(request).is_superuser and is_first_run() and may_go_on(request.user),
            "today": today,
        },
    )


def _today(request: HttpRequest, now: dt.datetime) -> list[Reservation]:
    """What is on within twelve hours, soonest first; the requests that wait are read along with it."""
    staff = signed_in(request)
    rows = Reservation.objects.visible_to(staff).open().filter(end__gt=now, start__lt=now + dt.timedelta(hours=12))
    return with_first_and_count(rows.order_by("start")[:8], staff=staff, now=now)


def _statuses_there(request: HttpRequest, now: dt.datetime) -> list[MachineStatus]:
    """Of the machines of the person's own sites."""
    found = machine_statuses(Machine.objects.filter(retired_at=None).with_places(), now)
    return [status for status in found if is_staff(request.user, status.machine)]


@for_role(is_staff)
def reservations(request: HttpRequest) -> HttpResponse:
    """One day's reservations, all machines."""
    now = timezone.now()
    site = desk_site(request)
    zone = site.zone
    day = any_day(request) or now.astimezone(zone).date()
    start = dt.datetime.combine(day, dt.time(0), zone)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(0), zone)
    rows = Reservation.objects.visible_to(signed_in(request)).filter(site=site).overlapping(start, end)
    found = list(rows.select_related("machine", "holder").order_by("start")[: DAY_MOST + 1])
    context = {
        "site": site,
        "sites": list(staff_sites(signed_in(request))),
        "rows": found[:DAY_MOST],
        "is_cut": len(found) > DAY_MOST,
        "day": day,
        "before": day - dt.timedelta(days=1),
        "after": day + dt.timedelta(days=1),
        "zone": zone,
        "now": now,
    }
    return render(request, "fablab/manage_reservations.html", context)


@for_role(is_staff)
def machines(request: HttpRequest) -> HttpResponse:
    """All machines with state, hours of the last 30 days and outages."""
    now = timezone.now()
    statuses = _statuses_there(request, now)
    since = now - dt.timedelta(days=30)
    busy: dict[int, dt.timedelta] = {}
    sessions = UsageSession.objects.filter(start__gte=since).values_list("machine_id", "start", "end")
    for machine_id, start, end in sessions:
        busy[machine_id] = busy.get(machine_id, dt.timedelta(0)) + ((end or now) - start)
    lines = [
        {"status": status, "busy_h": round(busy.get(status.machine.pk, dt.timedelta(0)).total_seconds() / 3600)}
        for status in statuses
    ]
    outages = (
        Outage.objects.declared()
        .holding_at(now)
        .filter(machine__in=[status.machine for status in statuses])
        .select_related("machine")
    )
    return render(request, "fablab/manage_machines.html", {"lines": lines, "outages": outages})


@require_POST
@for_role(is_staff)
def bed_clear(request: HttpRequest, slug: str) -> HttpResponse:
    machine = get_object_or_404(Machine.objects.with_places(), slug=slug)
    if not is_staff(request.user, machine) or not Printer.objects.filter(machine=machine).exists():
        raise PermissionDenied
    person: Any = request.user
    say_bed(request, is_clear=confirm_bed_clear(machine=machine, by=person, now=timezone.now()))
    return redirect("manage")
