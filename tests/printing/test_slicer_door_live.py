"""A file of several megabytes from a slicer, against a real web process: on disk while it comes, and never started."""

import contextlib
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from people.models.token import Scope
from printing.files import stored_path
from printing.models import JobState, Printer, PrintFile, PrintJob
from tests.api.lab import Lab, make_lab, make_token
from tests.api.web import Answer, Web, environment, url_of_test_database
from tests.contract.fake_octoprint import FakeOctoPrint

pytestmark = [
    pytest.mark.serial,
    # Naming the apps makes Django empty tables with CASCADE: the partitioned readings are not its own.
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]
# More than Django itself takes in memory (2.5 MB), than a stranger may send (2 MB), and than the spool holds in memory.
GCODE = b"G28\nM104 S200\n" + b"G1 X10.000 Y10.000 E0.12345\n" * 150_000
BOUNDARY = "------------------------b1b2b3b4b5b6b7b8"
# The lab's own file and job.
OWN = 1


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def printer(lab: Lab) -> Iterator[FakeOctoPrint]:
    """The server of the lab's printer: it hears of nothing."""
    server = FakeOctoPrint()
    Printer.objects.filter(machine=lab.printer_machine).update(base_url=server.url, is_unattended=True)
    PrintJob.objects.update(state=JobState.FINISHED)
    yield server
    server.stop()


@pytest.fixture
def web(tmp_path: Path, printer: FakeOctoPrint) -> Iterator[Web]:
    with Web(environment(url_of_test_database(), tmp_path, FABLAB_UPLOAD_MAX_MB="20"), tmp_path / "web.log") as web:
        yield web
        assert "Traceback" not in web.log


def form(content: bytes, **fields: str) -> bytes:
    """As PrusaSlicer writes it: the fields before the file."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    place = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="cube.gcode"\r\n'
    kind = "Content-Type: application/octet-stream\r\n\r\n"
    return b"".join(parts) + (place + kind).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def address(lab: Lab) -> str:
    return f"/slicer/{lab.printer_machine.slug}/api/files/local"


def headers(key: str, length: int) -> dict[str, str]:
    own = {"X-Api-Key": key} if key else {}
    return own | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(length)}


def send(web: Web, lab: Lab, key: str, **fields: str) -> Answer:
    body = form(GCODE, **fields)
    return web.ask("POST", address(lab), body=body, headers=headers(key, len(body)))


def spooled_bytes(web: Web, folder: Path) -> int:
    """The size of the nameless files that the web process holds open in the folder."""
    found = 0
    for process in web._processes:
        for entry in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(entry.readlink()).startswith(str(folder)):
                    found += entry.stat().st_size
    return found


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("says", "state"), [("false", JobState.DRAFT), ("true", JobState.QUEUED)])
def test_large_file_is_kept_and_print_means_handing_it_in(web, lab, printer, tmp_path, settings, says, state):
    settings.MEDIA_ROOT = tmp_path / "files"
    _row, key = make_token(lab.people["holder"], Scope.PRINT.value)

    answer = send(web, lab, key, print=says, path="")

    file = PrintFile.objects.get(name="cube.gcode")
    assert (answer.status, answer.json["effectivePrint"], file.jobs.get().state) == (201, False, state)
    assert (file.size_bytes, file.sha256) == (len(GCODE), hashlib.sha256(GCODE).hexdigest())
    assert stored_path(file).read_bytes() == GCODE
    assert printer.requests == []
    assert spooled_bytes(web, tmp_path / "spool") == 0


def test_body_lies_on_disk_while_it_comes_and_pages_are_answered(web, lab, tmp_path):
    _row, key = make_token(lab.people["holder"], Scope.PRINT.value)
    body = form(GCODE, print="true", path="")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers(key, len(body)).items())

    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(f"POST {address(lab)} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode() + body[:-100])
        pages = [web.get("/healthz").status for _ in range(5)]
        on_disk = spooled_bytes(web, tmp_path / "spool")
        jobs_before = PrintJob.objects.count()
        stream.sendall(body[-100:])
        status = int(stream.recv(4096).split()[1])

    assert pages == [200] * 5
    assert len(body) // 2 < on_disk < len(body)
    assert (jobs_before, status) == (OWN, 201)


def test_wrong_key_is_refused_and_nothing_is_kept(web, lab, printer, tmp_path):
    answer = send(web, lab, "wrong-key-0123456789abcdef", print="true", path="")

    assert (answer.status, set(answer.json)) == (403, {"error"})
    assert (PrintFile.objects.count(), PrintJob.objects.count(), printer.requests) == (OWN, OWN, [])
    assert files_in(tmp_path / "files") == []
    assert spooled_bytes(web, tmp_path / "spool") == 0


def test_stranger_is_refused_before_the_body_is_sent(web, lab):
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers("", len(GCODE)).items())
        stream.sendall(f"POST {address(lab)} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode())
        status = int(stream.recv(4096).split()[1])

    assert status == 413
