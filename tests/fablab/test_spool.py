"""Slow, cut and lying uploads, and slow downloads, against a real web process: none of them holds it up."""

import contextlib
import http.client
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from fablab.asgi import THREADS
from fablab.lib.datadir import load_secrets
from printing.models import PrintFile, PrintJob
from tests.api.lab import ALL_SCOPES, Lab, make_lab, make_token
from tests.api.web import Web, environment, url_of_test_database

pytestmark = [
    pytest.mark.serial,
    # Naming the apps makes Django empty tables with CASCADE: the partitioned readings are not its own.
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

SLOW_CLIENTS = THREADS + 2
BODY_BYTES = 300_000
SLICE_BYTES = 2_000
SLICE_EVERY_S = SLICE_BYTES / 20_000
PAGES_ASKED = 30
# Both medians are of the same run; the best of so many rounds, since the machine has other work too.
ROUNDS = 3
SLOWER_MOST = 4
BOUNDARY = "----slow"
# More than the system itself keeps of what a connection does not fetch.
LARGE_BYTES = 20_000_000


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def key(lab: Lab) -> str:
    return make_token(lab.people["holder"], *ALL_SCOPES)[1]


@pytest.fixture
def web(tmp_path: Path, lab: Lab) -> Iterator[Web]:
    """One process on this test's own database; bodies of more than 2 MB are too large for it."""
    with Web(environment(url_of_test_database(), tmp_path, FABLAB_UPLOAD_MAX_MB="1"), tmp_path / "web.log") as web:
        yield web
        assert "Traceback" not in web.log


def form(machine: str, text: bytes) -> bytes:
    """A print upload as browsers and programs send it."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="machine"\r\n\r\n{machine}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.gcode"\r\n\r\n'
    )
    return head.encode() + text + f"\r\n--{BOUNDARY}--\r\n".encode()


def gcode(size_bytes: int) -> bytes:
    line = b"G1 X1 Y1 E1\n"
    return line * (size_bytes // len(line))


def head(key: str, length: int | str, **more: str) -> bytes:
    fields = {
        "Host": "127.0.0.1",
        "Authorization": f"Token {key}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
        "Connection": "close",
    } | more
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"POST /api/v1/print-jobs/ HTTP/1.1\r\n{lines}\r\n".encode()


def status_of(stream: socket.socket) -> int | None:
    """The answer's status; None when the other side just closed."""
    try:
        first = stream.recv(4096)
    except ConnectionResetError:
        return None
    return int(first.split()[1]) if first else None


class SlowUpload(threading.Thread):
    """Sends its body at 20 kB/s, 15 s in all unless told to hurry."""

    def __init__(self, port: int, key: str, body: bytes, hurry: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port, self._key, self._body, self._hurry = port, key, body, hurry
        self.is_under_way = threading.Event()
        self.status: int | None = None

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=60) as stream:
            stream.sendall(head(self._key, len(self._body)))
            for begin in range(0, len(self._body), SLICE_BYTES):
                stream.sendall(self._body[begin : begin + SLICE_BYTES])
                self.is_under_way.set()
                self._hurry.wait(SLICE_EVERY_S)
            self.status = status_of(stream)


def median_s(web: Web) -> float:
    """Of as many pages as one round asks for, one after the other; each must come."""
    taken_s = []
    for _ in range(PAGES_ASKED // ROUNDS):
        began_s = time.monotonic()
        assert web.get("/machines/").status == 200
        taken_s.append(time.monotonic() - began_s)
    return statistics.median(taken_s)


def test_pages_are_answered_while_more_uploads_than_threads_crawl(web: Web, lab: Lab, key: str) -> None:
    hurry = threading.Event()
    body = form(lab.printer_machine.slug, gcode(BODY_BYTES))
    alone_s = min(median_s(web) for _ in range(ROUNDS))
    uploads = [SlowUpload(web.port, key, body, hurry) for _ in range(SLOW_CLIENTS)]
    for upload in uploads:
        upload.start()
    for upload in uploads:
        assert upload.is_under_way.wait(30)

    beside_s = min(median_s(web) for _ in range(ROUNDS))
    still_crawling = [upload.is_alive() and upload.status is None for upload in uploads]
    hurry.set()
    for upload in uploads:
        upload.join(60)

    assert all(still_crawling)
    assert beside_s < SLOWER_MOST * alone_s
    assert [upload.status for upload in uploads] == [201] * SLOW_CLIENTS
    assert PrintFile.objects.filter(name="a.gcode").count() == SLOW_CLIENTS


def test_pages_are_answered_while_more_downloads_than_threads_are_not_fetched(
    web: Web, lab: Lab, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = form(lab.printer_machine.slug, gcode(1000))
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    headers = {"Authorization": f"Token {key}", "Content-Type": kind}
    sent = web.ask("POST", "/api/v1/print-jobs/", body=body, headers=headers)
    job = PrintJob.objects.get(file__name="a.gcode")
    stored = next(tmp_path.rglob(Path(job.file.stored_name).name))
    stored.write_bytes(gcode(LARGE_BYTES))
    # The other process signs its sessions with a key of its own.
    monkeypatch.setattr(settings, "SECRET_KEY", load_secrets(tmp_path)["secret_key"])
    browser = Client()
    browser.force_login(lab.people["holder"])
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    with contextlib.ExitStack() as opened:
        for _ in range(SLOW_CLIENTS):
            stream = opened.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=60))
            path = reverse("print-file", args=[job.reference])
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
            assert stream.recv(12) == b"HTTP/1.1 200"

        assert web.get("/machines/").status == 200
    assert sent.status == 201


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def nothing_came_of_it(tmp_path: Path) -> bool:
    """The lab's own file and job apart."""
    left = files_in(tmp_path / "spool") + files_in(tmp_path / "files")
    return PrintFile.objects.count() == PrintJob.objects.count() == 1 and left == []


def test_upload_cut_in_half_leaves_nothing(web: Web, lab: Lab, key: str, tmp_path: Path) -> None:
    body = form(lab.printer_machine.slug, gcode(BODY_BYTES * 2))

    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, len(body)) + body[: len(body) // 2])
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, len(body)) + body[: len(body) // 2])
        stream.shutdown(socket.SHUT_WR)
        status = status_of(stream)

    assert web.get("/healthz").status == 200
    assert status is None or status >= 400
    assert nothing_came_of_it(tmp_path)
    assert web.log == ""


def test_body_that_ends_early_by_its_own_account_leaves_nothing(web: Web, lab: Lab, key: str, tmp_path: Path) -> None:
    body = form(lab.printer_machine.slug, gcode(1000))

    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, len(body) - 100) + body)
        status = status_of(stream)

    assert status is not None
    assert 400 <= status < 500
    assert nothing_came_of_it(tmp_path)


def test_chunked_body_arrives_whole(web: Web, lab: Lab, key: str) -> None:
    body = form(lab.printer_machine.slug, gcode(BODY_BYTES))
    pieces = [body[begin : begin + 50_000] for begin in range(0, len(body), 50_000)]
    chunked = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"

    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, "", **{"Transfer-Encoding": "chunked"}) + chunked)
        status = status_of(stream)

    assert status == 201
    assert PrintFile.objects.filter(size_bytes=len(gcode(BODY_BYTES))).count() == 1


def test_too_large_a_body_is_refused_before_it_is_sent(web: Web, key: str, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, 50_000_000))
        status = status_of(stream)

    assert status == 413
    assert nothing_came_of_it(tmp_path)


def test_chunked_body_is_refused_once_it_is_too_large(web: Web, key: str, tmp_path: Path) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, "", **{"Transfer-Encoding": "chunked"}))
        stream.sendall(chunk * 33)
        status = status_of(stream)

    assert status == 413
    assert nothing_came_of_it(tmp_path)


@pytest.mark.parametrize("length", ["-1", "many", "1, 2"])
def test_length_that_is_none_is_refused(web: Web, key: str, length: str) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as stream:
        stream.sendall(head(key, length))
        status = status_of(stream)

    assert status == 400


@pytest.mark.parametrize(
    ("accept", "language", "kind", "word"),
    [
        pytest.param("text/html", "fr", "text/html; charset=utf-8", "trop gros", id="a browser reads a page"),
        pytest.param("application/json", "fr", "application/json", '"code": "too_large"', id="a program reads a code"),
        pytest.param("*/*", "", "application/json", "trop gros", id="a slicer names no language"),
        pytest.param("*/*", "en-GB,fr;q=0.5", "application/json", "too large", id="English is asked for"),
    ],
)
def test_too_large_a_body_is_refused_in_words(
    web: Web, key: str, accept: str, language: str, kind: str, word: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    headers = {"Authorization": f"Token {key}", "Accept": accept, "Content-Length": "50000000"}
    headers |= {"Accept-Language": language} if language else {}
    connection.putrequest("POST", "/api/v1/print-jobs/")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()

    with contextlib.closing(connection), connection.getresponse() as answer:
        said = answer.read().decode()

    assert (answer.status, answer.headers["Content-Type"]) == (413, kind)
    assert word in said
