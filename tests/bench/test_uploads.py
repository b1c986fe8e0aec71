"""A file of 200 MB on its way in and on its way out: prints the memory that it takes, and holds it to that.

Real web processes and a real worker; their most memory is counted anew before each upload (/proc/…/clear_refs).
"""

import http.client
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from people.models.token import Scope
from printing.files import stored_path
from printing.models import JobState, Printer, PrintFile, PrintJob
from tests.api.lab import Lab, make_lab, make_token
from tests.api.web import Web, environment, url_of_test_database
from tests.bench.farm.watching import forget_most, rss_mb
from tests.bench.test_farm import worker
from tests.contract.fake_octoprint import FakeOctoPrint, _Handler
from tests.factories import NOW, make_machine, make_person
from tests.printing.builders import make_printer

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]
MB = 1024 * 1024
EXTRA_MOST_MB = 60
BOUNDARY = "------------------------b1b2b3b4b5b6b7b8"
START = b"G21\nG90\nM104 S215\nM190 S60\nG28\n"
PIECE = b"G1 X10.000 Y10.000 E0.12345\n" * 37_450
# A little under the most that is taken.
PIECES = 199
SIZE_BYTES = len(START) + PIECES * len(PIECE)
WITHIN_S = 180
# More than the form around the file.
FORM_BYTES = 4096


@pytest.fixture
def lab() -> Lab:
    made = make_lab()
    PrintJob.objects.update(state=JobState.FINISHED)
    return made


@pytest.fixture
def web(tmp_path: Path, lab: Lab) -> Iterator[Web]:
    data_dir = Path(os.environ["FABLAB_DATA_DIR"])
    with Web(environment(url_of_test_database(), data_dir), tmp_path / "web.log") as web:
        yield web


def measured(pid: int, what: str, act: Callable[[], object]) -> float:
    """Runs it and prints its row; the memory that the process held beyond what it did before, in MB."""
    before_mb = rss_mb(pid)
    forget_most(pid)
    began_s = time.monotonic()
    act()
    taken_s, extra_mb = time.monotonic() - began_s, rss_mb(pid, most=True) - before_mb
    kept = "kept" if extra_mb < EXTRA_MOST_MB else "MISSED"
    size = f"{SIZE_BYTES / MB:.0f} MB"
    print(f"\n| {what}, {size} | {taken_s:.1f} s | {extra_mb:.0f} MB beyond {before_mb:.0f} | {kept} |")
    return extra_mb


def send(web: Web, path: str, fields: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """A form with the file, never held here as a whole; the status and where it leads."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    place = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.gcode"\r\n'
    head = ("".join(parts) + place + "Content-Type: application/octet-stream\r\n\r\n").encode() + START
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=WITHIN_S)
    connection.putrequest("POST", path)
    length = len(head) + PIECES * len(PIECE) + len(tail)
    own = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(length)}
    for name, value in (own | headers).items():
        connection.putheader(name, value)
    connection.endheaders(head)
    for _ in range(PIECES):
        connection.send(PIECE)
    connection.send(tail)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Location", "")


def test_slicer_and_page_take_200_megabytes_in_little_memory(web: Web, lab: Lab) -> None:
    person, machine = lab.people["holder"], lab.printer_machine
    _row, key = make_token(person, Scope.PRINT.value)
    browser: Client = lab.client("holder")
    page = f"/machines/{machine.slug}/print/"
    browser.get(page)
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    [process] = web._processes
    # What is loaded with the first request is no upload's.
    assert web.ask("GET", page, headers={"Cookie": cookie}).status == 200
    answers = []

    def from_slicer() -> None:
        path = f"/slicer/{machine.slug}/api/files/local"
        answers.append(send(web, path, {"print": "false", "path": ""}, {"X-Api-Key": key})[0])

    def from_page() -> None:
        token = {"csrfmiddlewaretoken": cookies[settings.CSRF_COOKIE_NAME]}
        answers.append(send(web, page, token, {"Cookie": cookie})[0])

    extra = [
        measured(process.pid, "from a slicer to the web process", from_slicer),
        measured(process.pid, "from the page’s form to the web process", from_page),
    ]

    assert answers == [201, 302]
    assert list(PrintFile.objects.filter(name="large.gcode").values_list("size_bytes", flat=True)) == [SIZE_BYTES] * 2
    assert max(extra) < EXTRA_MOST_MB


class _Sink(_Handler):
    """An OctoPrint that counts what it is sent and keeps none of it."""

    def _handle(self):
        if (self.command, self.path) != ("POST", "/api/files/local"):
            super()._handle()
            return
        fake, left = self.server.owner, int(self.headers["Content-Length"])
        head = self.rfile.read(FORM_BYTES)
        fake.taken_bytes = len(head)
        while fake.taken_bytes < left:
            fake.taken_bytes += len(self.rfile.read(min(left - fake.taken_bytes, MB)))
        folder = re.search(rb'name="path"\r\n\r\n(.*?)\r\n', head)
        name = re.search(rb'filename="(.*?)"', head)
        path = f"{folder[1].decode()}/{name[1].decode()}"
        fake.printer.files[path] = b"G4 S3600"
        self.answer(201, {"done": True, "files": {"local": {"path": path}}})


@pytest.fixture
def sink() -> Iterator[FakeOctoPrint]:
    server = FakeOctoPrint()
    server.printer.is_connected, server.taken_bytes = True, 0
    server._server.RequestHandlerClass = _Sink
    yield server
    server.stop()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def large_job(printer: Printer) -> PrintJob:
    """A job whose file lies on the disk and is about to be sent."""
    file = PrintFile.objects.create(
        sha256="cd" * 32, size_bytes=SIZE_BYTES, name="large.gcode", uploaded_by=make_person(), uploaded_at=NOW
    )
    stored_path(file).parent.mkdir(parents=True, exist_ok=True)
    with stored_path(file).open("wb") as stream:
        stream.write(START)
        for _ in range(PIECES):
            stream.write(PIECE)
    job = PrintJob(machine=printer.machine, file=file, state=JobState.DISPATCHING, created_at=NOW)
    job.remote_path = f"fablab/{job.reference}/large.gcode"
    return job


def test_worker_sends_200_megabytes_in_little_memory(sink: FakeOctoPrint, tmp_path: Path) -> None:
    printer = make_printer(make_machine(), sink.url, sink.api_key)
    job = large_job(printer)
    with worker(tmp_path) as process:
        # What is loaded with the first look is no upload's.
        wait_until(lambda: Printer.objects.get(pk=printer.pk).last_answer_at is not None)

        def to_printer() -> None:
            job.save()
            Printer.objects.update(next_poll_at=timezone.now())
            wait_until(lambda: job.events.filter(new=JobState.UPLOADED).exists())

        extra_mb = measured(process.pid, "from the worker to an OctoPrint", to_printer)
    stored_path(job.file).unlink()

    assert SIZE_BYTES < sink.taken_bytes < SIZE_BYTES + FORM_BYTES
    assert extra_mb < EXTRA_MOST_MB
