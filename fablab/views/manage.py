"""For the team: what needs somebody now, and the devices."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.backup.status import backup_status
from fablab.first_run.progress import is_first_run, may_go_on
from fablab.lib.queries import query_word
from fablab.machine_status import MachineStatus, State, machine_statuses
from fablab.needs import needs_of
from fablab.power_curve import power_curve
from fablab.troubles import troubles
from fablab.views.days import any_day
from fablab.views.desk import desk_site
from fablab.views.roles import for_role
from fablab.week import week_of
from iot.models import Device, DriverKind, QuarantinedMessage, UsageSession
from iot.services import make_enrolment_code, set_password
from machines.models import Machine, Outage
from people.lab import current_lab
from people.models import Module
from people.permissions import is_manager, is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in
from printing.models import Printer
from printing.services import confirm_bed_clear
from reservations.models import Reservation

DAY_MOST = 300


@for_role(is_staff)
def overview(request: HttpRequest) -> HttpResponse:
    """What needs the team now, in one list; then the week in four numbers and a picture."""
    now = timezone.now()
    statuses = _statuses_there(request, now)
    zone = statuses[0].machine.site.zone if statuses else dt.UTC
    lab = current_lab()
    needs, endangered = needs_of(signed_in(request), statuses, now), troubles(now)
    machine_ids = [status.machine.pk for status in statuses]
    week, grid = week_of(zone, now, machine_ids)
    ready = {State.FREE, State.IN_USE, State.RESERVED, State.CLOSED}
    return render(
        request,
        "fablab/manage.html",
        {
            "needs": needs,
            "troubles": endangered,
            "things": len(needs) + len(endangered),
            "has_devices": not needs and Device.objects.filter(machine__in=machine_ids, revoked_at=None).exists(),
            "has_printers": not needs
            and lab.has(Module.PRINTING)
            and Printer.objects.filter(machine__in=machine_ids, is_enabled=True).exists(),
            "statuses": statuses,
            "ready_count": sum(s.state in ready for s in statuses),
            "machine_count": len(statuses),
            "zone": zone,
            "now": now,
            "week": week,
            "grid": grid,
            "backup": backup_status(),
            "is_first_run": signed_in(request).is_superuser and is_first_run() and may_go_on(request.user),
            "today": list(
                Reservation.objects.visible_to(request.user)  # type: ignore[arg-type]
                .open()
                .filter(end__gt=now, start__lt=now + dt.timedelta(hours=12))
                .select_related("machine", "holder", "site")
                .order_by("start")[:8]
            ),
        },
    )


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


@for_role(is_staff)
def devices(request: HttpRequest) -> HttpResponse:
    """Every device: heard when, of which machine."""
    now = timezone.now()
    rows = Device.objects.filter(revoked_at=None).select_related("machine__unit__site")
    if slug := query_word(request.GET, "machine"):
        rows = rows.filter(machine__slug=slug)
    site = desk_site(request)
    lines = [{"device": device, "is_silent": device.is_silent(now)} for device in rows if _is_theirs(device, request)]
    return render(request, "fablab/manage_devices.html", {"lines": lines, "zone": site.zone})


def _is_theirs(device: Device, request: HttpRequest, predicate: Callable[..., bool] = is_staff) -> bool:
    """Whether the device stands where the person has the role. One without a machine is anybody's of the team."""
    return predicate(request.user, device.machine)


@for_role(is_staff)
def device(request: HttpRequest, slug: str) -> HttpResponse:
    """One device: its last hour of power with the thresholds, its sessions, what it sent that we cannot read."""
    now = timezone.now()
    found = get_object_or_404(Device.objects.select_related("machine__unit__site"), slug=slug)
    if not _is_theirs(found, request):
        raise PermissionDenied
    site = found.machine.site if found.machine else desk_site(request)
    return render(
        request,
        "fablab/manage_device.html",
        {
            "device": found,
            "zone": site.zone,
            "is_silent": found.is_silent(now),
            "curve": power_curve(found, now),
            "sessions": UsageSession.objects.filter(device=found).select_related("person")[:8],
            "quarantine": QuarantinedMessage.objects.filter(device=found)[:10],
            **_fresh_secret(request, found),
            "may_change": _is_theirs(found, request, is_manager),
        },
    )


def _fresh_secret(request: HttpRequest, device: Device) -> dict[str, str]:
    """The code or password just made for this very device, once; another device's stays where it is."""
    secret: dict[str, str] = request.session.get("device_secret", {})
    if secret.get("slug") != device.slug:
        return {}
    del request.session["device_secret"]
    return secret


@require_POST
@for_role(is_manager)
def device_code(request: HttpRequest, slug: str) -> HttpResponse:
    """What lets the device in, shown once on its page: a one-time code for our agent, a password for a plug."""
    rows = Device.objects.filter(revoked_at=None).select_related("machine__unit__site")
    found = get_object_or_404(rows, slug=slug)
    if not _is_theirs(found, request, is_manager):
        raise PermissionDenied
    person: Any = request.user
    if found.kind == DriverKind.FABLAB:
        secret = {"code": make_enrolment_code(device=found, by=person, now=timezone.now())}
    else:
        secret = {"password": set_password(found, now=timezone.now())}
    request.session["device_secret"] = {"slug": found.slug} | secret
    return redirect("manage-device", slug)


@require_POST
@for_role(is_staff)
def bed_clear(request: HttpRequest, slug: str) -> HttpResponse:
    machine = get_object_or_404(Machine.objects.with_places(), slug=slug)
    if not is_staff(request.user, machine) or not Printer.objects.filter(machine=machine).exists():
        raise PermissionDenied
    person: Any = request.user
    confirm_bed_clear(machine=machine, by=person, now=timezone.now())
    messages.success(request, _("Thank you. The next print may start."))
    return redirect("manage")
