"""A real OctoPrint with its virtual printer, for the demonstration and for the contract tests.

OctoPrint is AGPL-3 and pins its own Flask, so it never enters this project's environment: it gets one of its
own, in the user's cache folder, and runs as a separate process. No Django is needed here.
"""

import argparse
import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

DEFAULT_VERSION = "1.11.8"
# What labs will move to: the contract, the story and the faults are played on it too.
NEXT_VERSION = "2.0.0rc7"
VERSIONS = (DEFAULT_VERSION, NEXT_VERSION)
USER_NAME = "fablab"
# CONTROL lets tests trigger the virtual printer's faults (`!!DEBUG:…`); a lab's own user does without it.
USER_PERMISSIONS = ["CONNECTION", "FILES_DELETE", "CONTROL"]
START_LIMIT_S = 90.0
STOP_LIMIT_S = 20.0
INSTALL_LIMIT_S = 900
PR_SET_PDEATHSIG = 1  # linux/prctl.h
STAMP = "installed"


class OctoPrintServerError(Exception):
    """OctoPrint could not be installed or started; the message names the log to read."""


def cache_dir() -> Path:
    """The folder for what can be made again: $XDG_CACHE_HOME, else ~/.cache, else the temporary folder."""
    asked = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    wanted = Path(asked) if asked else Path(home) / ".cache"
    if asked or home:
        with contextlib.suppress(OSError):
            wanted.mkdir(parents=True, exist_ok=True)
            if os.access(wanted, os.W_OK):
                return wanted / "fablab"
    # The temporary folder is shared: a name per user, and a private mode when it is made.
    return Path(tempfile.gettempdir()) / f"fablab-cache-{os.getuid()}"


def ensure_environment(version: str = DEFAULT_VERSION, report: Callable[[str], object] = print) -> Path:
    """The `octoprint` program of that version, installed first if need be (20 to 90 s and 205 MB).

    OCTOPRINT_BIN names a program to use in place of the default version. Two processes may call this at once: the
    second one waits.

    Raises:
        OctoPrintServerError: OCTOPRINT_BIN is no program, or pip failed.
    """
    given = os.environ.get("OCTOPRINT_BIN", "")
    if given and version == DEFAULT_VERSION:
        if not os.access(given, os.X_OK):
            raise OctoPrintServerError(f"OCTOPRINT_BIN={given} is not a program that can be run.")
        return Path(given)
    cache = cache_dir()
    folder = cache / f"octoprint-{version}"
    if not _is_installed(folder):
        with _only_one(cache, folder.name):
            if not _is_installed(folder):
                _install(folder, version, report)
    return folder / "bin" / "octoprint"


def _is_installed(folder: Path) -> bool:
    # `bin/python` is a link: it dangles once the Python it was made from is gone.
    return (folder / STAMP).exists() and (folder / "bin" / "python").exists()


@contextlib.contextmanager
def _only_one(cache: Path, name: str) -> Iterator[None]:
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        if cache.stat().st_uid != os.getuid():
            raise OctoPrintServerError(f"{cache} belongs to another user. Set XDG_CACHE_HOME to a folder of yours.")
        lock = (cache / f"{name}.lock").open("w")
    except OSError as error:
        raise OctoPrintServerError(f"{cache} cannot be written: {error}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(folder: Path, version: str, report: Callable[[str], object]) -> None:
    report(f"Installing OctoPrint {version} in {folder} (once, up to 90 seconds)")
    # A virtual environment cannot be moved, so it is made in place; the stamp says that it is whole.
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "venv", str(folder)])
    # OctoPrint's plugins build without isolation on a setuptools that still has pkg_resources.
    _run([*pip, "wheel", "setuptools<81"])
    _run([*pip, f"OctoPrint=={version}", "setuptools<81"])
    (folder / STAMP).write_text(version)
    report(f"OctoPrint {version} is installed")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            check=False,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise OctoPrintServerError(f"Gave up after {INSTALL_LIMIT_S} s: {' '.join(command)}") from error
    if done.returncode != 0:
        raise OctoPrintServerError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")


def _environment() -> dict[str, str]:
    # Our own modules and settings are no business of OctoPrint's Python.
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO_", "FABLAB_"))}


def configuration(port: int, *, is_on_bench: bool = False) -> dict[str, object]:
    """OctoPrint's config.yaml: a virtual printer without injected errors, no wizard, no internet.

    2.0 takes it as it is and moves what it calls by another name by itself. On the test bench it gives up on a
    printer that has gone silent after some 4 s instead of 36 s.
    """
    timeouts = {"communication": 2.0 if is_on_bench else 5.0, "communicationBusy": 2.0}
    serial: dict[str, object] = {"port": "VIRTUAL", "timeout": timeouts}
    if is_on_bench:
        serial["maxCommunicationTimeouts"] = {"idle": 1, "printing": 1, "long": 1}
    unwanted = ["softwareupdate", "tracking", "announcements", "errortracking", "discovery", "backup"]
    return {
        "api": {"key": None},
        "accessControl": {"autologinLocal": False},
        "devel": {"enableRateLimiter": False},
        "plugins": {
            "_disabled": [*unwanted, "achievements", "pluginmanager"],
            # By default the virtual printer injects resend errors into every print and has a 4-line buffer.
            "virtual_printer": {
                "enabled": True,
                "simulated_errors": [],
                "rxBuffer": 1024,
                "commandBuffer": 64,
            },
        },
        "serial": serial,
        "server": {
            "host": "127.0.0.1",
            "port": port,
            "firstRun": False,
            "onlineCheck": {"enabled": False},
            "pluginBlocklist": {"enabled": False},
            "secretKey": secrets.token_hex(16),
            "seenWizards": {"backup": None, "corewizard": 5, "file_check": 1, "tracking": None},
        },
        "webcam": {"timelapseEnabled": False},
    }


def user_accounts(api_key: str) -> dict[str, object]:
    """OctoPrint's users.yaml: one user who comes in by API key only, since its password matches nothing."""
    return {
        USER_NAME: {
            "active": True,
            "apikey": api_key,
            "groups": ["users"],
            "password": "*",
            "permissions": USER_PERMISSIONS,
            "settings": {},
        }
    }


class OctoPrintServer:
    """One OctoPrint process on 127.0.0.1 with its own base folder; a client needs its `url` and `api_key`.

    On the test bench it is soon out of patience with its printer, and `kill` ends what it started too; else it stays
    in the process group of whoever starts it, and ends with that.
    """

    def __init__(
        self,
        base_dir: Path,
        port: int,
        api_key: str,
        version: str = DEFAULT_VERSION,
        *,
        is_on_bench: bool = False,
    ) -> None:
        self.base_dir = base_dir
        self.port = port
        self.api_key = api_key
        self.version = version
        self.is_on_bench = is_on_bench
        self.url = f"http://127.0.0.1:{port}"
        self.log_path = base_dir / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, wait_s: float = START_LIMIT_S) -> None:
        """Write the configuration, start the process, and wait until it answers; 0 does not wait.

        Call it from the main thread: Linux ends the server when the *thread* that started it ends.

        Raises:
            OctoPrintServerError: it cannot be installed, it ended, or it did not answer in time.
        """
        program = ensure_environment(self.version)
        self._write_files()
        command = [
            str(program),
            "-b",
            str(self.base_dir),
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        if os.geteuid() == 0:
            command.append("--iknowwhatimdoing")  # otherwise it refuses to run as root
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0 if self.is_on_bench else None,
                preexec_fn=_die_with_parent(os.getpid()),
            )
        if wait_s > 0:
            self._wait_until_ready(wait_s)

    def stop(self) -> None:
        """End it politely (up to 5 s), or by force after 20 s."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_LIMIT_S)
            self.kill()

    @property
    def pid(self) -> int:
        """The number of the running process, for a signal to it alone.

        Raises:
            OctoPrintServerError: it was not started.
        """
        if self._process is None:
            raise OctoPrintServerError("OctoPrint was not started.")
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as a power cut would: a running print is lost without any event.

        Its folder stays; `start` goes on with it.
        """
        if self._process is None:
            return
        self._process.kill()
        if self.is_on_bench:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def is_ready(self) -> bool:
        """True once the API answers to our key; `/online.txt` answers too early to tell."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/api/version", headers={"X-Api-Key": self.api_key})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _write_files(self) -> None:
        self.base_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(self.base_dir / "config.yaml", configuration(self.port, is_on_bench=self.is_on_bench))
        _write_private(self.base_dir / "users.yaml", user_accounts(self.api_key))

    def _wait_until_ready(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while not self.is_ready():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                reason = "ended at once" if ended else f"did not answer within {wait_s:.0f} s"
                raise OctoPrintServerError(f"OctoPrint {reason}. Read {self.log_path}.")
            time.sleep(0.25)


def _write_private(path: Path, content: Mapping[str, object]) -> None:
    # JSON is YAML, so no YAML library is needed here.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(content, stream, indent=1)


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded before the fork: importing in the child of a threaded process may dead-lock.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def after_fork() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)

    return after_fork


def main() -> None:
    """Command line: `python -m printing.octoprint_server --install` only installs."""
    parser = argparse.ArgumentParser(description="A real OctoPrint with a virtual printer, in its own environment.")
    parser.add_argument("--install", action="store_true", required=True, help="install it and leave")
    parser.add_argument("--version", default=DEFAULT_VERSION, help="OctoPrint's version (%(default)s)")
    options = parser.parse_args()
    try:
        print(ensure_environment(options.version))
    except OctoPrintServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
