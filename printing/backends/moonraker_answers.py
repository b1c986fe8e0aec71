"""Moonraker's and Klipper's JSON in our words.

Moonraker, docs/external_api: server.md (states of Klippy), printer.md and docs/printer_objects.md (webhooks,
print_stats, virtual_sdcard, display_status), history.md (how a print ended), file_manager.md (sizes).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from printing.backends.answers import celsius, instant, layer_number, mapping, mappings, number, seconds, text, whole
from printing.backends.base import LastPrint, PrinterConnection, PrinterProtocolError, PrinterStatus

# Klippy's own state comes first: only when it is ready do the others mean anything.
_KLIPPY = {
    "ready": PrinterConnection.OPERATIONAL,
    "startup": PrinterConnection.CONNECTING,
    "error": PrinterConnection.ERROR,
    "shutdown": PrinterConnection.ERROR,
    "disconnected": PrinterConnection.OFFLINE,
}
# A print that broke off leaves "error" until the next one starts, and the next one may start.
_PRINTS = {
    "standby": PrinterConnection.OPERATIONAL,
    "printing": PrinterConnection.PRINTING,
    "paused": PrinterConnection.PAUSED,
    "complete": PrinterConnection.OPERATIONAL,
    "cancelled": PrinterConnection.OPERATIONAL,
    "error": PrinterConnection.OPERATIONAL,
}
# Before this much is done the rest cannot be foretold by the place in the file.
LEAST_PROGRESS = 0.02


def result(answer: object) -> Mapping[str, Any]:
    """What stands under `result`; the upload's answer has none in some versions and is taken as it is."""
    whole_answer = mapping(answer)
    return mapping(whole_answer["result"]) if "result" in whole_answer else whole_answer


def klippy_connection(state: str) -> PrinterConnection:
    """Klippy's state as ours; UNKNOWN for a name we have not met."""
    return _KLIPPY.get(state, PrinterConnection.UNKNOWN)


def status_from_objects(objects: Mapping[str, Any]) -> PrinterStatus:
    """`result.status` of /printer/objects/query as a PrinterStatus, without last print.

    Raises:
        PrinterProtocolError: Klippy's state is not in it.
    """
    webhooks, stats = mapping(objects.get("webhooks")), mapping(objects.get("print_stats"))
    klippy = text(webhooks, "state")
    if not klippy:
        raise PrinterProtocolError("The printer's answer has no state")
    connection = klippy_connection(klippy)
    state = text(stats, "state")
    if connection is PrinterConnection.OPERATIONAL:
        connection = _PRINTS.get(state, PrinterConnection.UNKNOWN)
    error_text = text(webhooks, "state_message").partition("\n")[0] if connection is PrinterConnection.ERROR else ""
    if connection is PrinterConnection.OPERATIONAL and state == "error":
        error_text = text(stats, "message")
    print_time_s = number(stats.get("print_duration"))
    progress = _progress(objects) if connection.is_busy else None
    left_s = _left_by_file(print_time_s, progress)
    info = mapping(stats.get("info"))
    nozzle, bed = mapping(objects.get("extruder")), mapping(objects.get("heater_bed"))
    return PrinterStatus(
        connection=connection,
        remote_path=text(stats, "filename") or None,
        completion_pct=100.0 if state == "complete" else _percent(progress),
        print_time_s=seconds(print_time_s),
        time_left_s=left_s,
        error_text=error_text,
        layer=layer_number(info.get("current_layer")),
        layers=layer_number(info.get("total_layer")),
        nozzle_c=celsius(nozzle.get("temperature")),
        nozzle_target_c=celsius(nozzle.get("target")),
        bed_c=celsius(bed.get("temperature")),
        bed_target_c=celsius(bed.get("target")),
        time_left_origin="" if left_s is None else "file",
        filament_used_mm=number(stats.get("filament_used")),
    )


def _progress(objects: Mapping[str, Any]) -> float | None:
    """0 to 1: what the G-code itself tells (M73), else the place in the file."""
    told = number(mapping(objects.get("display_status")).get("progress"))
    return number(mapping(objects.get("virtual_sdcard")).get("progress")) if told is None else told


def _percent(progress: float | None) -> float | None:
    return None if progress is None else min(100 * progress, 100.0)


def _left_by_file(print_time_s: float | None, progress: float | None) -> int | None:
    if print_time_s is None or progress is None or not LEAST_PROGRESS <= progress <= 1:
        return None
    return seconds(print_time_s / progress - print_time_s)


def left_by_analysis(metadata: Mapping[str, Any], print_time_s: int | None) -> int | None:
    """The slicer's own estimate less what has passed, as introduction.md reckons it; None without one."""
    estimate_s = seconds(metadata.get("estimated_time"))
    return None if not estimate_s or print_time_s is None else max(estimate_s - print_time_s, 0)


def last_print_in(jobs: object, remote_path: str) -> LastPrint | None:
    """The newest ended print of this file in the history, which is given newest first."""
    for job in mappings(jobs):
        if text(job, "filename") != remote_path or text(job, "status") == "in_progress":
            continue
        # There is no end when Moonraker itself was cut off; then the start is all there is.
        ended_at = instant(job.get("end_time")) or _ended_by_duration(job)
        if ended_at is not None:
            status = text(job, "status")
            return LastPrint(
                status == "completed",
                ended_at,
                is_error=status not in ("completed", "cancelled"),
                print_time_s=seconds(job.get("print_duration")),
                filament_used_mm=number(job.get("filament_used")),
            )
    return None


def _ended_by_duration(job: Mapping[str, Any]) -> datetime | None:
    started_s, lasted_s = number(job.get("start_time")), number(job.get("total_duration"))
    return None if started_s is None else instant(started_s + (lasted_s or 0))


def size_in(files: object, name: str) -> int | None:
    """The size of the file of this name in a folder's list; None when it is not there."""
    return next((whole(file.get("size")) for file in mappings(files) if text(file, "filename") == name), None)
