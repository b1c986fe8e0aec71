"""Loaded before the settings: one embedded PostgreSQL for the whole run, and a data folder of its own.

Tests need no database set up by hand. With DATABASE_URL set, that server is used instead.
"""

import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

from fablab.lib.datadir import load_secrets
from fablab.up.messages import compile_messages
from fablab.up.postgres import EmbeddedPostgres

# A test run has nothing to lose in a power cut.
FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_unconfigure() -> None:
    _close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _open() -> None:
    """Set the environment that settings, workers and child processes read, and start the database."""
    global _postgres, _folder
    _folder = Path(tempfile.mkdtemp(prefix="fablab-tests-"))
    # WhiteNoise warns of a missing folder, and warnings are errors.
    (_folder / "staticfiles").mkdir()
    os.environ["FABLAB_DATA_DIR"] = str(_folder)
    os.environ["FABLAB_MQTT_PORT"] = str(_free_port())
    os.environ.setdefault("FABLAB_LOG_LEVEL", "WARNING")
    compile_messages(Path(__file__).resolve().parent.parent)
    if not os.environ.get("DATABASE_URL", "").strip():
        password = load_secrets(_folder)["database_password"]
        _postgres = EmbeddedPostgres(_folder, password=password, options=FAST_AND_FORGETFUL)
        _postgres.start()
        os.environ["DATABASE_URL"] = _postgres.url
    atexit.register(_close)


def _close() -> None:
    global _postgres, _folder
    if _postgres:
        _postgres.stop()
        os.environ.pop("DATABASE_URL", None)
        _postgres = None
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)
        _folder = None


_postgres: EmbeddedPostgres | None = None
_folder: Path | None = None

# Workers of pytest-xdist inherit the environment of the process that started them.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _open()
