"""Refusals and failures of prints as sentences, in the reader's language, each with its next step."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.denials import Denial
from printing.rules import Code
from reservations.messages import Sentence, duration_words

WORDS: dict[Code, tuple[str | Promise, str | Promise]] = {
    Code.NO_PRINTER: (
        _("This machine takes no print jobs online."),
        _("Choose a 3D printer whose page offers to send it a file."),
    ),
    Code.NO_RESERVATION: (
        _("You have no reservation on this machine."),
        _("Reserve it first, then send your file."),
    ),
    Code.RESERVATION_TOO_SHORT: (
        _("The print would take %(estimated)s and your reservation has %(left)s left."),
        _("Extend your reservation, or slice the file to print faster."),
    ),
    Code.NOT_GCODE: (
        _("This is not G-code that this printer can read."),
        _("Export G-code (.gcode) from your slicer, not an STL, a 3MF or a binary .bgcode."),
    ),
    Code.EMPTY_FILE: (_("The file is empty."), _("Export it again from your slicer.")),
    Code.FORBIDDEN_COMMAND: (
        _("Line %(line)s holds %(command)s, which changes the printer's own settings."),
        _("Remove that line from the start or end G-code of your slicer."),
    ),
    Code.LINE_TOO_LONG: (
        _("Line %(line)s is too long for a printer."),
        _("Export the file again from your slicer."),
    ),
    Code.TOO_LARGE: (
        _("The file is larger than %(most_mb)s MB."),
        _("Slice it with a coarser resolution, or in parts."),
    ),
    Code.NOT_CHECKED_IN: (
        _("The print waits for you to check in."),
        _("Check in when you are at the machine."),
    ),
    Code.BED_NOT_CLEAR: (
        _("The last print is still on the bed."),
        _("Take it off, then say that the bed is clear."),
    ),
    Code.PRINTER_BUSY: (
        _("The printer is not ready yet."),
        _("Nothing to do: it starts by itself as soon as the printer is ready."),
    ),
    Code.PRINTER_AWAY: (
        _("The printer does not answer."),
        _("Nothing is lost: it starts by itself when the printer is back. Check that it is switched on."),
    ),
    Code.PRINTER_IN_ERROR: (
        _("The printer reported an error."),
        _("Tell the staff: they look at the machine and connect it again in its own software."),
    ),
}

FAILURES = {
    "printer_unreachable": _("The printer did not answer."),
    "printer_auth": _("The printer refused our key. A manager must enter it again."),
    "printer_conflict": _("The printer was not in a state to do it."),
    "printer_rejected": _("The printer refused the file."),
    "printer_protocol": _("Something else than a printer answered at its address."),
    "address_refused": _("The printer's address is not in an allowed network."),
    "printer_error": _("The printer reported an error."),
    "secret_unreadable": _("The printer's key must be entered again."),
    "file_missing": _("The file is no longer on the server. Please upload it again."),
    "connection_lost": _("The link to the printer broke during the print."),
    "stopped_at_printer": _("It was stopped at the printer."),
    "lost": _("The printer came back without our print: look at the bed and say how it ended."),
    "said_by_person": _("It was lost from sight, and a person said how it ended."),
    "too_many_tries": _("The file could not be sent after several tries."),
}


def sentence_of(denial: Denial) -> Sentence:
    """The refusal in words."""
    message, next_step = WORDS[Code(denial.code)]
    params: dict[str, Any] = {
        name: duration_words(value) if hasattr(value, "total_seconds") else value
        for name, value in denial.params.items()
    }
    return Sentence(str(denial.code), str(message) % params if params else str(message), str(next_step))


def failure_words(code: str) -> str:
    """Why a job failed, in words; empty for no code."""
    return str(FAILURES.get(code, gettext("The print failed."))) if code else ""
