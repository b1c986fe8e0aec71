"""Why a print may not be queued, or not be started yet. Pure, every reason at once."""

import datetime as dt
import enum
from dataclasses import dataclass

from fablab.lib.denials import Denial


class Code(enum.StrEnum):
    """Stable. The first four refuse a job, the last four make it wait."""

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

    is_checked_in: bool
    is_bed_clear: bool
    is_printer_ready: bool
    is_reachable: bool


def start_denials(facts: StartFacts) -> list[Denial]:
    """What the job waits for; an empty list starts it."""
    checks = (
        (facts.is_checked_in, Code.NOT_CHECKED_IN),
        (facts.is_bed_clear, Code.BED_NOT_CLEAR),
        (facts.is_reachable, Code.PRINTER_AWAY),
        (facts.is_printer_ready or not facts.is_reachable, Code.PRINTER_BUSY),
    )
    return [Denial(code) for is_fine, code in checks if not is_fine]
