"""Refusals and failures of prints as sentences, in the reader's language, each with its next step."""

from typing import Any

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.denials import Denial
from printing.fit import Code as FitCode
from printing.rules import Code
from reservations.messages import Sentence, duration_words
from reservations.messages import sentence_of as reservation_sentence

WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
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
    Code.PRINTS_OTHER: (
        _("The printer prints something that was not sent from here."),
        _("Yours keeps its place: it has its turn once that has ended and somebody has cleared the bed."),
    ),
    Code.PRINTER_AWAY: (
        _("The printer does not answer."),
        _("Nothing is lost: it starts by itself when the printer is back. Check that it is switched on."),
    ),
    Code.PRINTER_IN_ERROR: (
        _("The printer reported an error."),
        _("Tell the staff: they look at the machine and connect it again in its own software."),
    ),
    Code.JOB_HELD: (_("The print is held back."), _("Let it go when it may have its turn.")),
    Code.START_NOT_PRESSED: (
        _("Somebody must look at the printer first."),
        _("At the machine: check the filament, the nozzle and the bed, then press “Start” here."),
    ),
    Code.CIRCUIT_TAKEN: (
        _("Another printer on the same electric circuit is heating up."),
        _("Nothing to do: it starts by itself a few minutes later."),
    ),
    Code.APPROVAL_WANTED: (_("The team looks at every print for this machine."), _("You are told when it is done.")),
    Code.NOT_READ: (
        _("This kind of file cannot be read line by line."),
        _("The team looks at it first. A plain .gcode needs nobody."),
    ),
    Code.END_MISSING: (
        _("The end of the file seems to be missing."),
        _("Export it again from your slicer and send that. If it is whole, the team can let it pass."),
    ),
    Code.OUT_OF_SERVICE: (
        _("The machine is out of service."),
        _("Nothing is lost: your print keeps its place. The machine’s page says why, and until when."),
    ),
    "damaged": (_("The file is damaged."), _("Export it again from your slicer, and send it whole.")),
    "several_plates": (
        _("The file holds several plates."),
        _("Export one plate only: in Bambu Studio or Orca, “Export plate sliced file”."),
    ),
    "too_large_inside": (
        _("What is packed in the file is too large."),
        _("Export plain G-code (.gcode), or slice it in parts."),
    ),
    "drawing_unreadable": (
        _("The drawing could not be measured."),
        _("Export it again as plain SVG or DXF, with paths only, and send that."),
    ),
    Code.BEFORE_NEXT: (
        _("The print would take %(estimated)s, and somebody has reserved the printer in %(left)s."),
        _("Nothing to do: it starts by itself when there is time enough."),
    ),
    Code.SOMEBODY_HAS_IT: (
        _("Somebody has reserved the printer now."),
        _("Nothing to do: it starts by itself after that."),
    ),
    Code.TOO_MANY_DRAFTS: (
        _("You have %(most)s files that wait to be handed in."),
        _("Hand them in or withdraw them first; your prints list them."),
    ),
    Code.TOO_MUCH_KEPT: (
        _("Your files take more than %(most_gb)s GB here."),
        _("Delete some that you no longer need: they are listed under “My files”."),
    ),
    FitCode.WRONG_KIND_OF_FILE: (
        _("This printer does not take this kind of file."),
        _("Export plain G-code (.gcode) from your slicer: in PrusaSlicer, untick “Binary G-code”."),
    ),
    FitCode.WRONG_PRINTER: (
        _("The file is made for a %(wanted)s; this is a %(mounted)s."),
        _("Choose this printer in your slicer and export again, or send the file to the other one."),
    ),
    FitCode.WRONG_NOZZLE: (
        _("The file wants a nozzle of %(wanted)s mm; %(mounted)s mm is mounted."),
        _("Choose that nozzle in your slicer and export again, or ask the team to change it."),
    ),
    FitCode.WRONG_MATERIAL: (
        _("The file is for %(wanted)s; %(mounted)s hangs in the printer."),
        _("Choose that material in your slicer, or ask the team to change the spool."),
    ),
    "host_command": (
        _("Line %(line)s holds %(command)s, which tells the printer’s server to do something."),
        _("Remove that line from the G-code of your slicer."),
    ),
    "too_hot": (
        _("Line %(line)s heats to %(asked_c)s °C; at most %(most_c)s °C are allowed here."),
        _("Choose a cooler profile in your slicer, or another printer."),
    ),
    "outside_bed": (
        _("A move goes outside the bed (%(axis)s %(mm)s mm)."),
        _("Choose this printer in your slicer, so that it knows the size of the bed."),
    ),
    "unknown_reach": (
        _("How far the print reaches could not be told."),
        _("The team looks at it first; files of common slicers need nobody."),
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
    "said_by_hand": _("A person said how it ended."),
    "forgotten": _("It waited for a month to be handed in, and was withdrawn. Send it again if you still want it."),
    "visit_failed": _(
        "Something went wrong while the printer was looked at. It is tried again by itself; the server’s log says more."
    ),
    "too_many_tries": _("The file could not be sent after several tries."),
}


def sentence_of(denial: Denial) -> Sentence:
    """The refusal in words: ours, or those of the rules of reserving."""
    code = str(denial.code)
    if code not in WORDS:
        return reservation_sentence(denial)
    message, next_step = WORDS[code]
    params: dict[str, Any] = {name: _in_words(value) for name, value in denial.params.items()}
    return Sentence(code, str(message) % params if params else str(message), str(next_step))


def _in_words(value: Any) -> Any:
    if hasattr(value, "total_seconds"):
        return duration_words(value)
    return formats.localize(round(value, 2)) if isinstance(value, float) else value


def failure_words(code: str) -> str:
    """Why a job failed, in words; empty for no code."""
    return str(FAILURES.get(code, gettext("The print failed."))) if code else ""
