"""OctoPrint 1.11 and 2.0 over octorest 0.4, kept behind a session that cures its lack of limits.

octorest has no timeout, follows redirects with the key, and loses `path` and `userdata` on upload: the first
two are the session's business (`transport.py`), the upload is done here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from octorest import OctoRest
from requests_toolbelt import MultipartEncoder

from printing.backends.addresses import CheckedAddress
from printing.backends.answers import checked_remote_path, mapping, text
from printing.backends.base import (
    LastPrint,
    PrinterConflict,
    PrinterConnection,
    PrinterProtocolError,
    PrinterRejected,
    PrinterStatus,
    Probe,
    RemoteFile,
    Timeouts,
)
from printing.backends.octoprint_answers import (
    add_temperatures,
    connection_from_flags,
    connection_from_text,
    file_size_bytes,
    has_broken_off,
    last_print_of,
    status_from_job,
)
from printing.backends.transport import printer_session, typed_errors

BAD_REQUEST = 400
NOT_FOUND = 404
# 2.0 knows other links than the serial one, and tells which it prefers to those only who ask for its new format;
# whoever asks in the old format gets the serial one. 1.11 takes no notice.
NEXT_FORMAT = {"X-OctoPrint-Api-Version": "2.0.0"}


class OctoPrintBackend:
    """One OctoPrint server. Building it sends nothing; use it from one thread at a time."""

    def __init__(self, address: CheckedAddress, api_key: str, timeouts: Timeouts, *, ca_bundle: str = "") -> None:
        self._origin = address.origin
        self._timeouts = timeouts
        self._session = printer_session(address, api_key, timeouts, ca_bundle)
        # No `apikey=`: it would send a request at once. The session has the header already.
        self._client = OctoRest(url=address.origin, session=self._session)

    def probe(self) -> Probe:
        """Who answers there, and what the key allows (2 requests)."""
        with typed_errors():
            version = mapping(self._client.get_version())
            is_octoprint = text(version, "text").startswith("OctoPrint")
            if not is_octoprint:
                return Probe(text(version, "server"), is_octoprint=False, user_name="", permissions=frozenset())
            user = mapping(self._get("/api/currentuser"))
        permissions = user.get("permissions")
        return Probe(
            version=text(version, "server"),
            is_octoprint=True,
            user_name=text(user, "name"),
            permissions=frozenset(str(name) for name in permissions) if isinstance(permissions, list) else frozenset(),
            software="OctoPrint",
        )

    def connect(self) -> None:
        """Open the link as the server prefers to; does nothing when it is open (2 requests).

        Takes effect a moment after the return.
        """
        with typed_errors():
            answer = mapping(self._get("/api/connection", NEXT_FORMAT))
            connection = connection_from_text(text(mapping(answer.get("current")), "state"))
            # Connecting anew in the middle of a print would end it.
            if connection not in (PrinterConnection.OFFLINE, PrinterConnection.ERROR, PrinterConnection.UNKNOWN):
                return
            preferred = mapping(mapping(answer.get("options")).get("preferredConnector"))
            if not text(preferred, "connector"):
                self._client.connect()
                return
            wish = {
                "command": "connect",
                "connector": text(preferred, "connector"),
                "parameters": dict(mapping(preferred.get("parameters"))),
            }
            self._session.post(f"{self._origin}/api/connection", json=wish, headers=NEXT_FORMAT)

    def upload(self, path: Path, remote_path: str, userdata: Mapping[str, Any]) -> RemoteFile:
        """Send a file in a stream; `userdata` comes back in OctoPrint's Upload event.

        A file of the same size already there is what an earlier try left: success. So the path must be one
        that no other content ever has, such as fablab/<job>/<name>.

        Raises:
            PrinterConflict: a file of another size is there.
            OSError: the local file cannot be read.
        """
        folder, _slash, name = checked_remote_path(remote_path).rpartition("/")
        size_bytes = path.stat().st_size
        try:
            with self._command(), path.open("rb") as stream:
                form = MultipartEncoder(
                    {
                        "path": folder,
                        "userdata": json.dumps(dict(userdata)),
                        "noOverwrite": "true",
                        "select": "false",
                        "print": "false",
                        "file": (name, stream, "application/octet-stream"),
                    }
                )
                answer = self._session.post(
                    f"{self._origin}/api/files/local",
                    data=form,
                    headers={"Content-Type": form.content_type},
                    # The connect timeout also counts for each write of the body: a Pi's card stalls longer.
                    timeout=(max(self._timeouts.connect_s, self._timeouts.read_s), self._timeouts.upload_s),
                ).json()
        except PrinterConflict:
            if self._size_bytes(remote_path) != size_bytes:
                raise
            return RemoteFile(remote_path, size_bytes)
        stored = text(mapping(mapping(mapping(answer).get("files")).get("local")), "path")
        if stored != remote_path:
            raise PrinterProtocolError("The printer stored the file under another name")
        return RemoteFile(remote_path, size_bytes)

    def select_and_start(self, remote_path: str) -> None:
        """Print this file.

        Raises:
            PrinterConflict: it is printing, or offline (OctoPrint gives the same text for both).
            PrinterRejected: the file is not there.
        """
        with self._command():
            self._client.select(f"local/{checked_remote_path(remote_path)}", print=True)

    def status(self, *, with_temperatures: bool = False) -> PrinterStatus:
        """What the printer does now (1 request; 2 when idle with a file, or when the state's name is new).

        Temperatures take one more.
        """
        with typed_errors():
            job = mapping(self._client.job_info())
            connection = connection_from_text(text(job, "state"))
            if connection is PrinterConnection.UNKNOWN:
                connection = self._connection_from_flags()
        status = status_from_job(job, connection)
        if status.remote_path is not None and not connection.is_busy:
            status = status_from_job(job, connection, last_print_of(self._file(status.remote_path)))
        printer = self._printer("sd,state") if with_temperatures else None
        return status if printer is None else add_temperatures(status, printer)

    def last_print(self, remote_path: str) -> LastPrint | None:
        """How this file's last print ended; None if it never ended or the file is gone (1 request; 2 for no success).

        OctoPrint's record does not tell a failed print from a cancelled one, its state does: see `has_broken_off`.
        """
        last = last_print_of(self._file(remote_path))
        if last is None or last.is_success:
            return last
        with typed_errors():
            return replace(last, is_error=has_broken_off(mapping(self._client.job_info())), is_inferred=True)

    def pause(self) -> None:
        """Pause the running print; PrinterConflict when there is none."""
        with self._command():
            self._client.pause()

    def resume(self) -> None:
        """Go on with a paused print; PrinterConflict when there is none."""
        with self._command():
            self._client.resume()

    def cancel(self) -> None:
        """Cancel the running print; success too when nothing is printing or it is being cancelled."""
        try:
            with self._command():
                self._client.cancel()
        except PrinterConflict:
            connection = self.status().connection
            if connection.is_busy and connection is not PrinterConnection.CANCELLING:
                raise

    def delete(self, remote_path: str) -> None:
        """Remove a file; success too when it is not there, PrinterConflict while it is in use."""
        try:
            with self._command():
                self._client.delete(f"local/{checked_remote_path(remote_path)}")
        except PrinterRejected as error:
            if error.status != NOT_FOUND:
                raise

    @contextmanager
    def _command(self) -> Iterator[None]:
        try:
            with typed_errors():
                yield
        except PrinterRejected as error:
            # Only requests with a valid key are exempt from OctoPrint's CSRF check, so a POST with a wrong key
            # is answered 400 and not 403 (1.11.8). A GET tells the two apart.
            if error.status == BAD_REQUEST:
                with typed_errors():
                    self._client.get_version()
            raise

    def _get(self, path: str, headers: Mapping[str, str] | None = None) -> object:
        return self._session.get(f"{self._origin}{path}", headers=headers).json()

    def _file(self, remote_path: str) -> Mapping[str, Any]:
        try:
            with typed_errors():
                return mapping(self._client.files_info("local", checked_remote_path(remote_path)))
        except PrinterRejected as error:
            if error.status != NOT_FOUND:
                raise
            return {}

    def _size_bytes(self, remote_path: str) -> int | None:
        return file_size_bytes(self._file(remote_path))

    def _connection_from_flags(self) -> PrinterConnection:
        printer = self._printer("temperature,sd")
        if printer is None:
            return PrinterConnection.OFFLINE
        return connection_from_flags(mapping(mapping(printer.get("state")).get("flags")))

    def _printer(self, exclude: str) -> Mapping[str, Any] | None:
        try:
            with typed_errors():
                return mapping(self._client.printer(exclude=exclude))
        except PrinterConflict:
            return None  # its answer whenever the printer is not operational
