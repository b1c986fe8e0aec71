"""Why a print may not be queued, or not be started yet. Pure, every reason at once."""

import datetime as dt
import enum
from dataclasses import dataclass

from fablab.lib.denials import Denial


class Code(enum.StrEnum):
    """Stable. Those up to `too_large` refuse a file or a job; the others, and a missing reservation, make it wait."""

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
    PRINTS_OTHER = "prints_other"
    PRINTER_AWAY = "printer_away"
    PRINTER_IN_ERROR = "printer_in_error"
    JOB_HELD = "job_held"
    START_NOT_PRESSED = "start_not_pressed"
    CIRCUIT_TAKEN = "circuit_taken"
    APPROVAL_WANTED = "approval_wanted"
    NOT_READ = "not_read"
    END_MISSING = "end_missing"
    OUT_OF_SERVICE = "out_of_service"
    TOO_MANY_DRAFTS = "too_many_drafts"
    TOO_MUCH_KEPT = "too_much_kept"
    BEFORE_NEXT = "before_next"
    SOMEBODY_HAS_IT = "somebody_has_it"


# These keep every job from starting; the others keep the one that they are about.
ABOUT_THE_PRINTER = frozenset(
    {Code.BED_NOT_CLEAR, Code.PRINTER_BUSY, Code.PRINTER_AWAY, Code.PRINTER_IN_ERROR, Code.CIRCUIT_TAKEN}
    | {Code.PRINTS_OTHER, Code.OUT_OF_SERVICE, Code.SOMEBODY_HAS_IT}
)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """`reservation_end`: when the person's reservation of this machine, current or next, ends; None without one.

    `others`: what stands in the way of the person, the machine or the file by other rules, in their own codes.
    """

    has_printer: bool
    reservation_start: dt.datetime | None
    reservation_end: dt.datetime | None
    estimated: dt.timedelta | None
    is_unattended: bool = False
    others: tuple[Denial, ...] = ()


def job_denials(*, facts: JobFacts, now: dt.datetime) -> list[Denial]:
    """Every reason to refuse the job; an empty list accepts it into the queue."""
    denials = []
    if not facts.has_printer:
        denials.append(Denial(Code.NO_PRINTER))
    if facts.reservation_end is None or facts.reservation_start is None:
        if not facts.is_unattended:
            denials.append(Denial(Code.NO_RESERVATION))
    elif facts.estimated is not None and not facts.is_unattended:
        left = facts.reservation_end - max(now, facts.reservation_start)
        if facts.estimated > left:
            denials.append(Denial(Code.RESERVATION_TOO_SHORT, {"estimated": facts.estimated, "left": left}))
    return [*denials, *facts.others]


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What a queued job's start depends on, at this moment."""

    has_reservation: bool
    is_checked_in: bool
    is_bed_clear: bool
    is_printer_ready: bool
    is_reachable: bool
    is_in_error: bool = False
    # What was not sent from here: its bed is cleared when it has ended, not before.
    prints_other: bool = False
    left: dt.timedelta | None = None
    estimated: dt.timedelta | None = None
    # Prints one after the other, without anybody there: a reservation and its check-in are not asked for.
    is_unattended: bool = False
    is_held: bool = False
    is_start_wanted: bool = False
    is_circuit_free: bool = True
    is_in_service: bool = True
    others: tuple[Denial, ...] = ()
    # Of a printer that prints alone: how long until somebody else's reservation; None without one.
    until_next: dt.timedelta | None = None


def start_denials(facts: StartFacts) -> list[Denial]:
    """What the job waits for; an empty list starts it."""
    is_well = facts.is_reachable and not facts.is_in_error
    checks = (
        (not facts.is_held, Code.JOB_HELD),
        (facts.has_reservation or facts.is_unattended, Code.NO_RESERVATION),
        (facts.is_checked_in or not facts.has_reservation or facts.is_unattended, Code.NOT_CHECKED_IN),
        (not facts.prints_other, Code.PRINTS_OTHER),
        (facts.is_bed_clear or facts.prints_other, Code.BED_NOT_CLEAR),
        (facts.is_reachable, Code.PRINTER_AWAY),
        # An error waits for somebody; to call it "busy" would leave everybody waiting for the printer.
        (not facts.is_in_error or not facts.is_reachable, Code.PRINTER_IN_ERROR),
        (facts.is_printer_ready or facts.prints_other or not is_well, Code.PRINTER_BUSY),
        (not facts.is_start_wanted, Code.START_NOT_PRESSED),
        (facts.is_circuit_free, Code.CIRCUIT_TAKEN),
        (facts.is_in_service, Code.OUT_OF_SERVICE),
    )
    denials = [*(Denial(code) for is_fine, code in checks if not is_fine), *facts.others]
    if facts.left is not None and facts.estimated is not None and facts.estimated > facts.left:
        # What fitted when it was queued may not fit any more: the time after it is somebody else's.
        denials.append(Denial(Code.RESERVATION_TOO_SHORT, {"estimated": facts.estimated, "left": facts.left}))
    if facts.until_next is not None and facts.until_next <= dt.timedelta():
        denials.append(Denial(Code.SOMEBODY_HAS_IT))
    elif facts.until_next is not None and facts.estimated is not None and facts.estimated > facts.until_next:
        denials.append(Denial(Code.BEFORE_NEXT, {"estimated": facts.estimated, "left": facts.until_next}))
    return denials
