"""Readers, pins, displays and the watchdog."""

import importlib
import io
import os
import socket
import struct
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from iot.agent.config import Machine, Reader
from iot.agent.hardware import HardwareError, NoDisplay
from iot.agent.hardware.gpio import GpioButton, GpioContact, GpioRelay
from iot.agent.hardware.readers import keyboard_reader, lines_of, serial_reader, typed_lines, uid_of
from iot.agent.hardware.simulated import SimulatedButton, SimulatedInput, SimulatedReader, SimulatedRelay
from iot.agent.hardware.text_display import TextDisplay
from iot.agent.watchdog import Pulses, Watchdog, notify_systemd
from iot.agent.wiring import badge_reader
from iot.agent.words import WORDS, said
from tests.contract.running_broker import wait_until

EVENT = struct.Struct("llHHi")
CODES = {letter: code for code, letter in zip(range(2, 12), "1234567890", strict=True)} | {"A": 30, "B": 48, "C": 46}


def typed(text: str) -> bytes:
    """What the kernel tells of these keys: pressed, and let go."""
    codes = [28 if letter == "\n" else CODES[letter] for letter in text]
    keys = b"".join(EVENT.pack(1, 2, 1, code, down) + EVENT.pack(1, 2, 0, 0, 0) for code in codes for down in (1, 0))
    return EVENT.pack(1, 2, 4, 4, 458_782) + keys


@pytest.mark.parametrize(
    ("line", "form", "badge"),
    [
        ("04A2B91C5D7280", "hex", "04A2B91C5D7280"),
        ("04:a2:b9:1c", "hex", "04A2B91C"),
        (" 04 a2-b9.1c ", "hex", "04A2B91C"),
        ("1cb9a204", "reversed", "04A2B91C"),
        ("0077773084", "decimal", "04A2B91C"),
        ("4294967295", "decimal", "FFFFFFFF"),
        ("1", "decimal", "00000001"),
        ("04A2B", "hex", ""),
        ("04A2", "hex", ""),
        ("", "hex", ""),
        ("ready", "hex", ""),
        ("12a", "decimal", ""),
        ("9" * 500, "decimal", ""),
        ("00" * 17, "hex", ""),
    ],
)
def test_badge_number_is_upper_case_hexadecimal(line: str, form: str, badge: str):
    assert uid_of(line, form) == badge


def test_lines_end_as_readers_end_them():
    stream = io.BytesIO(b"04A2B91C\r\n\r\n99FF00AA\n" + b"x" * 500 + b"\n11223344\r55")

    assert list(lines_of(stream)) == ["04A2B91C", "99FF00AA", "11223344"]


def test_keyboard_reader_types_whatever_layout_the_console_has():
    assert list(typed_lines(io.BytesIO(typed("04A2B91C\n\n1122\n33")))) == ["04A2B91C", "1122"]


def test_keyboard_reader_ignores_half_an_event():
    assert list(typed_lines(io.BytesIO(typed("12\n") + b"\0" * 7))) == ["12"]


def test_reader_that_is_pulled_out_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("iot.agent.hardware.readers.RETRY_S", 0.02)
    badges: list[str] = []
    reader = keyboard_reader(tmp_path / "event0", "hex")

    reader.start(badges.append)
    time.sleep(0.1)
    (tmp_path / "event0").write_bytes(typed("04A2B91C\n12\n"))

    assert wait_until(lambda: len(badges) >= 2)
    assert set(badges) == {"04A2B91C"}
    reader.close()


def test_serial_reader_reads_a_line():
    ours, theirs = os.openpty()
    badges: list[str] = []
    reader = serial_reader(Path(os.ttyname(theirs)), 9600, "hex")

    reader.start(badges.append)
    for _ in range(50):
        os.write(ours, b"04A2B91C\r\n")
        if wait_until(lambda: bool(badges), 0.1):
            break

    assert badges[0] == "04A2B91C"
    reader.close()
    os.write(ours, b"\r\n04A2B91C\r\n")
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("kind", ["stdin", "keyboard", "serial"])
def test_each_kind_of_reader_can_be_made(kind: str):
    assert badge_reader(Reader(kind, Path("none"), 9600, "hex"))


def test_simulated_reader_tells_each_badge_until_it_is_closed():
    badges: list[str] = []
    reader = SimulatedReader()
    reader.start(badges.append)

    reader.tap("04A2B91C")
    reader.close()
    reader.tap("99FF00AA")

    assert badges == ["04A2B91C"]


# --- pins ---------------------------------------------------------------------------------------------------------


class Pin:
    """As much of gpiozero as is used; its real one needs a Raspberry Pi."""

    made: list["Pin"] = []

    def __init__(self, pin: int, **options) -> None:
        if pin > 20:
            raise RuntimeError("GPIO busy")
        self.pin, self.options, self.value, self.is_pressed, self.is_closed = pin, options, 0, False, False
        self.when_pressed = self.when_released = None
        Pin.made.append(self)

    def on(self) -> None:
        self.value = 1

    def off(self) -> None:
        self.value = 0

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def gpio(monkeypatch: pytest.MonkeyPatch) -> type[Pin]:
    Pin.made = []
    library = SimpleNamespace(OutputDevice=Pin, Button=Pin)
    original = importlib.import_module
    monkeypatch.setattr(
        importlib, "import_module", lambda name, *more: library if name == "gpiozero" else original(name, *more)
    )
    return Pin


def test_gpio_relay_begins_off_and_is_switched_as_told(gpio: type[Pin]):
    relay = GpioRelay(17, is_active_high=False)
    before = relay.is_on

    relay.switch(True)

    assert gpio.made[0].options == {"active_high": False, "initial_value": False}
    assert (before, relay.is_on) == (False, True)
    relay.close()
    assert gpio.made[0].is_closed


@pytest.mark.parametrize(
    ("is_active_open", "is_closed_circuit", "is_active"),
    [(True, True, False), (True, False, True), (False, True, True), (False, False, False)],
    ids=["safety chain closed", "safety chain or its wire open", "running", "at rest"],
)
def test_gpio_contact_stops_at_a_cut_wire(
    gpio: type[Pin], is_active_open: bool, is_closed_circuit: bool, is_active: bool
):
    contact = GpioContact(5, is_active_open=is_active_open)
    gpio.made[0].is_pressed = is_closed_circuit

    assert contact.is_active is is_active


def test_gpio_inputs_call_on_change(gpio: type[Pin]):
    calls: list[str] = []
    GpioButton(5).on_press(lambda: calls.append("press"))
    GpioContact(6, is_active_open=True).on_change(lambda: calls.append("change"))

    gpio.made[0].when_pressed()
    gpio.made[1].when_pressed()
    gpio.made[1].when_released()

    assert calls == ["press", "change", "change"]


def test_gpio_pin_that_cannot_be_used_is_named(gpio: type[Pin]):
    with pytest.raises(HardwareError, match="Pin 25 cannot be used: GPIO busy"):
        GpioRelay(25)


def test_machine_on_pins_is_wired_as_its_settings_say(gpio: type[Pin]):
    from iot.agent import wiring

    machine = Machine("gpio", 17, True, 4, None, False, False, {"lid": 6})
    hardware = wiring._on_pins(machine, None, NoDisplay())

    assert [pin.pin for pin in gpio.made] == [17, 4, 6]
    assert hardware.capabilities() == ["relay", "button", "safety_input"]
    assert hardware.safety["lid"].is_active, "an open chain is a stop"


def test_simulated_machine_is_wired_as_its_settings_say():
    from iot.agent import wiring

    hardware = wiring._simulated(Machine("simulated", None, True, 4, 5, False, False, {"lid": 6}), None, NoDisplay())

    assert hardware.capabilities() == ["relay", "button", "display", "busy_input", "safety_input"]
    assert isinstance(hardware.relay, SimulatedRelay)
    assert isinstance(hardware.button, SimulatedButton)
    assert isinstance(hardware.busy, SimulatedInput)


# --- display ------------------------------------------------------------------------------------------------------


def test_text_display_writes_a_line_each(tmp_path: Path):
    display = TextDisplay(tmp_path / "tty")

    display.show("Hold your badge")
    display.show("5 min left", is_alert=True)

    assert (tmp_path / "tty").read_text() == "Hold your badge\n5 min left\a\n"


def test_text_display_that_is_gone_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    display = TextDisplay(tmp_path / "none" / "tty")

    for _ in range(3):
        display.show("Hold your badge")

    assert len(caplog.records) == 1


def test_every_language_says_everything():
    assert {language: set(words) for language, words in WORDS.items()} == {key: set(WORDS["en"]) for key in WORDS}
    for language in WORDS:
        assert said(language, "on", {"name": "Zoé", "minutes": 5}).startswith("Zoé")
        assert not said(language, "on", {"name": "", "minutes": 5}).startswith((":", " ", "\u00a0"))
    assert said("xx", "off") == WORDS["en"]["off"]


# --- watchdog -----------------------------------------------------------------------------------------------------


def test_watchdog_tells_systemd_while_all_threads_beat():
    lines: list[str] = []
    pulses = Pulses()
    pulses.beat("agent")
    watchdog = Watchdog(pulses, every_s=0.01, hangs_after_s=60, notify=lines.append)

    watchdog.start()

    assert wait_until(lambda: len(lines) > 3)
    watchdog.stop()
    # One beat may be on its way while it stops.
    assert (lines[0], set(lines[1:])) == ("READY=1", {"WATCHDOG=1", "STOPPING=1"})
    assert "STOPPING=1" in lines


def test_watchdog_ends_an_agent_that_hangs():
    lines: list[str] = []
    has_ended = threading.Event()
    pulses = Pulses()
    pulses.beat("agent")
    watchdog = Watchdog(pulses, every_s=0.01, hangs_after_s=0.05, notify=lines.append, on_hang=has_ended.set)

    watchdog.start()

    assert has_ended.wait(5)
    watchdog.stop()
    count = lines.count("WATCHDOG=1")
    time.sleep(0.1)
    assert lines.count("WATCHDOG=1") == count


def test_pulse_of_one_thread_does_not_stand_for_another():
    clock_s = 0.0
    pulses = Pulses(lambda: clock_s)
    pulses.beat("agent")
    pulses.beat("device")
    clock_s = 100.0
    pulses.beat("device")

    assert pulses.hung(60) == ["agent"]


@pytest.mark.parametrize("is_abstract", [False, True], ids=["path", "abstract"])
def test_notify_writes_to_systemds_socket(tmp_path: Path, is_abstract: bool):
    name = f"fablab-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name if is_abstract else name)
        systemd.settimeout(5)

        notify_systemd("READY=1", {"NOTIFY_SOCKET": "@" + name if is_abstract else name})

        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/none/at/all"}], ids=["no systemd", "gone"])
def test_notify_without_systemd_does_nothing(environ: dict[str, str]):
    notify_systemd("READY=1", environ)
