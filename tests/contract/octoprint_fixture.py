"""A real OctoPrint for the tests that need one: installed if need be, started once, ended with the tests."""

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from printing.octoprint_server import (
    DEFAULT_VERSION,
    NEXT_VERSION,
    OctoPrintServer,
    OctoPrintServerError,
    ensure_environment,
)

LOOPBACK_NETWORKS = ("127.0.0.0/8",)


@dataclass(frozen=True)
class PrinterServer:
    """What a test needs of a server, real or not."""

    url: str
    api_key: str


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def require_octoprint(version: str = DEFAULT_VERSION) -> None:
    """Install this OctoPrint if need be; without it the test skips, or fails when CI=true."""
    try:
        ensure_environment(version)
    except OctoPrintServerError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"OctoPrint {version} cannot be installed: {error}")


@contextmanager
def running(version: str) -> Iterator[OctoPrintServer]:
    """A server of this version with a folder of its own, ended with the block."""
    require_octoprint(version)
    base_dir = Path(tempfile.mkdtemp(prefix="fablab-octoprint-"))
    server = OctoPrintServer(base_dir, free_port(), secrets.token_urlsafe(32), version, is_on_bench=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def octoprint_server() -> Iterator[OctoPrintServer]:
    """OctoPrint with a virtual printer; mark the tests that use it `serial`: there is one printer."""
    with running(DEFAULT_VERSION) as server:
        yield server


@pytest.fixture(scope="session")
def next_octoprint_server() -> Iterator[OctoPrintServer]:
    """The version that labs will move to."""
    with running(NEXT_VERSION) as server:
        yield server


FIXTURES = {DEFAULT_VERSION: "octoprint_server", NEXT_VERSION: "next_octoprint_server"}
# Names of fixtures, for `getfixturevalue`: a server is started when the first test needs it.
EACH_OCTOPRINT = [
    pytest.param(name, id=f"octoprint {version}", marks=pytest.mark.serial) for version, name in FIXTURES.items()
]
