"""Two workers at the same moment, at two printers that share something: a circuit, or a job that either may take."""

import datetime as dt
import threading

import pytest
from django.conf import settings

from machines.models import Machine
from printing.backends import Timeouts
from printing.dispatch import visit
from printing.models import JobState, Printer, PrintJob
from printing.services import confirm_bed_clear
from printing.submitting import queue_job
from printing.turns import HEATS_FOR
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.factories import NOW, make_machine, make_person, make_site
from tests.printing.builders import GCODE, FaultyPrinter, fresh, make_printer, upload
from tests.printing.test_loop import at_once

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]
ROUNDS = 8
# Both uploads end at the same moment; a printer whose job went elsewhere does not wait for ever.
TOGETHER_S = 0.3
# On a busy machine too nothing here takes long for another reason than the race.
PATIENT = Timeouts(connect_s=5, read_s=10, upload_s=10)


class SlowDisk(dict[str, bytes]):
    """Files of a printer's server: what is written is done when the other one's is."""

    def __init__(self, gate: threading.Barrier) -> None:
        super().__init__()
        self.gate = gate

    def __setitem__(self, path: str, content: bytes) -> None:
        super().__setitem__(path, content)
        try:
            self.gate.wait(TOGETHER_S)
        except threading.BrokenBarrierError:
            self.gate.reset()


class Pair:
    """Two printers that print alone, each with a server of its own."""

    def __init__(self, **fields: object) -> None:
        self.now = NOW
        self.site, self.person = make_site(), make_person()
        self.file = upload(GCODE, "cube.gcode", self.person)
        self.servers = [FakeOctoPrint() for _ in range(2)]
        gate = threading.Barrier(2)
        for server in self.servers:
            server.printer = FaultyPrinter()
            server.printer.is_connected, server.printer.files = True, SlowDisk(gate)
        self.machines = [make_machine(site=self.site, model_name="MK4") for _ in self.servers]
        self.printers = [
            make_printer(machine, server.url, server.api_key)
            for machine, server in zip(self.machines, self.servers, strict=True)
        ]
        Printer.objects.update(is_unattended=True, **fields)

    def queue(self, machine: Machine) -> PrintJob:
        return queue_job(file=self.file, machine=machine, person=self.person, by=self.person, now=self.now)

    def visit_all(self) -> None:
        """Both workers at once."""
        rows = Printer.objects.select_related("machine__unit__site", "machine__category", "spool")
        ids = [printer.pk for printer in self.printers]
        at_once([lambda pk=pk: visit(rows.get(pk=pk), now=self.now, timeouts=PATIENT) for pk in ids])

    def begun(self) -> int:
        return sum(server.printer.going_since is not None for server in self.servers)

    def starts(self) -> list[str]:
        return [path for server in self.servers for path in server.printer.starts]

    def clear(self) -> None:
        """What prints is stopped and taken off."""
        for server, machine in zip(self.servers, self.machines, strict=True):
            if server.printer.going_since is not None:
                server.printer.cancel()
            server.printer.starts.clear()
            confirm_bed_clear(machine=machine, by=self.person, now=self.now)
        PrintJob.objects.exclude(state=JobState.CANCELLED).update(state=JobState.CANCELLED)
        self.now += dt.timedelta(hours=1)


@pytest.fixture
def make_pair(printers_allowed, transactional_db):
    made = []

    def make(**fields):
        made.append(Pair(**fields))
        return made[-1]

    yield make
    for pair in made:
        for server in pair.servers:
            server.stop()


def test_printers_of_one_circuit_never_begin_together(make_pair):
    pair = make_pair(circuit="left wall")

    for _ in range(ROUNDS):
        jobs = [pair.queue(machine) for machine in pair.machines]
        pair.visit_all()
        together = pair.begun()
        pair.now += HEATS_FOR / 2
        pair.visit_all()
        while_it_heats = pair.begun()
        pair.now += HEATS_FOR
        pair.visit_all()
        after, states = pair.begun(), {fresh(job).state for job in jobs}
        pair.clear()

        assert (together, while_it_heats, after) == (1, 1, 2)
        assert states <= {JobState.STARTING, JobState.PRINTING}


def test_printers_of_two_circuits_begin_together(make_pair):
    pair = make_pair(circuit="left wall")
    Printer.objects.filter(pk=pair.printers[0].pk).update(circuit="right wall")
    for machine in pair.machines:
        pair.queue(machine)

    pair.visit_all()

    assert pair.begun() == 2


def test_job_for_any_printer_of_its_model_is_taken_by_one(make_pair):
    pair, taken_by = make_pair(), set()

    for number in range(ROUNDS):
        job = pair.queue(pair.machines[number % 2])
        PrintJob.objects.filter(pk=job.pk).update(takes_any=True)
        pair.visit_all()
        pair.now += dt.timedelta(seconds=5)
        pair.visit_all()
        starts, begun, job = pair.starts(), pair.begun(), fresh(job)
        runs_on = pair.servers[[machine.pk for machine in pair.machines].index(job.machine_id)].printer
        is_where_it_says = runs_on.going_since is not None
        taken_by.add((number % 2, job.machine_id))
        pair.clear()

        assert (starts, begun, is_where_it_says) == ([job.remote_path], 1, True)
        assert job.state == JobState.PRINTING


def test_two_jobs_for_any_printer_go_one_to_each(make_pair):
    pair = make_pair()

    for _ in range(ROUNDS):
        jobs = [pair.queue(pair.machines[0]) for _ in range(2)]
        PrintJob.objects.filter(pk__in=[job.pk for job in jobs]).update(takes_any=True)
        for _visit in range(3):
            pair.visit_all()
            pair.now += dt.timedelta(seconds=5)
        starts, machines = sorted(pair.starts()), {fresh(job).machine_id for job in jobs}
        pair.clear()

        assert starts == sorted(job.remote_path for job in jobs)
        assert machines == {machine.pk for machine in pair.machines}
