"""Orders to devices: given, sent, answered. What a device reports is another field; an order never changes it."""

import datetime as dt
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from iot.device_services import DeviceError
from iot.drivers import foreign_driver
from iot.models import Device, DeviceCommand, DriverKind, ReportedState, UseState
from iot.protocol import CommandAck
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_manager, is_staff

CHANNEL = "fablab_down"
LASTS = dt.timedelta(seconds=30)
# Whoever sends asks again after this long, until the device answers or the order is void.
AGAIN_AFTER = dt.timedelta(seconds=10)
Kind = DeviceCommand.Kind
COMMANDED = {Kind.ENABLE: "enabled", Kind.DISABLE: "disabled", Kind.LOCK: "locked"}
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
) -> DeviceCommand:
    """Tell the device to do something; void after `lasts`. `by` is None for what the software does by itself.

    Side effects in order: the order written; what was commanded last kept with the device; whoever sends told, once
    the transaction commits; noted among the changes when somebody asked for it.

    Raises:
        NotAllowed: `by` is not of the team there, or manages nothing there and it is a setting.
        DeviceError: `dangerous_start`, `not_its_language`, `revoked`, `would_cut` what works (not asked for safety).
    """
    _check_may(device, kind, by)
    _check_can(device, kind)
    if not is_for_safety:
        _check_nothing_is_cut(device, kind)
    said = dict(data or {})
    if kind == Kind.ENABLE and by is not None and "session_id" not in said:
        # What a person enables was locked: no order of the software ever lifts that.
        said["lift"] = True
    with transaction.atomic():
        made = DeviceCommand.objects.create(
            device=device, kind=kind, data=said, by=by, why=why, created_at=now, expires_at=now + lasts
        )
        if kind in COMMANDED:
            # After the rest is committed: whoever stores messages holds the device's row first of all.
            transaction.on_commit(partial(_keep_commanded, device, COMMANDED[kind], now))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        if device.machine_id:
            announce_machines([device.machine_id])
        if by is not None:
            note_change(f"ordered {kind}", device, by)
    return made


def _keep_commanded(device: Device, word: str, now: dt.datetime) -> None:
    Device.objects.filter(pk=device.pk).update(commanded=word, commanded_at=now)


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


def _check_nothing_is_cut(device: Device, kind: str) -> None:
    """A plug cuts at once, and what works is never cut. Our own device sees to that by itself."""
    if device.kind == DriverKind.FABLAB or kind not in (Kind.DISABLE, Kind.REBOOT) or device.machine_id is None:
        return
    if ReportedState.objects.filter(machine=device.machine_id, state=UseState.BUSY).exists():
        raise DeviceError(
            "would_cut", _("The machine is working: this plug would cut it at once. Wait until it has stopped.")
        )


def can_order(device: Device, kind: str) -> bool:
    """Whether a device of this kind understands it at all."""
    if device.kind == DriverKind.FABLAB:
        return True
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
        # Sent again after a newer one it would undo that.
        rows = rows.exclude(Q(kind__in=switching) & Exists(later))
        taken = list(rows.select_related("device").order_by("pk")[:200])
        for command in taken:
            command.sent_at = now
        DeviceCommand.objects.bulk_update(taken, ["sent_at"])
    return taken


def note_published(command: DeviceCommand, *, now: dt.datetime) -> None:
    """It is with the broker. A device that is not ours answers nothing: what it reports next is its answer."""
    if command.device.kind != DriverKind.FABLAB:
        DeviceCommand.objects.filter(pk=command.pk).update(answered_at=now, is_done=True)


def note_answer(device: Device, told: CommandAck, *, at: dt.datetime) -> None:
    """The device says what became of an order of its own; once."""
    rows = DeviceCommand.objects.filter(device=device, reference=told.command_id, answered_at=None)
    rows.update(answered_at=at, is_done=told.is_done, answer=told.reason)
