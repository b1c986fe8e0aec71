"""The peer, in an environment of its own: installed when it is first asked for, kept in the user's cache folder."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from printing.octoprint_server import cache_dir
from tests.contract.calendar_clients import own_environment

VERSION = "8.1.5"
# Its default database needs no driver; the second one does.
WANTED = (f"NEMO=={VERSION}", "psycopg[binary]==3.2.13")
INSTALL_LIMIT_S = 600
STAMP = "installed"


class NotInstalled(Exception):
    """The peer cannot be had here; the message is what pip said last."""


def peer_python(say: Callable[[str], object] = print) -> Path:
    """The Python that has the peer, installed first if need be (about 60 s and 150 MB). A second caller waits.

    Raises:
        NotInstalled: there is no network, or no such version for this Python.
    """
    folder = cache_dir() / "peer" / f"nemo-{VERSION}"
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # `bin/python` is a link: it dangles once the Python it was made from is gone.
        if not ((folder / STAMP).exists() and (folder / "bin" / "python").exists()):
            say(f"Installing NEMO {VERSION} in {folder} (once)")
            _install(folder)
    return folder / "bin" / "python"


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, *WANTED]):
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, env=own_environment()
            )
        except subprocess.TimeoutExpired as error:
            raise NotInstalled(f"gave up after {INSTALL_LIMIT_S} s") from error
        if done.returncode != 0:
            raise NotInstalled(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip gave no reason")
    (folder / STAMP).write_text("\n".join(WANTED))
