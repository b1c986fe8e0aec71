"""Codes of phones, typed at a reader with keys or at a keypad: never taken for badges."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from iot.agent.config import Config, ConfigError, Keypad, Machine, Reader, read_config
from iot.agent.device import Device
from iot.agent.hardware import Hardware
from iot.agent.hardware.readers import LineReader, code_of, lines_of, typed_lines
from iot.agent.hardware.simulated import SimulatedReader
from iot.agent.settings import Settings
from iot.agent.wiring import badge_reader, hardware_of, keypad_of
from tests.iot.agent_rig import Rig

CODE = "482913"
EVENT = struct.Struct("llHHi")
KEYS = {letter: code for code, letter in zip(range(2, 12), "1234567890", strict=True)} | {"\n": 28, "\b": 14}


def with_keypad(**options) -> Rig:
    rig = Rig(**options)
    rig.station.hardware = replace(rig.station.hardware, keypad=rig.reader)
    return rig


def read(lines: bytes, reader: LineReader) -> list[tuple[str, str]]:
    """What a reader makes of these lines, in its own thread's place."""
    told: list[tuple[str, str]] = []
    reader._on_badge = lambda number: told.append(("badge", number))
    reader._on_code = lambda number: told.append(("code", number))
    reader._read(io.BytesIO(lines))
    return told


def typed(*keys: tuple[str, float]) -> io.BytesIO:
    """Keys, each with the second in which it was pressed."""
    return io.BytesIO(b"".join(EVENT.pack(int(at), int(at % 1 * 1e6), 1, KEYS[key], 1) for key, at in keys))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("482913", "482913"),
        ("000000", "000000"),
        ("482 913", "482913"),
        (" 482913 ", "482913"),
        ("48291", ""),
        ("4829133", ""),
        ("0077773084", ""),
        ("48291A", ""),
        ("48-29-13", ""),
        ("٤٨٢٩١٣", ""),
        ("", ""),
    ],
)
def test_code_is_six_decimal_digits_and_nothing_else(line: str, code: str):
    assert code_of(line) == code


LINES = b"482913\n04A2B91C\n0077773084\n482913AB\n"


@pytest.mark.parametrize(
    ("uid", "told"),
    [
        ("hex", [("badge", "04A2B91C"), ("badge", "0077773084"), ("badge", "482913AB")]),
        ("reversed", [("badge", "1CB9A204"), ("badge", "8430777700"), ("badge", "AB132948")]),
        ("decimal", [("badge", "04A2B91C")]),
    ],
)
def test_reader_with_keys_tells_codes_as_they_were_typed_and_badges_as_ever(uid: str, told: list[tuple[str, str]]):
    reader = LineReader(lambda: io.BytesIO(), lines_of, form=uid, name="-", has_keypad=True)

    assert read(LINES, reader) == [("code", CODE), *told]


def test_reader_without_keys_knows_no_code():
    reader = LineReader(lambda: io.BytesIO(), lines_of, form="hex", name="-")

    assert read(b"482913\n04A2B91C\n", reader) == [("badge", "482913"), ("badge", "04A2B91C")]


def test_keypad_beside_the_reader_tells_codes_only(caplog: pytest.LogCaptureFixture):
    keypad = keypad_of(Keypad("keyboard", Path("none"), 9600))
    keypad._lines = lines_of

    assert read(b"482913\n04A2B91C\n0077773084\n", keypad) == [("code", CODE)]
    assert "0077773084" not in caplog.text


def test_wrong_digit_is_taken_back():
    keys = [(key, 100.0) for key in "4829\b\b2913\n"]

    assert list(typed_lines(typed(*keys))) == [CODE]


def test_digits_that_somebody_left_are_not_part_of_the_next_badge():
    left = [("4", 100.0), ("8", 101.0)]
    badge = [(key, 120.0) for key in "0077773084\n"]

    assert list(typed_lines(typed(*left, *badge))) == ["0077773084"]


def test_slow_fingers_type_one_code():
    keys = [(key, 100.0 + 5 * place) for place, key in enumerate("482913\n")]

    assert list(typed_lines(typed(*keys))) == [CODE]


# --- settings and capability --------------------------------------------------------------------------------------


HEAD = "device = 'laser'\nhost = 'lab'\n[machine]\nhardware = 'simulated'\n"


def config_of(folder: Path, text: str) -> Config:
    (folder / "agent.toml").write_text(HEAD + text)
    return read_config(folder / "agent.toml")


KEYED = {
    "reader with keys": ("[reader]\nkind = 'stdin'\nhas_keypad = true", ["badge", "keypad"]),
    "keypad beside it": ("[reader]\nkind = 'stdin'\n[keypad]\nkind = 'keyboard'\npath = 'k'", ["badge", "keypad"]),
    "keypad alone": ("[keypad]\nkind = 'serial'\npath = '/dev/ttyS0'\nbaud = 19200", ["keypad"]),
    "no keys": ("[reader]\nkind = 'stdin'\nuid = 'decimal'", ["badge"]),
}


@pytest.mark.parametrize(("text", "has"), KEYED.values(), ids=KEYED)
def test_lab_is_told_whether_codes_can_be_typed(tmp_path: Path, text: str, has: list[str]):
    hardware = hardware_of(config_of(tmp_path, text))

    assert hardware
    assert [name for name in hardware.capabilities() if name in ("badge", "keypad")] == has


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[reader]\nkind = 'stdin'\n[keypad]\nkind = 'stdin'", "another device than the [reader]"),
        (
            "[reader]\nkind = 'stdin'\nhas_keypad = true\n[keypad]\nkind = 'keyboard'\npath = 'k'",
            "no [keypad] beside a [reader] with has_keypad = true",
        ),
        ("[keypad]\nkind = 'keyboard'", "line 5: keypad.path is missing"),
        ("[keypad]\nkind = 'stdin'\nuid = 'hex'", "keypad.uid is not a setting"),
        ("[reader]\nkind = 'stdin'\nhas_keypad = 'yes'", "reader.has_keypad = 'yes': true or false"),
    ],
)
def test_settings_of_a_keypad_say_what_is_wrong(tmp_path: Path, text: str, said: str):
    with pytest.raises(ConfigError) as error:
        config_of(tmp_path, text)

    assert said in str(error.value)


def test_keypad_of_nothing_is_refused(tmp_path: Path):
    (tmp_path / "agent.toml").write_text("device = 'laser'\nhost = 'lab'\n[keypad]\nkind = 'stdin'")

    with pytest.raises(ConfigError, match=r"keypad.*\[machine\] or \[seat\]"):
        read_config(tmp_path / "agent.toml")


def test_reader_that_is_its_keypad_is_read_once():
    reader = badge_reader(Reader("keyboard", Path("none"), 9600, "hex", has_keypad=True))
    rig = with_keypad()

    assert Hardware(rig.relay, reader=reader, keypad=reader).readers() == [reader]
    assert len(Hardware(rig.relay, reader=reader, keypad=SimulatedReader()).readers()) == 2


def test_seat_with_a_keypad_says_so(tmp_path: Path):
    (tmp_path / "password").write_text("secret")
    (tmp_path / "agent.toml").write_text(
        "device = 'laptop'\nhost = 'lab'\n[seat]\nlock_command = ['true']\n[keypad]\nkind = 'stdin'"
    )
    device = Device(read_config(tmp_path / "agent.toml"))

    found = device._capabilities()

    device.close()
    assert [name for name in found if name != "battery_pct"] == ["seat", "keypad"]


# --- at the machine -----------------------------------------------------------------------------------------------


def test_code_is_asked_about_as_a_code_and_the_decision_lets_power_through():
    rig = with_keypad()

    rig.station.code(CODE)
    asked = rig.reported("access")
    rig.allow(asked[0]["request_id"])

    assert [(each["kind"], each["credential"]) for each in asked] == [("code", CODE)]
    assert rig.relay.is_on


def test_same_code_is_asked_about_again():
    """Whoever mistyped the machine's state, not the code, types it anew: no two seconds are waited for."""
    rig = with_keypad()

    rig.station.code(CODE)
    rig.deny(rig.reported("access")[0]["request_id"])
    rig.station.code(CODE)

    assert len(rig.reported("access")) == 2


def test_code_that_is_refused_reads_why():
    rig = with_keypad()

    rig.station.code(CODE)
    rig.deny(rig.reported("access")[0]["request_id"], "This code is over")

    assert (rig.display.shown, rig.relay.switched) == ("This code is over", [])


@pytest.mark.parametrize("is_connected", [True, False], ids=["no answer", "out of reach"])
def test_code_opens_nothing_without_the_lab(is_connected: bool):
    rig = with_keypad(is_connected=is_connected)
    rig.tell_time()

    rig.station.code(CODE)
    rig.pass_s(3)

    told = rig.reported("access")[-1]
    assert (told["kind"], told["decided"]) == ("code", "denied")
    assert rig.display.shown == "The lab is out of reach: only a badge works now"
    assert rig.relay.switched == []


def test_code_at_a_locked_machine_asks_nobody():
    rig = with_keypad()
    rig.station.lock_out("supervisor")

    rig.station.code(CODE)

    assert (rig.reported("access"), rig.display.shown) == ([], "Locked: ask the team")


def test_code_in_two_steps_waits_for_the_button():
    rig = with_keypad(settings=Settings(is_two_step=True))

    rig.station.code(CODE)
    rig.allow(rig.reported("access")[0]["request_id"])
    was_on = rig.relay.is_on
    rig.station.press()

    assert (was_on, rig.relay.is_on) == (False, True)


READY = {
    "reader": (True, False, "Hold your badge to the reader"),
    "reader with keys": (True, True, "Hold your badge to the reader, or type the code of your phone"),
    "keypad alone": (False, True, "Type the code that your phone shows"),
    "button alone": (False, False, "Tap “I am here” on your phone, then press the button"),
}


@pytest.mark.parametrize(("has_reader", "has_keypad", "shown"), READY.values(), ids=READY)
def test_display_says_what_can_be_done_there(has_reader: bool, has_keypad: bool, shown: str):
    rig = Rig()
    keypad = rig.reader if has_keypad else None
    rig.station.hardware = replace(rig.station.hardware, reader=rig.reader if has_reader else None, keypad=keypad)

    rig.pass_s(1)

    assert rig.display.shown == shown


def test_simulated_machine_tries_codes(tmp_path: Path):
    machine = Machine("simulated", None, True, None, None, False, False, {})
    config = Config(
        "laser", "lab", 1, False, tmp_path, tmp_path, tmp_path, machine=machine,
        reader=Reader("stdin", None, 9600, "hex", has_keypad=True),
    )  # fmt: skip
    hardware = hardware_of(config)

    assert hardware
    assert hardware.reader is hardware.keypad
