"""The parts of `up` that need no process."""

import argparse
import os
import re
import time
from pathlib import Path

import pytest
from django.db import OperationalError

from fablab.up import checks
from fablab.up.accounts import Account, barring_folder
from fablab.up.children import LOG_KEPT_BYTES, ChildSpec, last_words, start_child
from fablab.up.errors import CannotStart, FolderInUse
from fablab.up.locks import FolderLock
from fablab.up.messages import compile_messages
from fablab.up.options import Options, add_arguments, children_environment, wants_demo
from fablab.up.plan import default_plan
from fablab.up.prepare import is_prepared
from fablab.up.restarts import Restarts
from fablab.up.stages import ProcessService, Stage, wait_until_ready

STRANGER = Account("stranger", 4_000_000, 4_000_000)


@pytest.mark.parametrize(
    ("lives_s", "delays_s"),
    [
        pytest.param([0] * 8, [0.5, 1, 2, 4, 8, 16, 30, 30], id="crashes at once, every time"),
        pytest.param([0, 0, 59.9], [0.5, 1, 2], id="just under a minute alive"),
        pytest.param([0, 0, 60, 0], [0.5, 1, 0.5, 1], id="a minute alive"),
    ],
)
def test_restart_delay_doubles_and_is_reset_by_a_minute_alive(lives_s, delays_s):
    restarts = Restarts()

    assert [restarts.delay_after(life_s) for life_s in lives_s] == delays_s


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_demo_host_on_this_machine_is_allowed(host):
    assert checks.require_loopback(host) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab.example.org", ""])
def test_demo_host_elsewhere_is_refused(host):
    with pytest.raises(CannotStart, match="accounts are public"):
        checks.require_loopback(host)


@pytest.mark.parametrize(
    ("asked", "is_refused", "is_production", "expected"),
    [
        pytest.param(None, False, False, True, id="nothing said"),
        pytest.param(None, True, False, False, id="--no-demo"),
        pytest.param("0", False, False, False, id="FABLAB_DEMO=0"),
        pytest.param("1", True, False, False, id="the flag beats the variable"),
        pytest.param("1", False, True, False, id="production"),
    ],
)
def test_demo_is_wanted(monkeypatch, asked, is_refused, is_production, expected):
    monkeypatch.delenv("FABLAB_DEMO", raising=False)
    if asked is not None:
        monkeypatch.setenv("FABLAB_DEMO", asked)

    assert wants_demo(is_refused=is_refused, is_production=is_production) is expected


@pytest.mark.parametrize(
    "arguments", [["--port", "0"], ["--port", "http"], ["--mqtt-port", "65536"], ["--workers", "0"]]
)
def test_argument_that_makes_no_sense_is_refused(arguments, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(arguments)

    assert "write a number from 1 to" in capsys.readouterr().err


def options(tmp_path: Path, **changes: object) -> Options:
    usual: dict[str, object] = {
        "host": "127.0.0.1",
        "port": 8123,
        "mqtt_port": 18884,
        "data_dir": tmp_path,
        "root": tmp_path,
        "web_processes": 2,
        "is_demo": True,
        "database_url": "",
        "mqtt_url": "",
        "database_password": "secret",
    }
    return Options(**{**usual, **changes})


def names(plan: list) -> list[list[str] | str]:
    return [[s.name for s in part.services] if isinstance(part, Stage) else part.name for part in plan]


def test_plan_brings_everything_in_order(tmp_path):
    with checks.listening_socket("127.0.0.1", 0, "") as listener:
        plan = default_plan(options(tmp_path), listener)

    assert names(plan) == [
        ["database"],
        "preparation",
        ["broker"],
        ["web-1", "web-2"],
        ["ingest", "worker"],
        "demo data",
        ["simulate"],
    ]


def test_plan_leaves_out_what_others_run(tmp_path):
    theirs = options(tmp_path, database_url="postgresql://h/d", mqtt_url="mqtt://h", is_demo=False)

    with checks.listening_socket("127.0.0.1", 0, "") as listener:
        plan = default_plan(theirs, listener)

    assert names(plan) == ["preparation", ["web-1", "web-2"], ["ingest", "worker"]]


def test_children_environment_fills_in_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)

    environment = children_environment(options(tmp_path), "postgresql://u@h/d")

    assert environment["DATABASE_URL"] == "postgresql://u@h/d"
    assert environment["FABLAB_DEMO"] == "1"
    assert environment["FABLAB_MQTT_PORT"] == "18884"
    assert environment["PUBLIC_URL"] == "http://127.0.0.1:8123"


def test_children_environment_keeps_the_address_that_was_set(tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://lab.example.org")

    assert children_environment(options(tmp_path), "")["PUBLIC_URL"] == "https://lab.example.org"


def test_barring_folder_is_the_first_that_the_account_may_not_enter(short_folder):
    inner = short_folder / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)

    assert barring_folder(STRANGER, inner) == short_folder / "closed"
    assert barring_folder(STRANGER, short_folder) is None


def test_lock_names_its_holder_and_can_be_taken_after_release(tmp_path):
    first, second = (FolderLock(tmp_path / "a" / "up.lock", "held by {pid}") for _ in range(2))
    first.take()

    with pytest.raises(FolderInUse, match=f"held by {os.getpid()}"):
        second.take()

    first.release()
    second.take()
    second.release()


def test_messages_are_compiled_once(tmp_path):
    catalogue = tmp_path / "app" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "board"\nmsgstr "tableau"\n'
    )

    compiled = [compile_messages(tmp_path), compile_messages(tmp_path)]

    assert compiled == [1, 0]
    assert b"tableau" in catalogue.with_suffix(".mo").read_bytes()
    assert sorted(path.suffix for path in catalogue.parent.iterdir()) == [".mo", ".po"]


def test_nothing_is_prepared_on_a_fresh_machine(tmp_path):
    assert not is_prepared(tmp_path, tmp_path, "postgresql://127.0.0.1:1/none")


def test_child_that_dies_before_it_is_ready_gives_its_last_words(tmp_path):
    log_file = tmp_path / "logs" / "probe.log"
    spec = ChildSpec("probe", ("/bin/sh", "-c", "echo first; echo no such machine; echo; exit 3"), log_file=log_file)
    service = ProcessService("probe", lambda: spec, settled_after_s=5)
    service.launch()

    with pytest.raises(CannotStart) as refusal:
        wait_until_ready([service], timeout_s=5)

    assert str(refusal.value) == f'probe stopped while starting: "no such machine". Its log: {log_file}'


def test_child_that_does_not_answer_in_time_is_named():
    spec = ChildSpec("mute", ("/bin/sleep", "60"))
    service = ProcessService("mute", lambda: spec, answers=lambda: False)
    service.launch()

    with pytest.raises(CannotStart, match="mute did not answer within 0 seconds"):
        wait_until_ready([service], timeout_s=0.1)

    service.kill()


class Repairing(ProcessService):
    """Is busy for so many looks; then it answers, or falls silent."""

    def __init__(self, looks: int, *, answers_then: bool) -> None:
        super().__init__("base", lambda: ChildSpec("base", ("/bin/sleep", "60")), answers=self._look)
        self._left, self._answers_then = looks, answers_then

    def _look(self) -> bool:
        self._left -= 1
        self.at_work = "It repairs itself." if self._left > 0 else ""
        return self._left <= 0 and self._answers_then


def test_child_that_says_what_it_is_busy_with_is_given_time():
    # Longer than is waited for a silent one.
    service, said = Repairing(5, answers_then=True), []
    service.launch()

    wait_until_ready([service], timeout_s=0.05, pause=lambda _: time.sleep(0.03), say=said.append)

    assert said == ["It repairs itself."]
    service.kill()


@pytest.mark.parametrize(("looks", "patience_s"), [(5, 3600), (10**9, 0)], ids=["fell silent", "never came to an end"])
def test_child_that_was_busy_is_not_waited_for_for_ever(monkeypatch, looks, patience_s):
    monkeypatch.setattr("fablab.up.stages.BUSY_MOST_S", patience_s)
    service = Repairing(looks, answers_then=False)
    service.launch()

    with pytest.raises(CannotStart, match="base did not answer"):
        wait_until_ready([service], timeout_s=0.05, say=lambda _: None)

    service.kill()


def test_child_is_ready_as_soon_as_it_says_so(tmp_path):
    ready_file = tmp_path / "probe.ready"
    spec = ChildSpec("probe", ("/bin/sh", "-c", f"touch {ready_file}; exec sleep 60"))
    service = ProcessService("probe", lambda: spec, ready_file=ready_file, settled_after_s=60)
    service.launch()

    wait_until_ready([service], timeout_s=5)

    assert ready_file.exists()
    service.kill()


@pytest.mark.parametrize("error", [OperationalError("in recovery mode"), ValueError("a name"), OSError("full")])
def test_broker_that_cannot_be_prepared_is_tried_again_and_closes_nothing(tmp_path, monkeypatch, error):
    def broker_command(*_given, **_more):
        raise error

    monkeypatch.setattr("iot.broker.launch.broker_command", broker_command)
    with checks.listening_socket("127.0.0.1", 0, "") as listener:
        stages = [part for part in default_plan(options(tmp_path), listener) if isinstance(part, Stage)]
    (broker,) = [service for stage in stages for service in stage.services if service.name == "broker"]

    # What the supervisor waits after, and tries again.
    with pytest.raises(CannotStart, match="The broker cannot be started"):
        broker.launch()


def test_child_whose_program_is_missing_is_refused(tmp_path):
    with pytest.raises(CannotStart, match=r"probe cannot be started: .*No such file"):
        start_child(ChildSpec("probe", (str(tmp_path / "nothing"),)))


def test_long_log_is_set_aside_before_it_grows_further(tmp_path):
    log_file = tmp_path / "probe.log"
    log_file.write_bytes(b"x" * (LOG_KEPT_BYTES + 1))

    child = start_child(ChildSpec("probe", ("/bin/echo", "new"), log_file=log_file))
    child.wait(5)

    assert last_words(log_file) == "new"
    assert log_file.stat().st_size < 10
    assert (tmp_path / "probe.log.1").stat().st_size == LOG_KEPT_BYTES + 1


def test_example_environment_names_every_setting():
    root = Path(__file__).resolve().parent.parent.parent
    sources = "".join((root / name).read_text() for name in ("fablab/settings.py", "fablab/lib/datadir.py"))
    read = set(re.findall(r'env\.(?:text|flag|integer|words|path|postgres_url)\("(\w+)"', sources))

    documented = set(re.findall(r"^#(\w+)=", (root / ".env.example").read_text(), flags=re.MULTILINE))

    assert read <= documented
    assert len(read) > 15
