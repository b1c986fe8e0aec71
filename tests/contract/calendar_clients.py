"""khal and vdirsyncer for the tests that need real calendar programs: in an environment of their own, kept."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from printing.octoprint_server import cache_dir

VERSIONS = {"khal": "0.14.1", "vdirsyncer": "0.21.0"}
INSTALL_LIMIT_S = 300
STAMP = "installed"


class NotInstalled(Exception):
    """The programs could not be installed; the message is what pip said."""


def calendar_clients() -> Path:
    """The folder with both programs, installed first if need be (about 40 s and 60 MB). A second caller waits.

    Raises:
        NotInstalled: there is no network, or no such version for this Python.
    """
    folder = cache_dir() / "-".join(["calendars", *VERSIONS.values()])
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # `bin/python` is a link: it dangles once the Python it was made from is gone.
        if not ((folder / STAMP).exists() and (folder / "bin" / "python").exists()):
            _install(folder)
    return folder / "bin"


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, *wanted]):
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, env=own_environment()
            )
        except subprocess.TimeoutExpired as error:
            raise NotInstalled(f"gave up after {INSTALL_LIMIT_S} s") from error
        if done.returncode != 0:
            raise NotInstalled(done.stderr[-2000:])
    (folder / STAMP).write_text("\n".join(wanted))


def own_environment(**more: str) -> dict[str, str]:
    """Ours without what concerns our own Python."""
    known = os.environ.items()
    return {name: value for name, value in known if not name.startswith(("PYTHON", "DJANGO_", "FABLAB_"))} | more
