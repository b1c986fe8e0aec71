"""Writes of how a 3D printer is reached. The worker alone ever talks to it."""

import datetime as dt

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from fablab.lib.secretbox import seal
from machines.models import Machine
from people.models import Person
from printing.backends import AddressRefused, PrinterUnreachable, checked_address
from printing.models import Printer

REASONS: dict[str, str | Promise] = {
    "scheme": gettext_lazy("Begin it with http:// or https://."),
    "userinfo": gettext_lazy("Leave out the name and password: the key below is enough."),
    "query": gettext_lazy("Leave out what follows ? or #."),
    "port": gettext_lazy("The number after the colon is not a port."),
    "path": gettext_lazy("Write only the address of OctoPrint’s first page."),
    "host": gettext_lazy("That is not an address. Write one like http://192.168.1.20."),
    "network": gettext_lazy("That is not on the lab’s own network, and printers are only looked for there."),
    "loopback": gettext_lazy("That is this server itself. Write the printer’s own address."),
    "forbidden": gettext_lazy("No printer can have that address."),
}


@transaction.atomic
def save_printer(
    *, machine: Machine, base_url: str, api_key: str, is_enabled: bool, by: Person | None, now: dt.datetime
) -> Printer:
    """Set how the machine's OctoPrint is reached; an empty key keeps the one stored.

    Side effects in order: ask the name server; save; the worker tries the connection at its next round; announce the
    machine.

    Raises:
        ValidationError: the address is not accepted, or there is no key at all.
    """
    address = _checked(base_url)
    printer = Printer.objects.select_for_update(of=("self",)).filter(machine=machine).first() or Printer(
        machine=machine
    )
    if api_key:
        printer.api_key_sealed = seal(api_key)
    if not printer.api_key_sealed:
        raise ValidationError({"api_key": _("Without a key OctoPrint lets nobody in.")})
    printer.base_url, printer.is_enabled = address, is_enabled
    printer.next_poll_at, printer.failures, printer.unreachable_since, printer.error_code = now, 0, None, ""
    printer.full_clean()
    printer.save()
    announce_machines([machine.pk])
    note_change("connection of", machine, by)
    return printer


def _checked(base_url: str) -> str:
    try:
        checked_address(base_url, settings.PRINTER_NETWORKS)
    except AddressRefused as refused:
        raise ValidationError({"base_url": str(REASONS.get(refused.reason, REASONS["host"]))}) from None
    except PrinterUnreachable:
        words = _("This name is not known on the network. Write the address in numbers, like http://192.168.1.20.")
        raise ValidationError({"base_url": words}) from None
    return base_url.strip().rstrip("/")
