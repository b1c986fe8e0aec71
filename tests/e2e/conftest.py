"""The whole lab as a stranger starts it: `manage.py up` with the demo, in a folder of its own, and a browser.

Its tables, its static files and its history, a short one, are there already: test_first_run.py begins with nothing
at all.
"""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browsing import required_browser
from tests.conftest import free_port
from tests.e2e.prepared import prepare_folder

ROOT = Path(__file__).resolve().parent.parent.parent
READER = "lab-output"
OPEN_WITHIN_S = 240
# Of the usual ninety, which take half a minute to make.
DAYS_OF_HISTORY = "14"
OCTOPRINT_WITHIN_S = 300


@dataclass(frozen=True)
class Lab:
    """A running lab with its demo data."""

    url: str
    data_dir: Path
    mqtt_port: int = 0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    port, mqtt_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="fablab-e2e-") as name:
        data_dir = Path(name)
        data_dir.chmod(0o755)
        prepare_folder(data_dir, "demo", "--days", DAYS_OF_HISTORY)
        hidden = ("DATABASE_URL", "MQTT_URL", "FABLAB_DATA_DIR", "FABLAB_MQTT_PORT", "FABLAB_PG_OPTIONS")
        env = {k: v for k, v in os.environ.items() if k not in hidden}
        argv = [sys.executable, "manage.py", "up", "--port", str(port), "--mqtt-port", str(mqtt_port)]
        process = subprocess.Popen(
            [*argv, "--data-dir", name],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            _wait_for(process, "The lab is open", OPEN_WITHIN_S)
            yield Lab(f"http://127.0.0.1:{port}", data_dir, mqtt_port)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            _close(process)


def _wait_for(process: "subprocess.Popen[str]", words: str, seconds: float) -> None:
    lines: queue.Queue[str] = queue.Queue()
    said: list[str] = []

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)

    threading.Thread(target=read, name=READER, daemon=True).start()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            said.append(lines.get(timeout=1))
        except queue.Empty:
            continue
        if words in said[-1]:
            return
    raise AssertionError("The lab did not open:\n" + "".join(said))


def _close(process: "subprocess.Popen[str]") -> None:
    for thread in threading.enumerate():
        if thread.name == READER:
            thread.join(timeout=5)
    if process.stdout:
        process.stdout.close()


def wait_for_octoprint(data_dir: Path) -> None:
    """It starts beside the open lab."""
    log = data_dir / "logs" / "simulate.log"
    deadline = time.monotonic() + OCTOPRINT_WITHIN_S
    while time.monotonic() < deadline:
        if log.exists() and "OctoPrint answers" in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError("OctoPrint did not answer:\n" + (log.read_text() if log.exists() else "no log"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with required_browser() as running:
        yield running
