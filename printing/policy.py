"""What the lab's rules say of a file for one printer: what refuses it, what somebody must look at, what only a look at
the machine tells."""

import math

from fablab.lib.denials import Denial
from printing.backends import capabilities
from printing.fit import Code as FitCode
from printing.fit import Fit, fit_denials, kind_denials, unknown_fits
from printing.gcode_policy import PrinterLimits, policy_denials
from printing.models import Answer, FileKind, Printer, PrintFile
from printing.rules import Code
from printing.scans import scan_of

# Which of a printer's answers goes for what was found; what is not named here is refused.
ANSWERS = {
    "forbidden_command": "commands_answer",
    "host_command": "commands_answer",
    "too_hot": "heat_answer",
    "outside_bed": "reach_answer",
    "unknown_reach": "reach_answer",
}

NAME_ENDINGS = {
    FileKind.GCODE: [".gcode", ".gco", ".g"],
    FileKind.BGCODE: [".bgcode"],
    FileKind.GCODE_3MF: [".gcode.3mf"],
    FileKind.DRAWING: [".svg", ".dxf"],
}
TOLD_LAST = ("PrusaSlicer", "SuperSlicer")


def limits_of(printer: Printer) -> PrinterLimits:
    """How hot and how far it may go."""
    sides = (printer.bed_x_mm, printer.bed_y_mm)
    height_mm = printer.bed_z_mm if printer.bed_z_mm is not None else math.inf
    bed = (sides[0], sides[1], height_mm) if sides[0] is not None and sides[1] is not None else None
    return PrinterLimits(most_nozzle_c=printer.most_nozzle_c, most_bed_c=printer.most_bed_c, bed_mm=bed)


def file_denials(file: PrintFile, printer: Printer) -> list[Denial]:
    """Every reason why this file cannot go to this printer."""
    found = kind_denials(file.kind, taken_by(printer)) + fit_denials(fit_of(file), mounted_on(printer))
    return found + [denial for denial, answer in _answered(file, printer) if answer == Answer.BLOCK]


def concerns(file: PrintFile, printer: Printer) -> list[Denial]:
    """Why somebody of the team looks at it first; an empty list needs nobody."""
    found = [denial for denial, answer in _answered(file, printer) if answer == Answer.APPROVE]
    if scan_of(file) is None and not printer.is_run_by_hand:
        found.append(Denial(Code.NOT_READ, {"kind": file.get_kind_display()}))
    if is_end_missing(file):
        found.append(Denial(Code.END_MISSING))
    if printer.is_approval_needed:
        found.append(Denial(Code.APPROVAL_WANTED))
    return found


def is_end_missing(file: PrintFile) -> bool:
    """Its slicer writes duration and filament after the last move, and there is neither: half a file, mostly."""
    is_told_last = file.kind == FileKind.GCODE and file.slicer.startswith(TOLD_LAST)
    return is_told_last and file.estimated is None and file.filament_mm is None


def looks_wanted(file: PrintFile, printer: Printer) -> list[FitCode]:
    """What only somebody at the machine can tell: the nozzle, the material, the model."""
    return [] if printer.is_run_by_hand else unknown_fits(fit_of(file), mounted_on(printer))


def taken_by(printer: Printer) -> frozenset[str]:
    """The kinds of file that it takes. What is run by hand tells by its settings whether it cuts or prints."""
    if not printer.is_run_by_hand:
        return capabilities(printer.kind).takes
    if printer.cut_speed_mm_s is not None:
        return frozenset({FileKind.DRAWING, FileKind.GCODE})
    is_printing = printer.nozzle_mm is not None or bool(printer.slicer_model)
    return capabilities(printer.kind).takes if is_printing else frozenset(FileKind)


def endings_taken(printer: Printer) -> list[str]:
    """How the names of files that it takes may end, the usual ones first."""
    return [ending for kind in FileKind if kind in taken_by(printer) for ending in NAME_ENDINGS[kind]]


def fit_of(file: PrintFile) -> Fit:
    return Fit(file.printer_model, file.nozzle_mm, file.filament_type)


def mounted_on(printer: Printer) -> Fit:
    return Fit(printer.slicer_model, printer.nozzle_mm, printer.spool.material if printer.spool is not None else "")


def _answered(file: PrintFile, printer: Printer) -> list[tuple[Denial, str]]:
    scan = scan_of(file)
    if scan is None:
        return []
    return [
        (denial, getattr(printer, ANSWERS[denial.code]) if denial.code in ANSWERS else Answer.BLOCK)
        for denial in policy_denials(scan, limits_of(printer))
    ]
