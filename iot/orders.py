"""Orders to devices: given, sent, answered. What a device reports is another field; an order never changes it."""

import datetime as dt
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from iot.capabilities import cuts_unseen, why_not
from iot.clocks import parsed, stamp
from iot.device_services import DeviceError
from iot.drivers import foreign_driver
from iot.drivers.base import Observation, Relay
from iot.heat import is_hot
from iot.models import Device, DeviceCommand, DriverKind, ReportedState, UsageSession, UseState
from iot.protocol import CommandAck, Event, Hello
from machines.models import Machine
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_manager, is_staff

CHANNEL = "fablab_down"
LASTS = dt.timedelta(seconds=30)
# Whoever sends asks again after this long, until the device answers or the order is void.
AGAIN_AFTER = dt.timedelta(seconds=10)
Kind = DeviceCommand.Kind
COMMANDED = {Kind.ENABLE: "enabled", Kind.DISABLE: "disabled", Kind.LOCK: "locked"}
# What a device that is not ours reports, and the order that this answers.
SWITCHED = {"energised": Kind.ENABLE, "de_energised": Kind.DISABLE}
FOR_MANAGERS = frozenset({Kind.CONFIG, Kind.REBOOT})


def order(
    *,
    device: Device,
    kind: DeviceCommand.Kind,
    by: Person | None,
    now: dt.datetime,
    data: dict[str, Any] | None = None,
    why: str = "",
    lasts: dt.timedelta = LASTS,
    is_for_safety: bool = False,
    waits_for_rest: bool = False,
) -> DeviceCommand:
    """Tell the device to do something; void after `lasts`. `by` is None for what the software does by itself. One that
    `waits_for_rest` is not sent while the machine works.

    Side effects in order: the order written; what was commanded last kept with the device; whoever sends told, once
    the transaction commits; noted among the changes when somebody asked for it.

    Raises:
        NotAllowed: `by` is not of the team there, or manages nothing there and it is a setting.
        DeviceError: `dangerous_start`, `not_its_language`, `revoked`, `would_cut` what works, `hot` (neither is
            asked for safety);
            `cannot`, by what the device says that it has, when somebody asks for it.
    """
    _check_may(device, kind, by)
    _check_can(device, kind)
    if by is not None and (reason := why_not(device, kind)):
        raise DeviceError("cannot", reason)
    if not is_for_safety and not waits_for_rest:
        _check_nothing_is_cut(device, kind, now)
    said = dict(data or {}) | ({"at_rest": True} if waits_for_rest else {})
    if kind == Kind.ENABLE and by is not None and "session_id" not in said:
        # What a person enables was locked: no order of the software ever lifts that.
        # When: a device that was stopped again since refuses it.
        said |= {"lift": True, "lifted_at": now.isoformat()}
    with transaction.atomic():
        made = DeviceCommand.objects.create(
            device=device, kind=kind, data=said, by=by, why=why, created_at=now, expires_at=now + lasts
        )
        if kind in COMMANDED and not is_of_heat(made):
            # After the rest is committed: whoever stores messages holds the device's row first of all.
            transaction.on_commit(partial(_keep_commanded, made))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        if device.machine_id:
            announce_machines([device.machine_id])
        if by is not None:
            note_change(f"ordered {kind}", device, by)
    return made


def is_of_heat(command: DeviceCommand) -> bool:
    """Whether it only says that the machine is hot: it switches nothing."""
    return "hot_s" in command.data


def _keep_commanded(command: DeviceCommand) -> None:
    rows = Device.objects.filter(pk=command.device_id)
    if command.kind != Kind.LOCK and not command.data.get("lift"):
        # What is locked stays so through all that is ordered until somebody lifts it.
        rows = rows.exclude(commanded=COMMANDED[Kind.LOCK])
    rows.update(commanded=COMMANDED[Kind(command.kind)], commanded_at=command.created_at)


def set_config(*, device: Device, settings: dict[str, Any], by: Person, now: dt.datetime) -> DeviceCommand:
    """New settings of the device, with a version of their own; it says which it has in its next hello.

    Raises:
        NotAllowed: `by` manages nothing there.
        DeviceError: as `order`.
    """
    with transaction.atomic():
        fresh = Device.objects.select_for_update(of=("self",)).get(pk=device.pk)
        fresh.config, fresh.config_version = settings, fresh.config_version + 1
        fresh.save(update_fields=["config", "config_version"])
        data = {"version": fresh.config_version, "settings": settings}
        return order(device=fresh, kind=Kind.CONFIG, data=data, by=by, now=now, lasts=dt.timedelta(hours=24))


def _check_may(device: Device, kind: str, by: Person | None) -> None:
    if by is None:
        return
    may = is_manager(by, device.machine) if kind in FOR_MANAGERS else is_staff(by, device.machine)
    if not may:
        raise NotAllowed("not_of_the_team", _("Only the team tells devices what to do."))


def _check_can(device: Device, kind: str) -> None:
    if device.revoked_at is not None:
        raise DeviceError("revoked", _("This device was shut out: give it a new credential first."))
    if device.kind == DriverKind.FABLAB:
        # Our agent switches on only once a badge or the button at the machine confirms: see docs/protocol.md.
        return
    if kind == Kind.ENABLE and device.machine is not None and device.machine.risk >= 1:
        raise DeviceError(
            "dangerous_start", _("A machine that can hurt is never switched on from afar: use a device with a button.")
        )
    if not can_order(device, kind):
        raise DeviceError("not_its_language", _("This device takes no such order."))


def _check_nothing_is_cut(device: Device, kind: str, now: dt.datetime) -> None:
    """What works is never cut. Our own device sees to that by itself where a contact tells it of the work, and to the
    heat that it is told of everywhere."""
    is_ours = device.kind == DriverKind.FABLAB
    cutting = (Kind.DISABLE, Kind.LOCK) if is_ours else (Kind.DISABLE, Kind.REBOOT)
    if kind not in cutting or device.machine_id is None or not cuts_unseen(device):
        return
    state = ReportedState.objects.filter(machine=device.machine_id).first()
    # A print that is paused draws as little as one that is over.
    prints = UsageSession.objects.filter(machine=device.machine_id, end=None, source=UsageSession.Source.PRINT_JOB)
    if (state is not None and state.state == UseState.BUSY) or prints.exists():
        raise DeviceError("would_cut", _would_cut(is_ours=is_ours))
    if not is_ours and is_hot(state, now):
        raise DeviceError(
            "hot", _("The machine is still hot, and this plug would stop its fan. Wait until it has cooled down.")
        )


def _would_cut(*, is_ours: bool) -> str:
    if is_ours:
        return _(
            "The machine is working, and this device has no contact that tells it so: it would cut it at once. Wait "
            "until it has stopped."
        )
    return _("The machine is working: this plug would cut it at once. Wait until it has stopped.")


def granted_until(until: dt.datetime, now: dt.datetime) -> dict[str, Any]:
    """What an order says of an end: the seconds, which the device counts from when it hears of them, and the end, by
    which they are counted anew each time that it is sent."""
    return {"most_s": max(1, math.ceil((until - now).total_seconds())), "until": stamp(until)}


def can_order(device: Device, kind: str) -> bool:
    """Whether a device of this kind understands it at all, and has what it takes."""
    if device.kind == DriverKind.FABLAB:
        return not why_not(device, kind)
    make = getattr(foreign_driver(device.kind), "command", None)
    return make is not None and make(device.topic, kind) is not None


def take_to_send(*, now: dt.datetime) -> list[DeviceCommand]:
    """Orders that are neither answered nor void, and were not sent just now, in the order in which they were given;
    each is taken by one sender only."""
    with transaction.atomic():
        switching = [str(kind) for kind in COMMANDED]
        later = DeviceCommand.objects.filter(device=OuterRef("device"), kind__in=switching, pk__gt=OuterRef("pk"))
        rows = DeviceCommand.objects.filter(
            Q(sent_at=None) | Q(sent_at__lt=now - AGAIN_AFTER), answered_at=None, expires_at__gt=now,
            device__revoked_at=None,
        ).select_for_update(of=("self",), skip_locked=True)  # fmt: skip
        # Sent again after a newer one it would undo that; a lift is undone by a lock alone.
        is_lift = Q(device__kind=DriverKind.FABLAB, data__contains={"lift": True})
        is_heat = Q(data__has_key="hot_s")
        # One of heat switches nothing, and undoes nothing but another one of heat; a lock is undone by a lift alone.
        plain = Q(kind__in=(Kind.ENABLE, Kind.DISABLE)) & ~is_lift & ~is_heat
        rows = rows.exclude(plain & Exists(later.exclude(is_heat)))
        rows = rows.exclude(is_heat & Exists(later))
        rows = rows.exclude(Q(kind=Kind.LOCK) & Exists(later.filter(Q(kind=Kind.LOCK) | is_lift)))
        rows = rows.exclude(is_lift & Exists(later.filter(kind=Kind.LOCK)))
        # Our own device carries out each order once; another one would start anew every ten seconds.
        rows = rows.exclude(~Q(device__kind=DriverKind.FABLAB), kind=Kind.REBOOT, sent_at__isnull=False)
        rows = rows.exclude(Q(data__contains={"at_rest": True}) & Exists(_at_work(OuterRef("device__machine"))))
        taken = list(rows.select_related("device").order_by("pk")[:200])
        for command in taken:
            command.sent_at = now
            until = parsed(str(command.data.get("until", "")))
            if until is not None:
                command.data |= granted_until(until, now)
        DeviceCommand.objects.bulk_update(taken, ["sent_at", "data"])
    return taken


def _at_work(machine: OuterRef) -> QuerySet[Machine]:
    # A print that is paused draws as little as one that is over.
    prints = UsageSession.objects.filter(machine=OuterRef("pk"), end=None, source=UsageSession.Source.PRINT_JOB)
    return Machine.objects.filter(Q(reported__state=UseState.BUSY) | Exists(prints), pk=machine)


def order_answered(said: Observation | CommandAck) -> str:
    """The kind of order that a report of a device that is not ours answers; empty for none."""
    if isinstance(said, Relay):
        return Kind.ENABLE if said.is_on else Kind.DISABLE
    if isinstance(said, Event):
        return SWITCHED.get(said.event, "")
    # With its firmware it says that it has just started.
    return Kind.REBOOT if isinstance(said, Hello) and said.firmware else ""


def note_reports(reports: Mapping[tuple[int, str], dt.datetime]) -> set[int]:
    """Orders to devices that are not ours are done once the device reports what it was told, after it was sent and
    while it holds; otherwise they expire. `reports`: device and kind of order, with when it was received last.

    Returns the devices that answered. One query, none without reports; one more for each order done.
    """
    if not reports:
        return set()
    rows = DeviceCommand.objects.filter(
        device__in={device_id for device_id, _kind in reports}, answered_at=None, sent_at__isnull=False
    ).exclude(device__kind=DriverKind.FABLAB)
    answered = set()
    for command in rows.only("device_id", "kind", "sent_at", "expires_at"):
        at = reports.get((command.device_id, command.kind))
        if at is None or command.sent_at is None or not command.sent_at <= at <= command.expires_at:
            continue
        DeviceCommand.objects.filter(pk=command.pk, answered_at=None).update(answered_at=at, is_done=True)
        answered.add(command.device_id)
    return answered


def note_answer(device: Device, told: CommandAck, *, at: dt.datetime) -> DeviceCommand | None:
    """The device says what became of an order of its own; once. Returns the order; None when it has none such that is
    open: what another device was told is not its to answer."""
    command = DeviceCommand.objects.filter(device=device, reference=told.command_id, answered_at=None).first()
    if command is None:
        return None
    rows = DeviceCommand.objects.filter(pk=command.pk, answered_at=None)
    answered = rows.update(answered_at=at, is_done=told.is_done, answer=told.reason)
    return command if answered else None
