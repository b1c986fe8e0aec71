import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot.broker.access import BrokerUser, covers, is_filter, may_publish, may_receive, may_subscribe, topic_matches
from iot.broker.files import PID, read_users, reload_broker, running_pid, write_broker_files
from iot.broker.launch import BrokerUnavailable, broker_command

LASER = BrokerUser("laser", "$7$1$a$b", writes=("fablab/v1/laser/up/#",), reads=("fablab/v1/laser/down/#",))
SERVER = BrokerUser("server", "$7$1$c$d", writes=("fablab/v1/+/down/#",), reads=("fablab/v1/+/up/#", "tele/#"))


@pytest.mark.parametrize(
    ("pattern", "topic", "is_match"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/#", "a/b/c", True),
        pytest.param("a/#", "a", True, id="# holds its parent"),
        ("a/#", "ab", False),
        ("#", "a/b", True),
        ("+/b", "a/b", True),
        ("+", "a/b", False),
        pytest.param("a/+", "a/", True, id="+ holds an empty level"),
        pytest.param("a/+", "a", False, id="+ needs its level"),
        pytest.param("#", "$SYS/load", False, id="# hides system topics"),
        pytest.param("+/load", "$SYS/load", False, id="+ hides system topics"),
        ("$SYS/#", "$SYS/load", True),
        pytest.param("a/#/c", "a/b/c", False, id="# in the middle is no pattern"),
        pytest.param("a+/b", "a+/b", False, id="+ within a level is no pattern"),
        pytest.param("A/b", "a/b", False, id="case counts"),
    ],
)
def test_topic_matches_as_mqtt_says(pattern: str, topic: str, is_match: bool):
    assert topic_matches(pattern, topic) is is_match


@pytest.mark.parametrize(
    ("user", "topic", "is_allowed"),
    [
        (LASER, "fablab/v1/laser/up/event", True),
        (LASER, "fablab/v1/laser/down/command", False),
        (LASER, "fablab/v1/printer/up/event", False),
        (LASER, "fablab/v1/laser2/up/event", False),
        (LASER, "fablab/v1/laser/up/#", False),
        (LASER, "fablab/v1/laser/up/+", False),
        (LASER, "fablab/v1/+/up/event", False),
        (LASER, "fablab/v1/laser/up/../../printer/up/event", True),
        (LASER, "$SYS/laser", False),
        (LASER, "", False),
        (SERVER, "fablab/v1/laser/down/command", True),
        (SERVER, "fablab/v1/laser/up/event", False),
    ],
)
def test_may_publish_keeps_each_to_their_own_topics(user: BrokerUser, topic: str, is_allowed: bool):
    assert may_publish(user, topic) is is_allowed


@pytest.mark.parametrize(
    ("user", "topic_filter", "is_allowed"),
    [
        (LASER, "fablab/v1/laser/down/#", True),
        (LASER, "fablab/v1/laser/down/command", True),
        (LASER, "fablab/v1/laser/down/+", True),
        (LASER, "fablab/v1/laser/down", True),
        (LASER, "fablab/v1/laser/#", False),
        (LASER, "fablab/v1/+/down/#", False),
        (LASER, "fablab/v1/laser/up/#", False),
        (LASER, "#", False),
        (LASER, "+/+/+/+/+", False),
        (LASER, "fablab/v1/laser/down/#/x", False),
        (LASER, "fablab/v1/laser/down/a+", False),
        (LASER, "", False),
        (LASER, "$share/group/fablab/v1/laser/down/#", True),
        (LASER, "$share/group/#", False),
        (LASER, "$share/+/fablab/v1/laser/down/#", False),
        (SERVER, "fablab/v1/+/up/#", True),
        (SERVER, "$share/ingest/fablab/v1/+/up/#", True),
        (SERVER, "fablab/v1/laser/up/+", True),
        (SERVER, "fablab/#", False),
        (SERVER, "$SYS/#", False),
    ],
)
def test_may_subscribe_only_to_what_is_wholly_covered(user: BrokerUser, topic_filter: str, is_allowed: bool):
    assert may_subscribe(user, topic_filter) is is_allowed


LEVEL = st.sampled_from(["a", "b", "", "$x", "+", "#"])
FILTER = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(is_filter)
TOPIC = st.lists(st.sampled_from(["a", "b", "", "$x"]), min_size=1, max_size=5).map("/".join).filter(bool)


@given(pattern=FILTER, wanted=FILTER, topic=TOPIC)
def test_may_subscribe_never_opens_a_topic_beyond_the_right(pattern: str, wanted: str, topic: str):
    user = BrokerUser("u", "h", writes=(), reads=(pattern,))

    if may_subscribe(user, wanted) and topic_matches(wanted, topic):
        assert may_receive(user, topic)


@pytest.mark.parametrize(
    ("name", "password_hash", "pattern"),
    [
        pytest.param("a\ntopic readwrite #", "h", "t", id="line in the name"),
        pytest.param("a:b", "h", "t", id="colon in the name"),
        pytest.param("", "h", "t", id="no name"),
        pytest.param("#a", "h", "t", id="comment"),
        pytest.param("a", "", "t", id="no hash"),
        pytest.param("a", "h\nb:h", "t", id="line in the hash"),
        pytest.param("a", "h", "t\ntopic readwrite #", id="line in the pattern"),
        pytest.param("a", "h", "a/#/b", id="pattern that is none"),
    ],
)
def test_broker_user_refuses_what_would_corrupt_a_file(name: str, password_hash: str, pattern: str):
    with pytest.raises(ValueError):
        BrokerUser(name, password_hash, writes=(pattern,), reads=())


def test_write_broker_files_replaces_everything_privately(tmp_path: Path):
    folder = tmp_path / "broker"
    write_broker_files(folder, [LASER, SERVER], 18883)

    write_broker_files(folder, [LASER], 18884)

    assert (folder / "passwords").read_text() == "laser:$7$1$a$b\n"
    assert (folder / "acl").read_text().split("\n") == [
        "user laser",
        "topic write fablab/v1/laser/up/#",
        "topic read fablab/v1/laser/down/#",
        "",
        "",
    ]
    assert "listener 18884 127.0.0.1\nallow_anonymous false\n" in (folder / "mosquitto.conf").read_text()
    assert read_users(folder) == {"laser": LASER}
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.iterdir())) == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_write_broker_files_gives_them_to_the_account(tmp_path: Path):
    write_broker_files(tmp_path / "broker", [LASER], 18883, owner_uid_gid=(65534, 65534))

    owners = {(file.stat().st_uid, file.stat().st_gid) for file in (tmp_path / "broker").iterdir()}
    assert owners == {(65534, 65534)}


def test_write_broker_files_refuses_two_users_of_one_name(tmp_path: Path):
    write_broker_files(tmp_path, [SERVER], 18883)

    with pytest.raises(ValueError, match="share a name"):
        write_broker_files(tmp_path, [LASER, LASER], 18883)

    assert list(read_users(tmp_path)) == ["server"]


@pytest.mark.parametrize("recorded", [None, "", "words", "999999999"], ids=["none", "empty", "words", "dead"])
def test_reload_broker_without_broker_says_so(tmp_path: Path, recorded: str | None):
    if recorded is not None:
        (tmp_path / PID).write_text(recorded)

    assert reload_broker(tmp_path) is False


def test_reload_broker_never_signals_a_stranger(tmp_path: Path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)", str(tmp_path)])
    (tmp_path / PID).write_text(str(stranger.pid))

    is_told = reload_broker(tmp_path)

    assert (is_told, running_pid(tmp_path), stranger.poll()) == (False, None, None)
    stranger.kill()
    stranger.wait()


def test_broker_command_for_amqtt_names_folder_and_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FABLAB_BROKER", "amqtt")

    command = broker_command(tmp_path, 18883, users=[SERVER])

    assert command.program == "amqtt"
    assert command.argv[1:7] == (
        "-m",
        "iot.broker.amqtt_server",
        "--folder",
        str(tmp_path / "broker"),
        "--port",
        "18883",
    )
    assert json.loads((tmp_path / "broker" / "users.json").read_text())[0]["username"] == "server"


@pytest.mark.parametrize(
    ("wanted", "path"), [("rabbitmq", ""), ("mosquitto", "/nowhere")], ids=["unknown", "not installed"]
)
def test_broker_command_refuses_a_broker_it_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, path: str
):
    monkeypatch.setenv("FABLAB_BROKER", wanted)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr("iot.broker.launch._SYSTEM_PATH", "/nowhere")

    with pytest.raises(BrokerUnavailable, match="FABLAB_BROKER"):
        broker_command(tmp_path, 18883, users=[SERVER])


COVERED = {
    "itself": ("a/b", "a/b", True),
    "one level": ("a/+", "a/b", True),
    "one level of two": ("a/+", "a/b/c", False),
    "everything below": ("a/#", "a/b/+", True),
    "another branch": ("a/#", "b/a", False),
    "the narrow one does not cover the wide one": ("a/b", "a/+", False),
    "nor everything below": ("a/+", "a/#", False),
}


@pytest.mark.parametrize(("wide", "narrow", "is_covered"), COVERED.values(), ids=COVERED.keys())
def test_filter_covers_another(wide: str, narrow: str, is_covered: bool) -> None:
    assert covers(wide, narrow) == is_covered
