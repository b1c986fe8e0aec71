"""A lab in which something goes wrong each time a print is started: drawn from a seed, on a clock of its own.

One round is one job: a fault around the start's request, what people do meanwhile, faults of the looks that follow,
and then the printer left alone until the job has ended. The printer counts what really began.
"""

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from printing.backends import Timeouts, prusalink
from printing.dispatch import active_job, visit
from printing.errors import WrongJobState
from printing.models import JobState, PrintCommand, Printer, PrintJob
from printing.models.job import ENDED
from printing.services import ask, confirm_bed_clear, wake
from printing.submitting import queue_job
from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.fake_prusalink import FakePrusaLink
from tests.factories import NOW, make_machine, make_person
from tests.printing.builders import fresh, make_printer, upload

KINDS = {"octoprint": FakeOctoPrint, "moonraker": FakeMoonraker, "prusalink": FakePrusaLink}
# As in production: nothing here ever waits for them, a time-out is raised at once and the clock moved on.
TIMEOUTS = Timeouts()
PRINT_S = 120
GCODE = b"G28\nG1 X10 F60000\nG4 S%d\n" % PRINT_S
VISITS_MOST = 40
FAULTS = (
    "none",
    "never arrives",
    "reset before it is read",
    "answer lost",
    "reset instead of an answer",
    "answer cut in half",
    "bad gateway after it began",
    "starts later",
    "selected and no more",
    "refused",
    "server error",
    "printer's server goes as it begins",
    "killed before the request",
    "killed after the request",
    "killed before our row moves",
)
MEANWHILE = ("nobody", "nobody", "nobody", "stop", "stop at once", "hurry", "hurry", "stopped at the printer")
LOOK_FAULTS = ("timeout", "reset", "killed")
RESET_ON_SERVER = {"reset before it is read": False, "reset instead of an answer": True, "answer cut in half": True}
# As Moonraker says when Klipper goes in the midst of a command.
BEGAN_BUT_SAID = {"bad gateway after it began": 502, "printer's server goes as it begins": 503}
AWAY_S = 45


class Killed(BaseException):
    """The worker's process ends here."""


@dataclass
class Round:
    """What was drawn, and what has come of it."""

    kind: str
    fault: str
    meanwhile: str
    bad_looks: list[str]
    late_s: float
    job: PrintJob
    looks_left: list[str]
    does: str = ""
    is_start_over: bool = False
    was_seen_running: bool = False
    was_running_at_the_end: bool = False
    was_killed_before: bool = False
    was_killed_later: bool = False
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        drawn = f"{self.kind}, {self.fault}, {self.meanwhile}, late {self.late_s:.1f} s, looks {self.bad_looks}"
        return f"{drawn}: {' → '.join(self.trace)}"


class World:
    """One printer of each kind; `play` is one round."""

    def __init__(self, seed: int, monkeypatch: Any) -> None:
        self.random = random.Random(seed)
        self.now = NOW
        self.person = make_person()
        self.file = upload(GCODE, "cube.gcode", self.person)
        self.servers = {kind: make() for kind, make in KINDS.items()}
        self.printers = {kind: self._printer(kind) for kind in KINDS}
        self.starts: list[str] = []
        self.back_at: dt.datetime | None = None
        self.late: list[tuple[dt.datetime, requests.PreparedRequest]] = []
        self.round: Round | None = None
        self._send = HTTPAdapter.send
        monkeypatch.setattr(HTTPAdapter, "send", lambda *given, **more: self._wire(*given, **more))
        for server in self.servers.values():
            self._count_starts(server.printer)
            self._hold_answers(server)

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()

    def play(self, kind: str, **given: Any) -> Round:
        """One job through one fault, to its end; what is not given (`fault`, `meanwhile`, …) is drawn."""
        draw, printer = self.random, self.printers[kind]
        drawn = {
            "bad_looks": [draw.choice(LOOK_FAULTS) for _ in range(draw.choice((0, 0, 0, 1, 2, 4)))],
            "fault": draw.choice(FAULTS),
            "meanwhile": draw.choice(MEANWHILE),
            "late_s": draw.uniform(0.5, 12),
        } | given
        job = queue_job(file=self.file, machine=printer.machine, person=self.person, by=self.person, now=self.now)
        self.round = Round(
            kind, **drawn, job=job, looks_left=[*drawn["bad_looks"]], does=drawn["meanwhile"]
        )  # fmt: skip
        for _ in range(VISITS_MOST):
            self._visit(printer)
            state = fresh(job).state
            self.round.trace.append(state)
            if self.round.is_start_over:
                self._people(printer, job)
            if (state in ENDED or state == JobState.LOST) and not self.late:
                break
            is_seen = self.round.trace[-2:] == [JobState.PRINTING] * 2
            self._wait_for_the_next_look(printer, PRINT_S if is_seen else 0)
        self.round.was_running_at_the_end = self.is_running(self.round)
        self.advance(PRINT_S)
        return self.round

    def clean_up(self, kind: str) -> None:
        """For the next round: whatever prints is taken off, and the bed said to be clear."""
        remote = self.servers[kind].printer
        if remote.going_since is not None:
            remote.cancel()
        confirm_bed_clear(machine=self.printers[kind].machine, by=self.person, now=self.now)
        Printer.objects.update(failures=0, unreachable_since=None, error_code="")

    def is_running(self, round_: Round) -> bool:
        """Whether the printer is at work on the round's job."""
        remote = self.servers[round_.kind].printer
        return remote.going_since is not None and _path(remote.selected) == round_.job.remote_path

    def started(self, round_: Round) -> int:
        return self.starts.count(round_.job.remote_path)

    def advance(self, seconds: float) -> None:
        """Time goes by here and at the printers; what was held up on its way arrives."""
        step_until = self.now + dt.timedelta(seconds=seconds)
        for due_at, request in sorted(self.late, key=lambda each: each[0]):
            if due_at <= step_until:
                self._pass((due_at - self.now).total_seconds())
                self.late = [each for each in self.late if each[1] is not request]
                self._send(HTTPAdapter(), request, timeout=5)
        self._pass((step_until - self.now).total_seconds())

    def _pass(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)
        if self.back_at is not None and self.now >= self.back_at:
            self.servers["moonraker"].printer.is_connected, self.back_at = True, None
        for server in self.servers.values():
            if server.printer.going_since is not None:
                server.printer.going_since -= seconds
            server.printer.state()

    def _visit(self, printer: Printer) -> None:
        row = Printer.objects.select_related("machine__unit__site", "machine__category", "spool").get(pk=printer.pk)
        try:
            visit(row, now=self.now, timeouts=TIMEOUTS)
        except Killed:
            # What only the process knew is gone, and another one comes once the claim has run out.
            prusalink._seen.clear()
            self.advance(60)

    def _wait_for_the_next_look(self, printer: Printer, at_least_s: float) -> None:
        next_poll_at = Printer.objects.values_list("next_poll_at", flat=True).get(pk=printer.pk)
        self.advance(max((next_poll_at - self.now).total_seconds(), at_least_s, 0.5))

    def _people(self, printer: Printer, job: PrintJob) -> None:
        round_ = self.round
        assert round_ is not None
        does = round_.does
        if does != "hurry":
            round_.does = "nobody"
        if does == "stop":
            self._ask_to_stop(job)
        elif does == "hurry" and len(round_.trace) < 6:
            # As a page does of which somebody else hands a print in: the worker comes at once, again and again.
            wake(printer.machine, self.now)
        elif does == "stopped at the printer" and self.is_running(round_):
            self.servers[round_.kind].printer.cancel()

    def _ask_to_stop(self, job: PrintJob) -> None:
        try:
            ask(job=fresh(job), kind=PrintCommand.Kind.CANCEL, by=self.person, now=self.now)
        except WrongJobState:
            return

    def _wire(self, adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        round_ = self.round
        if round_ is None or not round_.is_start_over:
            if round_ is not None and _is_start(round_.kind, request):
                round_.is_start_over = True
                return self._start(adapter, request, options, round_)
            is_killed = round_ is not None and round_.fault == "killed before our row moves"
            if is_killed and not round_.was_killed_before and self._is_sent(round_):
                round_.was_killed_before = True
                raise Killed
            return self._send(adapter, request, **options)
        if round_.looks_left and request.method == "GET":
            fault = round_.looks_left.pop(0)
            if fault == "killed":
                round_.was_killed_later = True
                raise Killed
            if fault == "timeout":
                self.advance(TIMEOUTS.read_s)
                raise requests.ReadTimeout
            raise requests.ConnectionError
        answer = self._send(adapter, request, **options)
        round_.was_seen_running |= self.is_running(round_)
        return answer

    def _is_sent(self, round_: Round) -> bool:
        return fresh(round_.job).state == JobState.UPLOADED

    def _start(
        self, adapter: HTTPAdapter, request: requests.PreparedRequest, options: dict[str, Any], round_: Round
    ) -> requests.Response:
        fault, server = round_.fault, self.servers[round_.kind]
        if round_.does == "stop at once":
            self._ask_to_stop(round_.job)
        if fault == "killed before the request":
            raise Killed
        if fault in ("never arrives", "selected and no more"):
            if fault != "never arrives" and round_.kind == "octoprint":
                server.printer.selected, server.printer.completion = round_.job.remote_path, None
            self.advance(TIMEOUTS.connect_s)
            raise requests.ConnectTimeout
        if fault == "starts later":
            self.late.append((self.now + dt.timedelta(seconds=TIMEOUTS.read_s + round_.late_s), request))
            self.advance(TIMEOUTS.read_s)
            raise requests.ReadTimeout
        server.planned = fault
        if fault == "printer's server goes as it begins" and round_.kind == "moonraker":
            self._klipper_goes(server.printer)
        answer = self._send(adapter, request, **options)
        if fault == "killed after the request":
            raise Killed
        if fault == "answer lost":
            self.advance(TIMEOUTS.read_s)
            raise requests.ReadTimeout
        return answer

    def _klipper_goes(self, remote: Any) -> None:
        """Right after it has begun: the print breaks off, and Klipper is away for a while."""
        begin = remote.start

        def start(path: str) -> None:
            begin(path)
            remote.break_off("MCU 'mcu' shutdown")
            remote.is_connected, remote.start = False, begin
            self.back_at = self.now + dt.timedelta(seconds=AWAY_S)

        remote.start = start

    def _printer(self, kind: str) -> Printer:
        server = self.servers[kind]
        server.printer.is_connected = True
        row = make_printer(make_machine(), server.url, server.api_key)
        Printer.objects.filter(pk=row.pk).update(kind=kind, is_unattended=True)
        row.refresh_from_db()
        return row

    def _count_starts(self, remote: Any) -> None:
        begin = remote.start

        def start(path: str) -> None:
            self.starts.append(_path(path))
            begin(path)

        remote.start = start

    def _hold_answers(self, server: Any) -> None:
        """The server's own faults, at the planned request only."""
        server.planned = ""
        server._server.RequestHandlerClass = _planned(server._server.RequestHandlerClass)


def _planned(handler: Any) -> Any:
    class Planned(handler):
        # Headers and body are two writes: each answer would else wait for an acknowledgement of the first.
        disable_nagle_algorithm = True

        def respond(self, fake: Any, body: bytes) -> None:
            planned, fake.planned = fake.planned, ""
            if planned in RESET_ON_SERVER:
                if RESET_ON_SERVER[planned]:
                    self.answer = lambda *_answer, **_headers: None
                    super().respond(fake, body)
                    del self.answer
                if planned == "answer cut in half":
                    self.wfile.write(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{"
                    )
                    self.close_connection = True
                else:
                    self._reset(fake)
            elif planned == "refused":
                self.answer(400 if fake.kind == "moonraker" else 409, {"error": "no"})
            elif planned == "server error":
                self.answer(500, {"error": "SECRET-BODY"})
            elif planned in BEGAN_BUT_SAID:
                self.answer = lambda *_answer, **_headers: None
                super().respond(fake, body)
                del self.answer
                self.answer(BEGAN_BUT_SAID[planned], {"error": "SECRET-BODY"})
            else:
                super().respond(fake, body)

    return Planned


def _is_start(kind: str, request: requests.PreparedRequest) -> bool:
    path = request.path_url
    if request.method != "POST":
        return False
    if kind == "octoprint":
        return path.startswith("/api/files/local/fablab/")
    return path.startswith("/printer/print/start") if kind == "moonraker" else path.startswith("/api/v1/files/")


def _path(name: str | None) -> str:
    """Our path of what the printer calls it."""
    return (name or "").replace("@", "/")


def is_taken(world: World, kind: str) -> bool:
    return active_job(world.printers[kind]) is not None
