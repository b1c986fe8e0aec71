"""Why a print may not be queued, or not be started yet. Pure, every reason at once."""

import datetime as dt
import enum
from dataclasses import dataclass

from fablab.lib.denials import Denial


class Code(enum.StrEnum):
    """Stable. The first eight refuse a job; the last five, and a missing reservation, make it wait."""

    NO_PRINTER = "no_printer"
    NO_RESERVATION = "no_reservation"
    RESERVATION_TOO_SHORT = "reservation_too_short"
    NOT_GCODE = "not_gcode"
    EMPTY_FILE = "empty_file"
    FORBIDDEN_COMMAND = "forbidden_command"
    LINE_TOO_LONG = "line_too_long"
    TOO_LARGE = "too_large"
    NOT_CHECKED_IN = "not_checked_in"
    BED_NOT_CLEAR = "bed_not_clear"
    PRINTER_BUSY = "printer_busy"
    PRINTER_AWAY = "printer_away"
    PRINTER_IN_ERROR = "printer_in_error"


@dataclass(frozen=True, slots=True)
class JobFacts:
    """`reservation_end`: when the person's reservation of this machine, current or next, ends; None without one."""

    has_printer: bool
    reservation_start: dt.datetime | None
    reservation_end: dt.datetime | None
    estimated: dt.timedelta | None


def job_denials(*, facts: JobFacts, now: dt.datetime) -> list[Denial]:
    """Every reason to refuse the job; an empty list accepts it into the queue."""
    denials = []
    if not facts.has_printer:
        denials.append(Denial(Code.NO_PRINTER))
    if facts.reservation_end is None or facts.reservation_start is None:
        denials.append(Denial(Code.NO_RESERVATION))
    elif facts.estimated is not None:
        left = facts.reservation_end - max(now, facts.reservation_start)
        if facts.estimated > left:
            denials.append(Denial(Code.RESERVATION_TOO_SHORT, {"estimated": facts.estimated, "left": left}))
    return denials


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What a queued job's start depends on, at this moment."""

    has_reservation: bool
    is_checked_in: bool
    is_bed_clear: bool
    is_printer_ready: bool
    is_reachable: bool
    is_in_error: bool = False
    left: dt.timedelta | None = None
    estimated: dt.timedelta | None = None


def start_denials(facts: StartFacts) -> list[Denial]:
    """What the job waits for; an empty list starts it."""
    is_well = facts.is_reachable and not facts.is_in_error
    checks = (
        (facts.has_reservation, Code.NO_RESERVATION),
        (facts.is_checked_in or not facts.has_reservation, Code.NOT_CHECKED_IN),
        (facts.is_bed_clear, Code.BED_NOT_CLEAR),
        (facts.is_reachable, Code.PRINTER_AWAY),
        # An error waits for somebody; to call it "busy" would leave everybody waiting for the printer.
        (not facts.is_in_error or not facts.is_reachable, Code.PRINTER_IN_ERROR),
        (facts.is_printer_ready or not is_well, Code.PRINTER_BUSY),
    )
    denials = [Denial(code) for is_fine, code in checks if not is_fine]
    if facts.left is not None and facts.estimated is not None and facts.estimated > facts.left:
        # What fitted when it was queued may not fit any more: the time after it is somebody else's.
        denials.append(Denial(Code.RESERVATION_TOO_SHORT, {"estimated": facts.estimated, "left": facts.left}))
    return denials
