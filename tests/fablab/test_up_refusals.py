"""`manage.py up` on a machine where something is missing or taken: one sentence, and a code that is not 0."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fablab.up.locks import FolderLock
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
SETTLED_ELSEWHERE = ("DATABASE_URL", "MQTT_URL", "FABLAB_DATA_DIR", "FABLAB_MQTT_PORT", "PUBLIC_URL")

pytestmark = pytest.mark.serial


@pytest.fixture
def refusal(short_folder: Path) -> Callable[..., str]:
    """Runs `up`, insists on a failure told in one line, and returns that line."""

    def run(*arguments: str, data_dir: Path = short_folder, program: str = "-m fablab.up", **env: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if name not in SETTLED_ELSEWHERE}
        ports = ("--port", str(free_port()), "--mqtt-port", str(free_port()))
        done = subprocess.run(
            [sys.executable, *program.split(), *ports, "--data-dir", str(data_dir), *arguments],
            cwd=ROOT,
            env={**inherited, **env},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        lines = (done.stdout + done.stderr).splitlines()
        assert len(lines) == 1, lines
        return lines[0]

    return run


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_taken_web_port_is_refused(refusal, taken_port):
    sentence = refusal("--port", str(taken_port))

    assert sentence == (
        f"Port {taken_port} of 127.0.0.1 is taken by another program. "
        f"Choose another: make run ARGS='--port {taken_port + 1}'."
    )


def test_taken_broker_port_is_refused(refusal, taken_port):
    sentence = refusal("--mqtt-port", str(taken_port))

    assert sentence == (f"Port {taken_port} of 127.0.0.1 is taken by another program. Choose another with --mqtt-port.")


@pytest.mark.parametrize("program", ["-m fablab.up", "manage.py up"])
def test_folder_that_cannot_be_written_is_refused(refusal, tmp_path, program):
    (tmp_path / "file").touch()

    sentence = refusal(data_dir=tmp_path / "file" / "data", program=program)

    assert sentence == (
        f"The folder {tmp_path}/file/data cannot be written (Not a directory). "
        "Choose another with --data-dir or FABLAB_DATA_DIR."
    )


def test_folder_of_another_version_is_refused(refusal, short_folder):
    (short_folder / "postgres").mkdir()
    (short_folder / "postgres" / "PG_VERSION").write_text("14\n")

    assert "was made by PostgreSQL 14 and this is 18: with the release that ran 14" in refusal()


@pytest.mark.parametrize("url", ["postgresql://lab:secret@127.0.0.1:{port}/lab", "postgresql://%2Fnowhere/lab"])
def test_database_that_does_not_answer_is_refused_without_its_password(refusal, url):
    sentence = refusal(DATABASE_URL=url.format(port=free_port()))

    assert re.match(r"The database of DATABASE_URL does not answer at \S+/lab \(.+\)\. Start it or", sentence)
    assert "secret" not in sentence


def test_broker_that_does_not_answer_is_refused_without_its_password(refusal):
    port = free_port()

    sentence = refusal(MQTT_URL=f"mqtt://lab:secret@127.0.0.1:{port}")

    assert sentence == (
        f"The broker of MQTT_URL does not answer at 127.0.0.1:{port} (Connection refused). "
        "Start it or correct the address; without MQTT_URL the lab brings its own."
    )


def test_second_up_on_the_same_folder_is_refused(refusal, short_folder):
    lock = FolderLock(short_folder / "up.lock", "taken")
    lock.take()

    sentence = refusal()

    lock.release()
    assert sentence.startswith(f"The lab in {short_folder} is already open (process {os.getpid()}).")


def test_demo_is_not_shown_to_other_machines(refusal):
    sentence = refusal("--host", "0.0.0.0")

    assert sentence == (
        "The demo's accounts are public, so it opens on this machine only, not on 0.0.0.0: "
        "add --no-demo, or leave out --host."
    )
