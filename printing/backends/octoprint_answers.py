"""OctoPrint's JSON in our words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from printing.backends.answers import celsius, instant, mapping, number, seconds, text, whole
from printing.backends.base import LastPrint, PrinterConnection, PrinterProtocolError, PrinterStatus

# OctoPrint 1.11 and 2.0. Older versions add to the text: "Printing from SD", "Offline (Error: …)".
_STATE_STARTS = (
    ("offline after error", PrinterConnection.ERROR),
    ("offline (error", PrinterConnection.ERROR),
    ("offline", PrinterConnection.OFFLINE),
    ("closed with error", PrinterConnection.ERROR),
    ("closed", PrinterConnection.OFFLINE),
    ("error", PrinterConnection.ERROR),
    ("opening", PrinterConnection.CONNECTING),
    ("detecting", PrinterConnection.CONNECTING),
    ("connecting", PrinterConnection.CONNECTING),
    ("operational", PrinterConnection.OPERATIONAL),
    ("starting", PrinterConnection.STARTING),
    ("printing", PrinterConnection.PRINTING),
    ("sending file", PrinterConnection.PRINTING),
    ("transferring file", PrinterConnection.PRINTING),
    ("pausing", PrinterConnection.PAUSING),
    ("paused", PrinterConnection.PAUSED),
    ("resuming", PrinterConnection.RESUMING),
    ("cancelling", PrinterConnection.CANCELLING),
    ("finishing", PrinterConnection.FINISHING),
)
# The narrower flags first: while cancelling, `printing` may be true as well.
_FLAGS = (
    ("cancelling", PrinterConnection.CANCELLING),
    ("pausing", PrinterConnection.PAUSING),
    ("resuming", PrinterConnection.RESUMING),
    ("finishing", PrinterConnection.FINISHING),
    ("paused", PrinterConnection.PAUSED),
    ("printing", PrinterConnection.PRINTING),
    ("error", PrinterConnection.ERROR),
    ("closedOrError", PrinterConnection.OFFLINE),
    ("operational", PrinterConnection.OPERATIONAL),
)
# docs/api/datamodel.rst, "Progress information": `linear` and `estimate` go by what is printed already.
_ORIGINS = {
    "linear": "file",
    "estimate": "file",
    "analysis": "analysis",
    "mixed-analysis": "analysis",
    "average": "earlier",
    "mixed-average": "earlier",
    "genius": "analysis",
}


def connection_from_text(state: str) -> PrinterConnection:
    """OctoPrint's name of a state as ours; UNKNOWN for a name we have not met."""
    lowered = state.strip().lower()
    return next((known for start, known in _STATE_STARTS if lowered.startswith(start)), PrinterConnection.UNKNOWN)


def connection_from_flags(flags: Mapping[str, Any]) -> PrinterConnection:
    """The state by the flags of /api/printer."""
    return next((known for flag, known in _FLAGS if flags.get(flag) is True), PrinterConnection.UNKNOWN)


def status_from_job(
    job: Mapping[str, Any], connection: PrinterConnection, last_print: LastPrint | None = None
) -> PrinterStatus:
    """GET /api/job as a PrinterStatus.

    Raises:
        PrinterProtocolError: there is no state in it.
    """
    if not text(job, "state"):
        raise PrinterProtocolError("The printer's answer has no state")
    file = mapping(mapping(job.get("job")).get("file"))
    progress = mapping(job.get("progress"))
    completion_pct = number(progress.get("completion"))
    time_left_s = seconds(progress.get("printTimeLeft"))
    return PrinterStatus(
        connection=connection,
        remote_path=text(file, "path") or None,
        completion_pct=None if completion_pct is None else min(completion_pct, 100.0),
        print_time_s=seconds(progress.get("printTime")),
        time_left_s=time_left_s,
        error_text=text(job, "error"),
        last_print=last_print,
        file_position_bytes=whole(progress.get("filepos")),
        time_left_origin="" if time_left_s is None else _ORIGINS.get(text(progress, "printTimeLeftOrigin"), ""),
    )


def add_temperatures(status: PrinterStatus, printer: Mapping[str, Any]) -> PrinterStatus:
    """The status with what `temperature` of GET /api/printer says: the first nozzle, and the bed."""
    temperature = mapping(printer.get("temperature"))
    nozzle, bed = mapping(temperature.get("tool0")), mapping(temperature.get("bed"))
    return replace(
        status,
        nozzle_c=celsius(nozzle.get("actual")),
        nozzle_target_c=celsius(nozzle.get("target")),
        bed_c=celsius(bed.get("actual")),
        bed_target_c=celsius(bed.get("target")),
    )


def last_print_of(file: Mapping[str, Any]) -> LastPrint | None:
    """`prints.last` of a file; None when it never ended."""
    last = mapping(mapping(file.get("prints")).get("last"))
    ended_at = instant(last.get("date"))
    if ended_at is None:
        return None
    return LastPrint(
        is_success=last.get("success") is True, ended_at=ended_at, print_time_s=seconds(last.get("printTime"))
    )


def has_broken_off(job: Mapping[str, Any]) -> bool:
    """Whether GET /api/job shows what a broken print leaves: the link closed and no file selected.

    A cancelled one leaves the link open and its file selected (1.11 and 2.0). Error texts tell nothing here: 2.0 has
    none, and a link that somebody closed has none in 1.11 either.
    """
    is_closed = connection_from_text(text(job, "state")) in (PrinterConnection.OFFLINE, PrinterConnection.ERROR)
    return is_closed and not text(mapping(mapping(job.get("job")).get("file")), "path")


def file_size_bytes(file: Mapping[str, Any]) -> int | None:
    """The size of a file; None when it is not given."""
    return whole(file.get("size"))
