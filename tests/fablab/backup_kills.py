"""Killing a restore at a moment of its own telling, for the tests of backups."""

import contextlib
import subprocess
import time

import psycopg

from tests.fablab.backup_runs import Lab

OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def kill_when_it_says(moment: str, process: subprocess.Popen[str], lab: Lab) -> None:
    """SIGKILL on the line that begins so; the lab's database is left alone when this returns."""
    assert process.stdout is not None
    while not process.stdout.readline().startswith(moment):
        assert process.poll() is None
    process.kill()
    process.communicate()
    _wait_until_alone(lab)


def _wait_until_alone(lab: Lab) -> None:
    # The server notices a killed client when it next writes to it.
    deadline_s = time.monotonic() + 10
    with contextlib.suppress(psycopg.OperationalError):
        while lab.value(OTHERS) and time.monotonic() < deadline_s:
            time.sleep(0.05)
