"""Real web processes for the tests: single uvicorns on one inherited socket, as `manage.py up` starts them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(database_url: str, data_dir: Path, **more: str) -> dict[str, str]:
    """What a Django process of such a lab is started with. Debug mode serves static files without gathering them."""
    own = {"DATABASE_URL": database_url, "FABLAB_DATA_DIR": str(data_dir), "FABLAB_DEMO": "0", "FABLAB_DEBUG": "1"}
    return {**os.environ, **own, **more}


def url_of_test_database() -> str:
    """Of the database that holds this test's rows."""
    base, _slash, _name = os.environ["DATABASE_URL"].rpartition("/")
    return f"{base}/{quote(str(connection.settings_dict['NAME']))}"


def run(env: Mapping[str, str], *arguments: str) -> str:
    """What a Python program of ours prints; an error of its own is the test's."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=dict(env), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """`with Web(env, log) as web:` answers on `web.port` until the block ends."""

    def __init__(self, env: Mapping[str, str], log_file: Path, processes: int = 1) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self.listener.getsockname()[1])
        self.log_file = log_file
        self._env, self._count = dict(env), processes
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Web":
        descriptor = self.listener.fileno()
        arguments = ["-m", "uvicorn", "fablab.asgi:application", "--fd", str(descriptor), "--no-access-log"]
        with self.log_file.open("ab") as log:
            for _ in range(self._count):
                process = subprocess.Popen(
                    [sys.executable, *arguments, "--timeout-graceful-shutdown", "1", "--log-level", "warning"],
                    cwd=ROOT, env=self._env, stdout=log, stderr=log, pass_fds=[descriptor],
                )  # fmt: skip
                self._processes.append(process)
        self._wait_until_it_answers()
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.listener.close()

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def connect(self, timeout_s: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def ask(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Answer:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def _wait_until_it_answers(self, within_s: float = 60) -> None:
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            assert all(process.poll() is None for process in self._processes), self.log
            try:
                if self.get("/healthz").status == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"no answer: {self.log}")
