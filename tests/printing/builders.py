"""A lab with one 3D printer: its rows, a printer server with faults to choose from, a clock that only tests move."""

import datetime as dt
import io

from fablab.lib.secretbox import seal
from machines.models import Machine
from people.models import Person
from printing.backends import Timeouts
from printing.dispatch import visit
from printing.files import store_file
from printing.models import JobState, PrintCommand, Printer, PrintFile, PrintJob
from printing.services import ask, confirm_bed_clear
from printing.submitting import queue_job
from reservations.life import check_in
from reservations.models import HeldUnit, Reservation
from tests.contract.fake_octoprint import FakeOctoPrint, FakePrinter
from tests.factories import NOW, at, make_machine, make_person, reserve

TINY = Timeouts(connect_s=0.6, read_s=0.6, upload_s=1)
# Half a minute on the fake printer, which counts the dwells only.
GCODE = b"G28\nG1 X10 F60000\nG4 S30\n"
LIFE = [
    JobState.DRAFT,
    JobState.QUEUED,
    JobState.DISPATCHING,
    JobState.UPLOADED,
    JobState.STARTING,
    JobState.PRINTING,
]


class Disk(dict[str, bytes]):
    """The server's files; a write may fail, before or after it is done."""

    fault = ""

    def __setitem__(self, path: str, content: bytes) -> None:
        if self.fault == "full":
            raise OSError("no space")
        super().__setitem__(path, content)
        if self.fault == "dies after writing":
            raise OSError("killed")


class FaultyPrinter(FakePrinter):
    """The fake printer, and what it cannot be asked for over HTTP. An exception here ends the request unanswered."""

    def __init__(self) -> None:
        super().__init__()
        self.files = Disk()
        self.starts: list[str] = []
        self.start_fault = ""
        self.error: str | None = None

    def start(self, path: str) -> None:
        self.starts.append(path)
        if self.start_fault == "dies before":
            raise OSError("killed")
        super().start(path)
        if self.start_fault == "dies after":
            raise OSError("killed")

    def pass_time(self, seconds: float) -> None:
        """The print goes on for so long."""
        self.going_since -= seconds

    def fail(self, error: str) -> None:
        """A fatal error: the print has failed, the printer is off the line."""
        if self.going_since is not None:
            self._end(None, is_success=False)
        self.vanish()
        self.error = error

    def state(self) -> str:
        return "Offline after error" if self.error is not None else str(super().state())

    def job(self) -> dict[str, object]:
        return super().job() | ({"error": self.error} if self.error else {})


class Lab:
    """One printer, one person with a reservation of it. `tick` is one visit of a worker that knows nothing yet."""

    def __init__(self, *, has_checked_in: bool = True) -> None:
        self.server = FakeOctoPrint()
        self.server.printer = self.remote = FaultyPrinter()
        self.remote.is_connected = True
        self.now = NOW
        self.machine = make_machine()
        self.printer = make_printer(self.machine, self.server.url, self.server.api_key)
        self.person = make_person()
        self.reservation = book(self.machine, self.person)
        if has_checked_in:
            check_in(reservation=self.reservation, now=self.now)

    def queue(self, content: bytes = GCODE, name: str = "cube.gcode", person: Person | None = None) -> PrintJob:
        who = person or self.person
        file = upload(content, name, who)
        return queue_job(file=file, machine=self.machine, person=who, by=who, now=self.now)

    def tick(self, seconds: float = 2) -> None:
        self.now += dt.timedelta(seconds=seconds)
        visit(self.row(), now=self.now, timeouts=TINY)

    def ticks(self, count: int, seconds: float = 2) -> None:
        for _ in range(count):
            self.tick(seconds)

    def row(self) -> Printer:
        return Printer.objects.select_related("machine__unit__site", "machine__category", "spool").get(
            pk=self.printer.pk
        )

    def ask(self, job: PrintJob, kind: str) -> PrintJob:
        return ask(job=job, kind=PrintCommand.Kind(kind), by=self.person, now=self.now)

    def clear_bed(self) -> None:
        confirm_bed_clear(machine=self.machine, by=self.person, now=self.now)

    def printing(self, content: bytes = GCODE) -> PrintJob:
        """A job that is seen printing."""
        job = self.queue(content)
        self.ticks(2)
        assert fresh(job).state == JobState.PRINTING
        return fresh(job)


def make_printer(machine: Machine, url: str, api_key: str) -> Printer:
    return Printer.objects.create(machine=machine, base_url=url, api_key_sealed=seal(api_key), next_poll_at=NOW)


def book(machine: Machine, person: Person, start: str = "09:00", end: str = "11:00") -> Reservation:
    return reserve(machine=machine, start=at(start), end=at(end), holder=person)


def long_ago(reservation: Reservation) -> None:
    """Its time is over."""
    Reservation.objects.filter(pk=reservation.pk).update(start=at("06:00"), end=at("07:00"))
    HeldUnit.objects.filter(reservation=reservation).delete()


def upload(content: bytes, name: str, person: Person) -> PrintFile:
    return store_file(stream=io.BytesIO(content), name=name, by=person, now=NOW)


def fresh(job: PrintJob) -> PrintJob:
    return PrintJob.objects.get(pk=job.pk)


def states(job: PrintJob) -> list[str]:
    """Every state it went through, in order."""
    return list(job.events.values_list("new", flat=True))
