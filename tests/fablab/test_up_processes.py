"""Real processes, really killed: what a lab leaves behind, and what it starts again."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from fablab.up.children import ChildSpec, start_child
from fablab.up.postgres import EmbeddedPostgres
from tests.conftest import free_port
from tests.migrated import fill_folder

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and relies on the parent-death signal"),
]


def descendants(pid: int) -> set[int]:
    """Every living process below `pid`."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(int(folder.name))):
            parents[int(folder.name)] = int(stat[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def living(pids: set[int]) -> set[int]:
    return {pid for pid in pids if (stat := _stat(pid)) and stat[0] != "Z"}


def eventually(holds: Callable[[], bool], within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


class Lab:
    """One run of the driver, with everything it said."""

    def __init__(self, folder: Path, plan: str) -> None:
        self._said = folder / "said.txt"
        with self._said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fablab.up_driver", folder, plan],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def wait_for(self, sentence: str, within_s: float = 15) -> None:
        assert eventually(lambda: sentence in self.said, within_s), self.said

    def stop(self, number: signal.Signals, within_s: float = 8) -> int:
        self.process.send_signal(number)
        return self.process.wait(within_s)


@pytest.fixture(scope="module")
def lab_folder() -> Iterator[Path]:
    """One data folder for all: every test opens the lab again where the one before left it."""
    folder = Path(tempfile.mkdtemp(prefix="fablab-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_lab(lab_folder: Path) -> Iterator[Callable[[str], Lab]]:
    labs: list[Lab] = []

    def start(plan: str, waits_for: str = "open\n") -> Lab:
        lab = Lab(lab_folder, plan)
        labs.append(lab)
        lab.wait_for(waits_for)
        return lab

    yield start
    for lab in labs:
        lab.process.kill()
        lab.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_stop_request_leaves_no_process(open_lab, number):
    lab = open_lab("calm")
    below = descendants(lab.process.pid)

    code = lab.stop(number)

    assert code == 0
    assert len(below) >= 3  # the database, its own children, the sleeper
    assert living(below) == set()


def test_stop_request_kills_a_child_that_ignores_it(open_lab):
    lab = open_lab("stubborn")
    below = descendants(lab.process.pid)

    code = lab.stop(signal.SIGINT)

    assert code == 0
    assert living(below) == set()


def test_second_stop_request_kills_at_once(open_lab):
    lab = open_lab("stubborn")
    began_s = time.monotonic()
    lab.process.send_signal(signal.SIGINT)
    lab.wait_for("Closing.")

    lab.stop(signal.SIGINT)

    assert time.monotonic() - began_s < 0.8  # alone, the stubborn one is given a second


def test_stop_request_ends_grandchildren(open_lab):
    lab = open_lab("with a grandchild")
    below = descendants(lab.process.pid)

    lab.stop(signal.SIGTERM)

    assert eventually(lambda: not living(below), within_s=2)


def test_stop_request_while_starting_leaves_no_process(open_lab):
    lab = open_lab("never ready", waits_for="Database: ready")
    assert eventually(lambda: len(descendants(lab.process.pid)) >= 3, within_s=5)
    below = descendants(lab.process.pid)

    code = lab.stop(signal.SIGINT)

    assert code == 0
    assert living(below) == set()


@pytest.mark.parametrize("plan", ["calm", "stubborn"])
def test_killed_supervisor_leaves_no_process_after_two_seconds(open_lab, plan):
    lab = open_lab(plan)
    below = descendants(lab.process.pid)

    lab.stop(signal.SIGKILL)

    assert eventually(lambda: not living(below), within_s=2), living(below)


# What runs in a lab: a word of each process's command line.
PARTS = ("postgres", "broker", "uvicorn", "ingest", "worker")


@pytest.fixture
def whole_lab(short_folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`(supervisor, port)` of a lab as `up` opens it, without demo data, which says that it is open."""
    fill_folder(short_folder)
    port, said = free_port(), short_folder / "said.txt"
    ports = ("--port", str(port), "--mqtt-port", str(free_port()), "--workers", "1")
    settled = ("DATABASE_URL", "MQTT_URL", "FABLAB_DATA_DIR", "FABLAB_MQTT_PORT", "PUBLIC_URL", "FABLAB_DEMO")
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fablab.up", "--data-dir", short_folder, "--no-demo", *ports],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in settled},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        assert eventually(lambda: "Ctrl-C closes it" in said.read_text() or process.poll() is not None, 240)
        assert process.poll() is None, said.read_text()
        yield process, port
    finally:
        process.kill()
        process.wait()


def parts_among(pids: set[int]) -> set[str]:
    words = " ".join(_command_line(pid) for pid in pids)
    return {part for part in PARTS if part in words}


@pytest.mark.slow
def test_killed_lab_leaves_none_of_its_processes_after_two_seconds(whole_lab):
    supervisor, port = whole_lab
    below = descendants(supervisor.pid)
    running = parts_among(below)
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(stream):
        stream.request("GET", "/live/")
        answer = stream.getresponse()
        # Somebody looks at the board: the web process has a connection that never ends by itself.
        assert (answer.status, answer.readline()) == (200, b"retry: 2000\n")
        below |= descendants(supervisor.pid)

        supervisor.kill()
        supervisor.wait()
        left_none = eventually(lambda: not living(below), within_s=2)

    assert running == set(PARTS)
    assert left_none, {pid: _command_line(pid) for pid in living(below)}


def test_killed_supervisor_opens_again_on_the_same_folder(open_lab):
    open_lab("calm").stop(signal.SIGKILL)

    lab = open_lab("calm")

    assert lab.stop(signal.SIGTERM) == 0


def test_crashed_child_is_started_again_with_back_off(open_lab):
    lab = open_lab("calm")

    for delay in ("0.5", "1"):
        victims = {pid for pid in descendants(lab.process.pid) if _is_sleeper(pid)}
        assert len(victims) == 1
        os.kill(victims.pop(), signal.SIGKILL)
        lab.wait_for(f"sleeper stopped (by signal SIGKILL); starting it again in {delay} s.")
        assert eventually(lambda: any(map(_is_sleeper, descendants(lab.process.pid))), within_s=4)


def _is_sleeper(pid: int) -> bool:
    return "time.sleep" in _command_line(pid)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def test_crashed_database_is_started_again_with_its_data(open_lab, lab_folder):
    lab = open_lab("calm")
    url = EmbeddedPostgres(lab_folder, password="test").url
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE note AS SELECT 7 AS number")
    postmaster = int((lab_folder / "postgres" / "postmaster.pid").read_text().split()[0])

    os.kill(postmaster, signal.SIGKILL)

    assert eventually(lambda: _number(url) == 7, within_s=8), lab.said
    assert "database stopped (by signal SIGKILL)" in lab.said


def _number(url: str) -> int | None:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            row = connection.execute("SELECT number FROM note").fetchone()
    except psycopg.OperationalError:
        return None
    return row[0] if row else None


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        ("dies early", 'failing stopped while starting: "no such machine". Its log: '),
        ("step fails", "demo data failed (code 3): the lines above say why."),
    ],
)
def test_failure_while_starting_is_said_and_leaves_no_process(open_lab, plan, sentence):
    lab = open_lab(plan, waits_for=sentence)

    code = lab.process.wait(8)

    assert code == 1
    assert "open\n" not in lab.said
    assert descendants(lab.process.pid) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_child_of_another_user_dies_with_its_parent(tmp_path):
    starter = (
        "import sys, time\n"
        "from fablab.up.children import ChildSpec, start_child\n"
        "child = start_child(ChildSpec('sleep', ('/bin/sleep', '600'), user='nobody'))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child_pid = int(parent.stdout.readline())
    assert Path(f"/proc/{child_pid}").stat().st_uid != 0

    parent.kill()
    parent.wait()

    assert eventually(lambda: not living({child_pid}), within_s=2)


def test_child_is_outside_the_terminals_process_group(tmp_path):
    child = start_child(ChildSpec("sleep", ("/bin/sleep", "600")))

    group = os.getpgid(child.pid)

    child.kill()
    assert group == child.pid != os.getpgrp()
