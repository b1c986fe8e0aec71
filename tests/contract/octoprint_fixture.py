"""A real OctoPrint for the tests that need one: installed if need be, started once, ended with the tests."""

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from printing.octoprint_server import OctoPrintServer, OctoPrintServerError, ensure_environment

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


def require_octoprint() -> None:
    """Install OctoPrint if need be; without it the test skips, or fails when CI=true."""
    try:
        ensure_environment()
    except OctoPrintServerError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"OctoPrint cannot be installed: {error}")


@pytest.fixture(scope="session")
def octoprint_server() -> Iterator[OctoPrintServer]:
    """OctoPrint with a virtual printer; mark the tests that use it `serial`: there is one printer."""
    require_octoprint()
    base_dir = Path(tempfile.mkdtemp(prefix="fablab-octoprint-"))
    server = OctoPrintServer(base_dir, free_port(), secrets.token_urlsafe(32))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base_dir, ignore_errors=True)
