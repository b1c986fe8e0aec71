"""The real OctoPrint we start: where it is kept, that a power cut is seen, that it never outlives its parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from printing.backends import PrinterConnection, PrinterUnreachable, make_backend
from printing.octoprint_server import (
    NEXT_VERSION,
    VERSIONS,
    OctoPrintServer,
    OctoPrintServerError,
    cache_dir,
    ensure_environment,
)
from tests.contract.octoprint_fixture import LOOPBACK_NETWORKS, free_port, require_octoprint

KEY = "test-key-0123456789abcdefghijklmnopqrstuvwxy"


def test_cache_is_in_the_folder_the_user_names(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    assert cache_dir() == tmp_path / "cache" / "fablab"


@pytest.mark.parametrize("home", ["", "/proc/nobody"], ids=["no HOME", "HOME cannot be written"])
def test_cache_is_in_the_temporary_folder_without_a_home(monkeypatch, home):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)

    assert cache_dir().name == f"fablab-cache-{os.getuid()}"


def test_program_named_by_the_environment_must_be_one(monkeypatch, tmp_path):
    monkeypatch.setenv("OCTOPRINT_BIN", str(tmp_path / "nothing"))

    with pytest.raises(OctoPrintServerError, match="OCTOPRINT_BIN"):
        ensure_environment()


def pretend_installed(cache, versions):
    for version in versions:
        folder = cache / "fablab" / f"octoprint-{version}"
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
        (folder / "installed").touch()


def test_versions_are_kept_beside_each_other(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("OCTOPRINT_BIN", raising=False)
    pretend_installed(tmp_path, VERSIONS)

    programs = {ensure_environment(version) for version in VERSIONS}

    assert programs == {tmp_path / "fablab" / f"octoprint-{version}" / "bin" / "octoprint" for version in VERSIONS}


def test_program_named_by_the_environment_stands_for_the_default_version_only(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("OCTOPRINT_BIN", sys.executable)
    pretend_installed(tmp_path, [NEXT_VERSION])

    assert str(ensure_environment()) == sys.executable
    assert ensure_environment(NEXT_VERSION).parent.parent.name == f"octoprint-{NEXT_VERSION}"


@pytest.mark.serial
def test_server_killed_in_a_print_comes_back_offline_without_its_file(tmp_path):
    require_octoprint()
    server = OctoPrintServer(tmp_path / "base", free_port(), KEY)
    server.start()
    backend = make_backend("octoprint", url=server.url, api_key=KEY, networks=LOOPBACK_NETWORKS)
    local = tmp_path / "long.gcode"
    local.write_bytes(b"G28\nG1 X1 F60000\n" + b"G4 S1\n" * 30)
    backend.connect()
    wait_until(lambda: backend.status().connection.is_ready)
    backend.upload(local, "fablab/1/long.gcode", {})
    backend.select_and_start("fablab/1/long.gcode")
    wait_until(lambda: backend.status().connection is PrinterConnection.PRINTING)

    server.kill()
    with pytest.raises(PrinterUnreachable):
        backend.status()
    server.start()
    status = backend.status()
    last_print = backend.last_print("fablab/1/long.gcode")
    server.stop()

    assert (status.connection, status.remote_path) == (PrinterConnection.OFFLINE, None)
    assert last_print is None
    assert not server.is_ready()


@pytest.mark.serial
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_server_ends_with_its_parent(tmp_path):
    require_octoprint()
    port = free_port()
    script = (
        "import sys, time; from pathlib import Path; from printing.octoprint_server import OctoPrintServer;"
        f"OctoPrintServer(Path(sys.argv[1]), {port}, {KEY!r}).start(); print('ready', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    watched = OctoPrintServer(tmp_path, port, KEY)
    ready = parent.stdout.readline()
    was_ready = watched.is_ready()

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not watched.is_ready())

    assert (ready, was_ready) == ("ready\n", True)


def wait_until(holds, most_s=20):
    deadline = time.monotonic() + most_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
