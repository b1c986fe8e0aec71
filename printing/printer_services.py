"""Writes of how a 3D printer is reached, and of what it is. The worker alone ever talks to it."""

import datetime as dt
from typing import TypedDict, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from fablab.lib.outgoing_addresses import OutgoingError, split_address
from fablab.lib.secretbox import seal
from machines.models import Machine
from people.models import Person
from printing.backends import AddressRefused, PrinterUnreachable, checked_address
from printing.key_requests import ask_for_key, stop_asking
from printing.models import ACTIVE, Answer, BackendKind, Printer, PrintJob, Spool
from printing.spools import forget_looks, take_from_others

REASONS: dict[str, str | Promise] = {
    "scheme": gettext_lazy("Begin it with http:// or https://."),
    "userinfo": gettext_lazy("Leave out the name and password: the key below is enough."),
    "query": gettext_lazy("Leave out what follows ? or #."),
    "port": gettext_lazy("The number after the colon is not a port."),
    "path": gettext_lazy("Write only the address of its first page."),
    "host": gettext_lazy("That is not an address. Write one like http://192.168.1.20."),
    "network": gettext_lazy("That is not on the lab’s own network, and printers are only looked for there."),
    "loopback": gettext_lazy("That is this server itself. Write the printer’s own address."),
    "forbidden": gettext_lazy("No printer can have that address."),
}


class PrinterFields(TypedDict, total=False):
    """What a printer is and may do. What is left out stays as it was."""

    nozzle_mm: float | None
    spool: Spool | None
    slicer_model: str
    bed_x_mm: float | None
    bed_y_mm: float | None
    bed_z_mm: float | None
    most_nozzle_c: int
    most_bed_c: int
    commands_answer: Answer
    heat_answer: Answer
    reach_answer: Answer
    is_approval_needed: bool
    is_start_asked: bool
    is_unattended: bool
    circuit: str
    camera_url: str
    cut_speed_mm_s: float | None
    maintenance_every_h: int | None


@transaction.atomic
def save_printer(
    *,
    machine: Machine,
    is_enabled: bool,
    by: Person | None,
    now: dt.datetime,
    kind: str = BackendKind.OCTOPRINT,
    base_url: str = "",
    api_key: str = "",
    asks_key: bool = False,
    **fields: Unpack[PrinterFields],
) -> Printer:
    """Set what drives the machine, what hangs in it and what becomes of files; an empty key keeps the one stored.

    A machine run by hand needs neither address nor key: none is kept. `asks_key`: OctoPrint is asked for its key;
    until it gives one, a printer without goes into service no earlier.
    Side effects in order: ask the name server; the spool leaves any other printer; save; the wish for a key; the
    worker tries the connection at its next round; announce the machines.

    Raises:
        ValidationError: an address is not accepted, there is no key at all, or not for this program; another program
            is named while a print is under way; the row does not allow a value.
    """
    is_by_hand = kind == BackendKind.BY_HAND
    address = "" if is_by_hand else _checked("base_url", base_url)
    _check_drives_none_else(address, machine)
    if camera_url := fields.get("camera_url", "").strip():
        _check_camera(camera_url)
        fields["camera_url"] = camera_url
    touched = take_from_others(fields.get("spool"), machine)
    printer = next((row for row in touched if row.machine_id == machine.pk), None) or Printer(machine=machine)
    looked_at = [printer.spool_id, printer.nozzle_mm, printer.slicer_model]
    is_elsewhere = printer.pk is not None and (printer.base_url, printer.kind) != (address, kind)
    asks_key = asks_key and kind == BackendKind.OCTOPRINT
    _set_kind(printer, kind, api_key, asks_key=asks_key)
    has_key = bool(printer.api_key_sealed) or is_by_hand
    printer.base_url, printer.is_enabled = address, is_enabled and has_key
    for name, value in fields.items():
        setattr(printer, name, value)
    _check_row(printer, machine)
    printer.next_poll_at, printer.failures, printer.unreachable_since, printer.error_code = now, 0, None, ""
    printer.full_clean(exclude={"base_url"} if is_by_hand else None)
    printer.save()
    if looked_at != [printer.spool_id, printer.nozzle_mm, printer.slicer_model]:
        forget_looks([row.machine_id for row in touched] + [machine.pk])
    if asks_key and by is not None:
        ask_for_key(printer=printer, enables=is_enabled and not has_key, by=by, now=now)
    elif api_key or is_elsewhere:
        stop_asking(printer=printer)
    announce_machines([machine.pk, *(row.machine_id for row in touched if row.machine_id != machine.pk)])
    note_change("connection of", machine, by)
    return printer


def _check_drives_none_else(address: str, machine: Machine) -> None:
    other = Printer.objects.filter(base_url=address, is_enabled=True).exclude(machine=machine).select_related("machine")
    if address and (known := other.first()) is not None:
        words = _("This address drives %(machine)s already: each printer has one of its own.")
        raise ValidationError({"base_url": words % {"machine": known.machine.name}})


def _set_kind(printer: Printer, kind: str, api_key: str, *, asks_key: bool) -> None:
    is_other = printer.pk is not None and printer.kind != kind
    if is_other and PrintJob.objects.filter(machine=printer.machine, state__in=ACTIVE).exists():
        raise ValidationError({"kind": _("A print is under way: wait for its end before another program drives it.")})
    if is_other or kind == BackendKind.BY_HAND:
        # One program's key is never shown to another.
        printer.api_key_sealed, printer.connection = "", ""
    printer.kind = kind
    if kind == BackendKind.BY_HAND:
        return
    if api_key:
        printer.api_key_sealed = seal(api_key)
    if not printer.api_key_sealed and not asks_key:
        words = _("Without a key %(program)s lets nobody in.")
        raise ValidationError({"api_key": words % {"program": printer.get_kind_display()}})


def _check_row(printer: Printer, machine: Machine) -> None:
    # Of an unknown side the database says neither yes nor no.
    for side, other in (("bed_x_mm", "bed_y_mm"), ("bed_y_mm", "bed_x_mm")):
        if getattr(printer, side) is None and getattr(printer, other) is not None:
            raise ValidationError({side: _("Write both: its width and its depth.")})
    here = Spool.objects.in_use().filter(site=machine.site)
    if printer.spool_id is not None and not here.filter(pk=printer.spool_id).exists():
        raise ValidationError({"spool": _("This spool is not in use here: choose another one.")})


def _check_camera(url: str) -> None:
    """Its host as a printer's; a query such as `?action=snapshot` is the camera's own."""
    try:
        parts = split_address(url, schemes=("http", "https"))
    except OutgoingError as error:
        raise _refusal("camera_url", error.code) from None
    if parts.fragment:
        raise _refusal("camera_url", "query")
    _checked("camera_url", f"{parts.scheme}://{parts.netloc}")


def _checked(field: str, url: str) -> str:
    try:
        checked_address(url, settings.PRINTER_NETWORKS)
    except AddressRefused as refused:
        raise _refusal(field, refused.reason) from None
    except PrinterUnreachable:
        words = _("This name is not known on the network. Write the address in numbers, like http://192.168.1.20.")
        raise ValidationError({field: words}) from None
    return url.strip().rstrip("/")


def _refusal(field: str, reason: str) -> ValidationError:
    return ValidationError({field: str(REASONS.get(reason, REASONS["host"]))})
