"""What every printer back-end offers, whatever the printer speaks, and the only errors it may raise."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol


class PrinterError(Exception):
    """A printer could not do what was asked.

    `code` is stable; the text is for the log. Neither holds the key nor anything the other side wrote.
    `status` is the HTTP status, when there was one.
    """

    code: ClassVar[str] = "printer_error"

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


class PrinterUnreachable(PrinterError):
    """No answer: off, no network, too slow. Reading may be repeated; a command only after `status()`."""

    code = "printer_unreachable"


class PrinterAuthError(PrinterError):
    """The key is refused or lacks a permission. Repeating is useless: a manager must act."""

    code = "printer_auth"


class PrinterConflict(PrinterError):
    """Not possible in the printer's present state. Read `status()`, then decide: the reason is unreliable."""

    code = "printer_conflict"


class PrinterRejected(PrinterError):
    """The request itself is refused: unknown file, wrong kind of file, wrong name, too large."""

    code = "printer_rejected"


class PrinterProtocolError(PrinterError):
    """The answer is not that of the expected software: a login page, a redirect, missing fields."""

    code = "printer_protocol"


class PrinterConnection(enum.StrEnum):
    """What the printer does, as its server reports it."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    OPERATIONAL = "operational"
    STARTING = "starting"
    PRINTING = "printing"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    CANCELLING = "cancelling"
    FINISHING = "finishing"
    ERROR = "error"
    UNKNOWN = "unknown"

    @property
    def is_busy(self) -> bool:
        """A print is under way, be it paused, ending or being cancelled."""
        return self in _BUSY

    @property
    def is_ready(self) -> bool:
        """A print may be started."""
        return self is PrinterConnection.OPERATIONAL


_BUSY = frozenset(
    {
        PrinterConnection.STARTING,
        PrinterConnection.PRINTING,
        PrinterConnection.PAUSING,
        PrinterConnection.PAUSED,
        PrinterConnection.RESUMING,
        PrinterConnection.CANCELLING,
        PrinterConnection.FINISHING,
    }
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds: to connect, for an answer, for the answer to an upload.

    An answer must also be complete within twice `read_s`.
    """

    connect_s: float = 3.05
    read_s: float = 15.0
    upload_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Who answers at this address, and what our key may do there.

    `software` is "OctoPrint", "Moonraker", "PrusaLink" or "" for something else. Only OctoPrint tells what a
    key allows; elsewhere a key allows everything.
    """

    version: str
    is_octoprint: bool
    user_name: str
    permissions: frozenset[str]
    software: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of back-end can do. `takes` are kinds of files: gcode, bgcode, gcode_3mf."""

    takes: frozenset[str]
    reports_layers: bool
    reports_temperatures: bool
    has_camera: bool


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the printer's server."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LastPrint:
    """How a file's last print ended. A power cut leaves no trace here.

    `is_error`: it broke off by itself. Moonraker's record tells this from a cancelled one; OctoPrint's does not: its
    link is looked at (`is_inferred`), which somebody may have closed since. `print_time_s` is without the pauses where
    the printer leaves them out.
    """

    is_success: bool
    ended_at: datetime
    is_error: bool = False
    is_inferred: bool = False
    print_time_s: int | None = None
    filament_used_mm: float | None = None


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """One reading. `completion_pct` is 0 to 100; 100 with our file and not busy means it is finished.

    `last_print` is that of the selected file, read only when the printer is not busy.
    `time_left_origin` says what the time left was reckoned from: the "printer" itself, the "slicer" (its estimate less
    what has passed), "analysis" of the commands, "earlier" prints of the file, the place in the "file", or "" when
    nobody says. `layer` counts from 1, of `layers`; `file_position_bytes` is how far the file has been read.
    """

    connection: PrinterConnection
    remote_path: str | None = None
    completion_pct: float | None = None
    print_time_s: int | None = None
    time_left_s: int | None = None
    error_text: str = ""
    last_print: LastPrint | None = None
    layer: int | None = None
    layers: int | None = None
    nozzle_c: float | None = None
    nozzle_target_c: float | None = None
    bed_c: float | None = None
    bed_target_c: float | None = None
    time_left_origin: str = ""
    filament_used_mm: float | None = None
    file_position_bytes: int | None = None


class PrinterBackend(Protocol):
    """A printer we command. Every method may raise any `PrinterError`; none repeats a request by itself."""

    def probe(self) -> Probe:
        """Who answers there, and what the key allows."""

    def connect(self) -> None:
        """Open the link between server and printer, unless it is open. Takes effect after the return."""

    def upload(self, path: Path, remote_path: str, userdata: Mapping[str, Any]) -> RemoteFile:
        """Send a file; one of the same size already there is a success, another size a PrinterConflict."""

    def select_and_start(self, remote_path: str) -> None:
        """Print this file. After PrinterUnreachable read `status()`; never just repeat."""

    def status(self, *, with_temperatures: bool = False) -> PrinterStatus:
        """What the printer does now; with temperatures when asked, which may take one request more."""

    def last_print(self, remote_path: str) -> LastPrint | None:
        """How this file's last print ended; None if it never ended or the file is gone."""

    def pause(self) -> None:
        """Pause the running print."""

    def resume(self) -> None:
        """Go on with a paused print."""

    def cancel(self) -> None:
        """Cancel the running print; success too when nothing is printing."""

    def delete(self, remote_path: str) -> None:
        """Remove a file; success too when it is not there, PrinterConflict while it is in use."""
