"""Klipper printers over Moonraker's REST API.

Written against Moonraker's docs/external_api (API 1.5): introduction.md, server.md, printer.md, file_manager.md,
history.md, authorization.md. What they leave out is from its source: a file that is loaded is protected with 403
(file_manager.py), and what Klipper refuses comes back as 400, whatever the reason (klippy_connection.py).
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from requests_toolbelt import MultipartEncoder

from printing.backends.addresses import CheckedAddress
from printing.backends.answers import checked_kind, checked_remote_path, mapping, text, whole
from printing.backends.base import (
    LastPrint,
    PrinterAuthError,
    PrinterConflict,
    PrinterConnection,
    PrinterError,
    PrinterProtocolError,
    PrinterRejected,
    PrinterStatus,
    PrinterUnreachable,
    Probe,
    RemoteFile,
    Timeouts,
)
from printing.backends.moonraker_answers import (
    klippy_connection,
    last_print_in,
    left_by_analysis,
    result,
    size_in,
    status_from_objects,
)
from printing.backends.transport import printer_session, typed_errors

ENDINGS = (".gcode", ".gco", ".g")
STATUS = (
    "/printer/objects/query?webhooks&print_stats&virtual_sdcard&display_status"
    "&extruder=temperature,target&heater_bed=temperature,target"
)
HISTORY_JOBS = 30
FORBIDDEN = 403
UNPROCESSABLE = 422
UNAVAILABLE = 503
# Many PAUSE and CANCEL_PRINT macros move the head first; the answer comes when they are done.
_PRINTING = frozenset({PrinterConnection.PRINTING, PrinterConnection.PAUSED})


class MoonrakerBackend:
    """One Moonraker. Building it sends nothing; use it from one thread at a time."""

    def __init__(self, address: CheckedAddress, api_key: str, timeouts: Timeouts, *, ca_bundle: str = "") -> None:
        self._origin = address.origin
        self._timeouts = timeouts
        self._session = printer_session(address, api_key, timeouts, ca_bundle)

    def probe(self) -> Probe:
        """Who answers there (1 request). A key of Moonraker's allows everything."""
        version = text(self._get("/server/info"), "moonraker_version")
        software = "Moonraker" if version else ""
        return Probe(version, is_octoprint=False, user_name="", permissions=frozenset(), software=software)

    def connect(self) -> None:
        """Nothing is opened: Moonraker holds the line to Klipper by itself. Only asks who answers (1 request).

        After an emergency stop a person must look before Klipper is restarted.
        """
        self._get("/server/info")

    def upload(self, path: Path, remote_path: str, userdata: Mapping[str, Any]) -> RemoteFile:
        """Send a file in a stream, with its SHA-256, which the server checks (2 requests). `userdata` is not kept.

        Moonraker overwrites without asking, so what is there is looked at first.

        Raises:
            PrinterConflict: a file of another size is there, or it is being printed.
            PrinterRejected: no G-code by its name, or too large for the server.
            OSError: the local file cannot be read.
        """
        checked_kind(remote_path, ENDINGS)
        size_bytes = path.stat().st_size
        found_bytes = self._size_bytes(remote_path)
        if found_bytes == size_bytes:
            return RemoteFile(remote_path, size_bytes)
        if found_bytes is not None:
            raise PrinterConflict("Another file of this name is there")
        try:
            item = mapping(result(self._send(path, remote_path)).get("item"))
        except PrinterRejected as error:
            if error.status == UNPROCESSABLE:
                raise PrinterProtocolError("The file was damaged on its way", status=error.status) from None
            raise
        if (text(item, "path"), whole(item.get("size"))) != (remote_path, size_bytes):
            raise PrinterProtocolError("The printer stored something else")
        return RemoteFile(remote_path, size_bytes)

    def select_and_start(self, remote_path: str) -> None:
        """Print this file.

        Raises:
            PrinterConflict: it is printing, or Klipper is not ready.
            PrinterRejected: the file is not there.
        """
        checked_remote_path(remote_path)
        try:
            self._post("/printer/print/start", filename=remote_path)
        except PrinterRejected as error:
            # Klipper answers 400 to everything it cannot do: which of the two it was must be looked up.
            if self._size_bytes(remote_path) is None:
                raise
            raise PrinterConflict("The printer cannot start now", status=error.status) from None
        except PrinterUnreachable as error:
            if error.status == UNAVAILABLE and self._klippy() is not PrinterConnection.OPERATIONAL:
                raise PrinterConflict("Klipper is not there", status=error.status) from None
            raise

    def status(self, *, with_temperatures: bool = False) -> PrinterStatus:
        """What the printer does now: 1 request; 2 when idle with a file, when Klipper is away, or with temperatures.

        With temperatures the time left goes by the slicer's estimate instead of the place in the file.
        """
        status = self._read()
        if status.remote_path is None:
            return status
        if not status.connection.is_busy:
            return replace(status, last_print=self.last_print(status.remote_path))
        return self._with_analysis(status) if with_temperatures else status

    def last_print(self, remote_path: str) -> LastPrint | None:
        """How this file's last print ended, if it is among the 30 last ones (1 request)."""
        history = self._get("/server/history/list", limit=str(HISTORY_JOBS), order="desc")
        return last_print_in(history.get("jobs"), remote_path)

    def pause(self) -> None:
        """Pause the running print; success too when it is paused, PrinterConflict when there is none."""
        # Without a print Klipper would take the command and count as paused from then on.
        if self._printing() is PrinterConnection.PRINTING:
            self._post("/printer/print/pause")

    def resume(self) -> None:
        """Go on with a paused print; success too when it is running, PrinterConflict when there is none."""
        if self._printing() is PrinterConnection.PAUSED:
            self._post("/printer/print/resume")

    def cancel(self) -> None:
        """Cancel the running print; success too when nothing is printing."""
        try:
            self._printing()
        except PrinterConflict:
            return  # the macro would move the head and cool down all the same
        self._post("/printer/print/cancel")

    def delete(self, remote_path: str) -> None:
        """Remove a file and the folder that it leaves empty; success too when it is not there (2 requests).

        PrinterConflict while it is in use.
        """
        folder, slash, _name = checked_remote_path(remote_path).rpartition("/")
        try:
            self._delete(f"/server/files/gcodes/{remote_path}")
        except PrinterRejected:
            if self._size_bytes(remote_path) is not None:
                raise
        if slash:
            with contextlib.suppress(PrinterError):  # what is left empty is a blemish, no failure
                self._delete("/server/files/directory", path=f"gcodes/{folder}", force="false")

    def _delete(self, path: str, /, **params: str) -> None:
        with self._command():
            self._session.delete(f"{self._origin}{path}", params=params)

    @contextlib.contextmanager
    def _command(self) -> Iterator[None]:
        try:
            with typed_errors():
                yield
        except PrinterAuthError as error:
            # A wrong key is 401. 403 protects the loaded file, but a proxy may say it too: a GET tells them apart.
            if error.status != FORBIDDEN:
                raise
            self._get("/server/info")
            raise PrinterConflict("The file is in use", status=error.status) from None

    def _get(self, path: str, /, **params: str) -> Mapping[str, Any]:
        with typed_errors():
            return result(self._session.get(f"{self._origin}{path}", params=params).json())

    def _post(self, path: str, /, **params: str) -> None:
        with self._command():
            self._session.post(f"{self._origin}{path}", params=params)

    def _send(self, path: Path, remote_path: str) -> object:
        folder, _slash, name = remote_path.rpartition("/")
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            fields = {"root": "gcodes", "path": folder, "print": "false", "checksum": digest}
            form = MultipartEncoder({**fields, "file": (name, stream, "application/octet-stream")})
            with self._command():
                return self._session.post(
                    f"{self._origin}/server/files/upload",
                    data=form,
                    headers={"Content-Type": form.content_type},
                    # The connect timeout also counts for each write of the body: a Pi's card stalls longer.
                    timeout=(max(self._timeouts.connect_s, self._timeouts.read_s), self._timeouts.upload_s),
                ).json()

    def _read(self) -> PrinterStatus:
        try:
            return status_from_objects(mapping(self._get(STATUS).get("status")))
        except PrinterUnreachable as error:
            # 503 is Moonraker's word for "Klipper is not there", and also that of a proxy without Moonraker.
            if error.status != UNAVAILABLE:
                raise
            connection = self._klippy()
            if connection is PrinterConnection.OPERATIONAL:
                raise
            return PrinterStatus(connection)

    def _klippy(self) -> PrinterConnection:
        return klippy_connection(text(self._get("/server/info"), "klippy_state"))

    def _printing(self) -> PrinterConnection:
        connection = self._read().connection
        if connection not in _PRINTING:
            raise PrinterConflict("Nothing is being printed")
        return connection

    def _size_bytes(self, remote_path: str) -> int | None:
        folder, slash, name = remote_path.rpartition("/")
        try:
            found = self._get("/server/files/directory", path=f"gcodes{slash}{folder}")
        except PrinterRejected:
            return None  # its answer for a folder that is not there
        return size_in(found.get("files"), name)

    def _with_analysis(self, status: PrinterStatus) -> PrinterStatus:
        try:
            metadata = self._get("/server/files/metadata", filename=status.remote_path or "")
        except PrinterRejected:
            return status  # not every slicer's file can be read
        left_s = left_by_analysis(metadata, status.print_time_s)
        return status if left_s is None else replace(status, time_left_s=left_s, time_left_origin="slicer")
