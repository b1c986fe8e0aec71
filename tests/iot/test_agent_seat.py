"""A laptop or public PC: the timer follows the lab's clock, and only programs of the agent's own file are run."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from iot.agent.battery import battery_pct
from iot.agent.config import Seat
from iot.agent.hardware import HardwareError
from iot.agent.hardware.seat import ScreenLock, WarningHook
from iot.agent.hooks import HookFailed, run_hook
from iot.agent.lifecycle import SEAT
from iot.agent.server_time import ServerTime, parsed
from tests.iot.agent_rig import NOON, Clock, Rig

WRITER = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n')"


def seat_rig(**options) -> Rig:
    return Rig(kind=SEAT, has_button=False, has_busy_input=False, **options)


def grant(rig: Rig, most_s: float = 3600, session_id: str = "s-1") -> None:
    rig.orders["enable"]({"session_id": session_id, "most_s": most_s, "display_name": "Camille"})


def writer(file: Path, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-c", WRITER, str(file), *words)


# --- the timer ----------------------------------------------------------------------------------------------------


def test_seat_warns_then_locks_at_its_end():
    rig = seat_rig()
    grant(rig)

    rig.pass_s(3301)
    warned = list(rig.display.alerts)
    rig.pass_s(300)

    assert warned == ["5 min left"]
    assert rig.relay.switched == [True, False]
    assert rig.events() == ["energised", "stop:booking_end", "de_energised"]


def test_seat_is_prolonged_and_warns_again():
    rig = seat_rig()
    grant(rig, 600)
    rig.pass_s(400)

    grant(rig, 1200)
    rig.pass_s(1190)

    assert rig.relay.switched == [True]
    assert rig.display.alerts == ["5 min left", "5 min left"]


def test_clock_of_the_computer_does_not_move_the_end(monkeypatch: pytest.MonkeyPatch):
    """Whoever sets the computer's clock back a day wins nothing: nothing here asks it."""
    rig = seat_rig()
    rig.tell_time()
    grant(rig, 600)

    monkeypatch.setattr("time.time", lambda: 0.0)
    rig.pass_s(601)

    assert rig.relay.switched == [True, False]


def test_seat_goes_on_after_a_restart_of_the_computer_by_the_labs_time():
    rig = seat_rig()
    rig.tell_time(NOON)
    grant(rig, 3600)
    rig.pass_s(600, step_s=10)

    rig.boot, rig.clock.now_s = "boot-2", 20.0
    rig.restart()
    rig.tell_time(NOON + timedelta(minutes=40))
    rig.station.tick()

    assert rig.station.session.left_s(rig.clock()) == pytest.approx(20 * 60)


def test_seat_restarted_out_of_reach_of_the_lab_has_what_was_left():
    rig = seat_rig()
    grant(rig, 3600)
    rig.pass_s(600, step_s=10)

    rig.boot, rig.clock.now_s = "boot-2", 20.0
    rig.restart()

    # Written down once a minute.
    assert 3000 <= rig.station.session.left_s(rig.clock()) <= 3060


def test_seat_killed_and_started_again_has_the_same_end():
    rig = seat_rig()
    grant(rig, 600)
    rig.pass_s(590)

    rig.restart()
    rig.pass_s(11)

    assert rig.relay.switched == [True, False]


def test_seat_locked_by_the_team_ends_its_session_at_once():
    rig = seat_rig()
    grant(rig)

    rig.orders["lock"]({})

    assert rig.relay.switched == [True, False]
    assert rig.events()[1:] == ["stop:supervisor", "de_energised"]


def test_free_seat_is_locked_by_an_order():
    rig = seat_rig()

    rig.orders["lock"]({})

    assert rig.relay.switched == [False]


# --- the lab's time -----------------------------------------------------------------------------------------------


def test_server_time_believes_the_least_delayed_message():
    clock = Clock()
    server_time = ServerTime(clock_s=clock)

    for delay_s in (3, 0.1, 40):
        clock.now_s += 10
        server_time.hear((NOON + timedelta(seconds=clock.now_s - delay_s)).isoformat())

    assert server_time.now() == NOON + timedelta(seconds=clock.now_s - 0.1)


def test_server_time_follows_a_drifting_quartz():
    clock = Clock()
    server_time = ServerTime(clock_s=clock)
    true_s = 0.0

    for _ in range(48):
        true_s += 1800
        clock.now_s += 1800 * (1 + 1e-4)  # ours runs fast by 100 ppm
        server_time.hear((NOON + timedelta(seconds=true_s)).isoformat())

    error = server_time.now() - (NOON + timedelta(seconds=true_s))
    assert abs(error.total_seconds()) < 1


def test_server_time_is_unknown_until_the_lab_said_it():
    assert ServerTime().now() is None
    assert ServerTime(is_clock_trusted=True).now() is not None


@pytest.mark.parametrize("told", [None, "", 7, "2026-03-12T12:00:00", "9999-12-31T23:59:59-23:59", [], {}], ids=repr)
def test_server_time_ignores_what_is_no_instant(told: object):
    server_time = ServerTime()

    assert (server_time.hear(told), server_time.now(), parsed(told)) == (False, None, None)


# --- programs -----------------------------------------------------------------------------------------------------


def test_lock_and_warning_run_their_programs(tmp_path: Path):
    file = tmp_path / "said"
    seat = Seat(writer(file, "lock"), writer(file, "unlock"), writer(file, "warn:", "{text}"), False)
    screen_lock, warning = ScreenLock(seat), WarningHook(seat)

    screen_lock.switch(True)
    warning.show("not an alert")
    warning.show("5 min left", is_alert=True)
    screen_lock.switch(False)

    assert file.read_text() == "unlock\nwarn: 5 min left\nlock\n"


@pytest.mark.parametrize("text", ["$(reboot)", "; reboot", "`reboot`", "--help", '"'], ids=repr)
def test_text_of_the_lab_is_one_word_and_never_a_command(tmp_path: Path, text: str):
    run_hook(writer(tmp_path / "said", "{text}"), {"text": text})

    assert (tmp_path / "said").read_text() == f"{text}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("no-such-program",), "no-such-program"),
        ((sys.executable, "-c", "import sys; sys.exit('no display')"), "ended with 1: no display"),
        (("\0",), "null"),
    ],
    ids=["missing", "fails", "odd"],
)
def test_program_that_fails_is_named(command: tuple[str, ...], said: str):
    with pytest.raises(HookFailed, match=said):
        run_hook(command)


def test_program_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("iot.agent.hooks.WITHIN_S", 0.2)

    with pytest.raises(HookFailed, match="timed out"):
        run_hook((sys.executable, "-c", "import time; time.sleep(60)"))


def test_lock_that_fails_is_told_and_tried_again(tmp_path: Path):
    rig = seat_rig()
    grant(rig, 60)
    rig.relay.is_stuck = True
    rig.pass_s(61)
    rig.relay.is_stuck = False

    rig.pass_s(31)

    assert "fault:relay" in rig.events()
    assert rig.relay.switched == [True, False]


def test_lock_program_that_fails_is_a_fault_of_the_hardware():
    with pytest.raises(HardwareError):
        ScreenLock(Seat(("no-such-program",), (), (), False)).switch(False)


@pytest.mark.parametrize(("is_locked_when_free", "switched"), [(True, [False]), (False, [])])
def test_free_seat_is_locked_at_start_when_it_is_to_be(is_locked_when_free: bool, switched: list[bool]):
    rig = seat_rig()
    rig.relay.is_on = ScreenLock(Seat(("x",), (), (), is_locked_when_free)).is_on

    rig.restart()

    assert rig.relay.switched == switched


def test_agent_reads_nothing_else_of_the_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Everything that the agent opens while it looks for a battery is below power_supply."""
    (tmp_path / "BAT0").mkdir()
    (tmp_path / "BAT0" / "capacity").write_text("50")
    read: list[Path] = []
    original: Callable[..., str] = Path.read_text

    def _noting(path: Path, *args, **kwargs) -> str:
        read.append(path)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", _noting)

    assert battery_pct(tmp_path) == 50.0
    assert read == [tmp_path / "BAT0" / "capacity"]
