"""Prusa printers over PrusaLink's REST API, version 1.

Written against spec/openapi.yaml of prusa3d/Prusa-Link-Web (1.0.0-draft). What it leaves out is from the two
servers' sources, prusa3d/Prusa-Link (on a Raspberry Pi) and lib/WUI of prusa3d/Prusa-Firmware-Buddy (on the printer):
the key goes in X-Api-Key, no file is named once a print is over, uploads make no folders on the printer itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from printing.backends.addresses import CheckedAddress
from printing.backends.answers import checked_kind, checked_remote_path, mapping, text, whole
from printing.backends.base import (
    LastPrint,
    PrinterConflict,
    PrinterConnection,
    PrinterRejected,
    PrinterStatus,
    Probe,
    RemoteFile,
    Timeouts,
)
from printing.backends.prusalink_answers import (
    FINISHED,
    STOPPED,
    job_id,
    name_on_printer,
    path_of_job,
    printer_state,
    software_of,
    status_from,
    storage_name,
)
from printing.backends.transport import printer_session, typed_errors

ENDINGS = (".gcode", ".gco", ".g", ".bgcode")
NO_CONTENT = 204
NOT_FOUND = 404
# What was once said to be running may be said to have ended; the printer itself names no file then.
_seen: dict[str, "_Sight"] = {}


@dataclass(frozen=True, slots=True)
class _Sight:
    """The file that was last seen running on a printer, for how long by then, and how it was seen to end."""

    remote_path: str
    ended: LastPrint | None = None
    print_time_s: int | None = None
    time_left_s: int | None = None

    def end(self, *, is_success: bool) -> LastPrint:
        """It ended since: what was left when it was last seen has been printed, if it came to its end."""
        lasted_s = self.print_time_s
        if lasted_s is not None and is_success:
            lasted_s += self.time_left_s or 0
        return LastPrint(is_success, datetime.now(UTC), print_time_s=lasted_s)


class PrusaLinkBackend:
    """One PrusaLink. Building it sends nothing; use it from one thread at a time.

    PrusaLink keeps no history. An end is reported for the file that this process saw running before, and for no
    other: after a restart in between there is no evidence, and a person must say how it ended.
    """

    def __init__(self, address: CheckedAddress, api_key: str, timeouts: Timeouts, *, ca_bundle: str = "") -> None:
        self._origin = address.origin
        self._who = f"{address.origin}{address.path_prefix}"
        self._timeouts = timeouts
        self._storage = ""
        self._session = printer_session(address, api_key, timeouts, ca_bundle)

    def probe(self) -> Probe:
        """Who answers there (1 request). A key of PrusaLink's allows everything."""
        answer = self._get("/api/version")
        version = text(answer, "firmware") or text(answer, "version") or text(answer, "server") or text(answer, "api")
        return Probe(version, is_octoprint=False, user_name="", permissions=frozenset(), software=software_of(answer))

    def connect(self) -> None:
        """Nothing is opened: PrusaLink holds the line to the printer. Only asks whether it answers (1 request)."""
        printer_state(self._get("/api/v1/status"))

    def upload(self, path: Path, remote_path: str, userdata: Mapping[str, Any]) -> RemoteFile:
        """Send a file in a stream (2 requests, 3 when it is there already). `userdata` is not kept.

        Raises:
            PrinterConflict: a file of another size is there, another upload is under way, or no storage.
            PrinterRejected: no G-code by its name.
            OSError: the local file cannot be read.
        """
        checked_kind(remote_path, ENDINGS)
        size_bytes = path.stat().st_size
        url = self._url(remote_path)
        try:
            with path.open("rb") as stream, typed_errors():
                self._session.put(
                    url,
                    data=stream,
                    headers={
                        "Content-Type": "application/octet-stream",
                        "Print-After-Upload": "?0",
                        "Overwrite": "?0",
                    },
                    # The connect timeout also counts for each write of the body: a USB stick stalls longer.
                    timeout=(max(self._timeouts.connect_s, self._timeouts.read_s), self._timeouts.upload_s),
                )
        except PrinterConflict:
            if self._size_bytes(url) != size_bytes:
                raise
        return RemoteFile(remote_path, size_bytes)

    def select_and_start(self, remote_path: str) -> None:
        """Print this file (2 requests).

        Raises:
            PrinterConflict: it is printing, or not ready.
            PrinterRejected: the file is not there.
        """
        checked_remote_path(remote_path)
        with typed_errors():
            self._session.post(self._url(remote_path))

    def status(self, *, with_temperatures: bool = False) -> PrinterStatus:
        """What the printer does now (1 request; 2 when it prints). Temperatures cost nothing."""
        answer = self._get("/api/v1/status")
        status = status_from(answer)
        if job_id(answer) is None:
            return self._after(status, printer_state(answer))
        job = self._get("/api/v1/job")
        remote_path = path_of_job(job)
        if remote_path is None:
            return status
        sight = _seen.get(self._who)
        # Some versions show the job for as long as its end is on the screen.
        if status.connection.is_busy or sight is None or sight.remote_path != remote_path:
            _seen[self._who] = _Sight(remote_path, None, status.print_time_s, status.time_left_s)
        status = replace(status, remote_path=remote_path)
        return status if status.connection.is_busy else self._after(status, printer_state(answer))

    def last_print(self, remote_path: str) -> LastPrint | None:
        """How this file's last print ended, if this process saw it running and no other after it (no request)."""
        sight = _seen.get(self._who)
        return sight.ended if sight is not None and sight.remote_path == remote_path else None

    def pause(self) -> None:
        """Pause the running print; success too when it is paused, PrinterConflict when there is none."""
        self._command("pause", PrinterConnection.PAUSED)

    def resume(self) -> None:
        """Go on with a paused print; success too when it is running, PrinterConflict when there is none."""
        self._command("resume", PrinterConnection.PRINTING)

    def cancel(self) -> None:
        """Cancel the running print; success too when nothing is printing (2 requests, 3 when refused)."""
        number = job_id(self._get("/api/v1/status"))
        if number is None:
            return
        try:
            with typed_errors():
                self._session.delete(f"{self._origin}/api/v1/job/{number}")
        except (PrinterConflict, PrinterRejected):
            if status_from(self._get("/api/v1/status")).connection.is_busy:
                raise

    def delete(self, remote_path: str) -> None:
        """Remove a file; success too when it is not there, PrinterConflict while it is in use."""
        checked_remote_path(remote_path)
        try:
            with typed_errors():
                self._session.delete(self._url(remote_path))
        except PrinterRejected as error:
            if error.status != NOT_FOUND:
                raise

    def _after(self, status: PrinterStatus, state: str) -> PrinterStatus:
        """The status between two prints, with the file that was seen running and how it ended."""
        sight = _seen.get(self._who)
        if sight is None:
            return status
        if sight.ended is None:
            if state not in (FINISHED, STOPPED):
                if status.connection.is_ready:
                    del _seen[self._who]  # its end was missed: whatever ends now is another one
                return status
            sight = replace(sight, ended=sight.end(is_success=state == FINISHED))
            _seen[self._who] = sight
        is_success = sight.ended is not None and sight.ended.is_success
        return replace(
            status,
            remote_path=sight.remote_path,
            completion_pct=100.0 if is_success else None,
            last_print=sight.ended,
        )

    def _command(self, verb: str, wanted: PrinterConnection) -> None:
        answer = self._get("/api/v1/status")
        number, connection = job_id(answer), status_from(answer).connection
        if number is None or not connection.is_busy:
            raise PrinterConflict("Nothing is being printed")
        if connection is wanted:
            return
        try:
            with typed_errors():
                self._session.put(f"{self._origin}/api/v1/job/{number}/{verb}")
        except PrinterRejected as error:
            # That job is over, and perhaps another one runs.
            if error.status == NOT_FOUND:
                raise PrinterConflict("Nothing is being printed", status=error.status) from None
            raise

    def _get(self, path: str) -> Mapping[str, Any]:
        with typed_errors():
            answer = self._session.get(f"{self._origin}{path}")
            return {} if answer.status_code == NO_CONTENT else mapping(answer.json())

    def _url(self, remote_path: str) -> str:
        if not self._storage:
            storage = storage_name(self._get("/api/v1/storage"))
            if storage is None:
                raise PrinterConflict("The printer has no storage that can be written to")
            self._storage = storage
        return f"{self._origin}/api/v1/files/{self._storage}/{name_on_printer(remote_path)}"

    def _size_bytes(self, url: str) -> int | None:
        try:
            with typed_errors():
                return whole(mapping(self._session.get(url).json()).get("size"))
        except PrinterRejected as error:
            if error.status != NOT_FOUND:
                raise
            return None
