"""What a file does, held against what a printer may do."""

from collections.abc import Iterator
from dataclasses import dataclass

from fablab.lib.denials import Denial
from printing.scan.head import Box
from printing.scan.lines import LONGEST_COMMAND_BYTES
from printing.scan.reading import GcodeScan

# Below zero the nozzle is in the bed; slicers' own corrections of the height are smaller.
BELOW_BED_MM = 0.5


@dataclass(frozen=True, slots=True)
class PrinterLimits:
    """What a printer bears; None is not checked.

    `bed_mm` is width, depth and height, measured from the front left corner of the bed. Purge lines stand up to
    `margin_mm` outside.
    """

    most_nozzle_c: float | None = None
    most_bed_c: float | None = None
    bed_mm: tuple[float, float, float] | None = None
    margin_mm: float = 5


def content_denials(scan: GcodeScan) -> list[Denial]:
    """Every reason not to send this file to any printer; an empty list allows it.

    Codes: `empty_file`; `not_gcode` (params: reason, one of bgcode, zip, gzip, nul_bytes, no_moves);
    `forbidden_command` and `host_command` (params: command, line; the first of each command); `line_too_long`
    (params: line, limit_bytes; the first).
    """
    reason = _why_no_gcode(scan)
    if reason == "empty":
        return [Denial("empty_file")]
    if reason:
        return [Denial("not_gcode", {"reason": reason})]
    denials = [
        Denial("forbidden_command", {"command": command, "line": line}) for command, line in scan.forbidden.items()
    ]
    denials += [
        Denial("host_command", {"command": command, "line": line}) for command, line in scan.host_commands.items()
    ]
    if scan.long_line:
        denials.append(Denial("line_too_long", {"line": scan.long_line, "limit_bytes": LONGEST_COMMAND_BYTES}))
    return denials


def policy_denials(scan: GcodeScan, limits: PrinterLimits) -> list[Denial]:
    """Every reason not to print this file on a printer with these limits; an empty list allows it.

    Codes: those of `content_denials`; `too_hot` (params: part, `nozzle` or `bed`; asked_c, most_c, line);
    `outside_bed` (params: axis, `x`, `y` or `z`; mm, the furthest point; least_mm and most_mm, what is allowed;
    line); `unknown_reach` (no params; the file cannot be judged, so a person has to).
    """
    denials = content_denials(scan)
    if _why_no_gcode(scan):
        return denials
    denials += _too_hot(scan, limits)
    if limits.bed_mm is not None:
        denials += _outside_bed(scan.reach, limits.bed_mm, limits.margin_mm)
        if not scan.is_reach_known:
            denials.append(Denial("unknown_reach"))
    return denials


def _why_no_gcode(scan: GcodeScan) -> str:
    if scan.binary:
        return scan.binary
    if scan.has_nul:
        return "nul_bytes"
    if not scan.line_count:
        return "empty"
    return "" if scan.has_moves else "no_moves"


def _too_hot(scan: GcodeScan, limits: PrinterLimits) -> Iterator[Denial]:
    for part, peak, most_c in (
        ("nozzle", scan.nozzle, limits.most_nozzle_c),
        ("bed", scan.bed, limits.most_bed_c),
    ):
        if peak is not None and most_c is not None and peak.c > most_c:
            yield Denial("too_hot", {"part": part, "asked_c": peak.c, "most_c": most_c, "line": peak.line})


def _outside_bed(reach: Box | None, bed_mm: tuple[float, float, float], margin_mm: float) -> Iterator[Denial]:
    if reach is None:
        return
    spans = (reach.x, reach.y, reach.z)
    for axis, span, size_mm, below_mm in zip("xyz", spans, bed_mm, (margin_mm, margin_mm, BELOW_BED_MM), strict=True):
        if span is None:
            continue
        allowed = {"least_mm": -below_mm, "most_mm": size_mm + margin_mm}
        if span.least < -below_mm:
            yield Denial("outside_bed", {"axis": axis, "mm": span.least, **allowed, "line": span.least_line})
        if span.most > size_mm + margin_mm:
            yield Denial("outside_bed", {"axis": axis, "mm": span.most, **allowed, "line": span.most_line})
