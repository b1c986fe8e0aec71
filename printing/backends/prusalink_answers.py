"""PrusaLink's JSON in our words (spec/openapi.yaml: StatusPrinter, StatusJob, Job, Storage, Version)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from printing.backends.answers import celsius, mapping, mappings, number, seconds, text, whole
from printing.backends.base import PrinterConnection, PrinterProtocolError, PrinterStatus

# FINISHED and STOPPED stay until somebody takes note at the printer; the next print may start all the same.
_WITHOUT_JOB = {
    "IDLE": PrinterConnection.OPERATIONAL,
    "READY": PrinterConnection.OPERATIONAL,
    "FINISHED": PrinterConnection.OPERATIONAL,
    "STOPPED": PrinterConnection.OPERATIONAL,
    "PRINTING": PrinterConnection.PRINTING,
    "PAUSED": PrinterConnection.PAUSED,
    "ERROR": PrinterConnection.ERROR,
}
# Busy with a print: heating, meshing, recovering. It asks for attention in the midst of one: it waits.
_WITH_JOB = _WITHOUT_JOB | {
    "BUSY": PrinterConnection.PRINTING,
    "ATTENTION": PrinterConnection.PAUSED,
    "ATTTENTION": PrinterConnection.PAUSED,  # so in the document
}
FINISHED, STOPPED = "FINISHED", "STOPPED"
# Not among the characters of our paths, and allowed in URLs and on FAT.
FOLDER_MARK = "@"


def printer_state(status: Mapping[str, Any]) -> str:
    """`printer.state` of /api/v1/status.

    Raises:
        PrinterProtocolError: there is none.
    """
    state = text(mapping(status.get("printer")), "state")
    if not state:
        raise PrinterProtocolError("The printer's answer has no state")
    return state


def job_id(status: Mapping[str, Any]) -> int | None:
    """The number of the running job; None without one."""
    return whole(mapping(status.get("job")).get("id"))


def status_from(status: Mapping[str, Any]) -> PrinterStatus:
    """/api/v1/status as a PrinterStatus: it names no file.

    Raises:
        PrinterProtocolError: there is no state in it.
    """
    state, job, printer = printer_state(status), mapping(status.get("job")), mapping(status.get("printer"))
    connection = (_WITHOUT_JOB if job_id(status) is None else _WITH_JOB).get(state, PrinterConnection.UNKNOWN)
    found = PrinterStatus(
        connection=connection,
        nozzle_c=celsius(printer.get("temp_nozzle")),
        nozzle_target_c=celsius(printer.get("target_nozzle")),
        bed_c=celsius(printer.get("temp_bed")),
        bed_target_c=celsius(printer.get("target_bed")),
    )
    if not connection.is_busy:
        return found
    progress, left_s = number(job.get("progress")), seconds(job.get("time_remaining"))
    return replace(
        found,
        completion_pct=None if progress is None else min(progress, 100.0),
        print_time_s=seconds(job.get("time_printing")),
        time_left_s=left_s,
        time_left_origin="" if left_s is None else "printer",
    )


def path_of_job(job: Mapping[str, Any]) -> str | None:
    """Our path of the file that /api/v1/job names; of a foreign one its name.

    Only the long name can be relied on: firmware on the printer itself gives the rest in 8.3 form.
    """
    file = mapping(job.get("file"))
    name = text(file, "display_name") or text(file, "name")
    return remote_path_of(name) if name else None


def name_on_printer(remote_path: str) -> str:
    """One file name for a path: firmware on the printer itself makes no folders on upload."""
    return remote_path.replace("/", FOLDER_MARK)


def remote_path_of(name: str) -> str:
    """The path that became this name."""
    return name.replace(FOLDER_MARK, "/")


def storage_name(storages: Mapping[str, Any]) -> str | None:
    """Where files may be put: the first of /api/v1/storage that is there and not read-only."""
    for storage in mappings(storages.get("storage_list")):
        name = text(storage, "path").strip("/")
        if storage.get("available") is True and storage.get("read_only") is not True and name.isalnum():
            return name
    return None


def software_of(version: Mapping[str, Any]) -> str:
    """What /api/version calls itself: the daemon on a Pi under `original`, firmware under `text`."""
    names = (text(version, "text"), text(version, "original"))
    return "PrusaLink" if any(name.startswith("PrusaLink") for name in names) else ""
