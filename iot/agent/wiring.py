"""Makes the hardware that the settings name."""

from dataclasses import replace

from .config import Config, Keypad, Machine, Reader, Seat
from .hardware import BadgeReader, Display, Hardware, NoDisplay
from .hardware.gpio import GpioButton, GpioContact, GpioRelay
from .hardware.readers import keyboard_reader, serial_reader, stdin_reader
from .hardware.seat import ScreenLock, WarningHook
from .hardware.simulated import SimulatedButton, SimulatedDisplay, SimulatedInput, SimulatedRelay
from .hardware.text_display import TextDisplay
from .lifecycle import SEAT, Kind


def hardware_of(config: Config) -> Hardware | None:
    """What stands beside this computer; None when it only reports.

    Raises:
        HardwareError: something is not there, or its library is not.
    """
    reader = badge_reader(config.reader) if config.reader else None
    keypad = keypad_of(config.keypad) if config.keypad else None
    if config.reader and config.reader.has_keypad:
        keypad = reader
    if config.seat:
        return replace(_seat(config.seat, reader), keypad=keypad)
    if config.machine is None:
        return None
    build = _on_pins if config.machine.hardware == "gpio" else _simulated
    display = TextDisplay(config.display_file) if config.display_file else NoDisplay()
    return replace(build(config.machine, reader, display), keypad=keypad)


def kind_of(config: Config) -> Kind:
    if config.seat:
        return SEAT
    machine = config.machine
    if machine is None:
        return Kind()
    # An extractor runs while its machines do: nobody stands before it to confirm.
    return Kind(is_confirmed_here=not machine.is_follower, is_cut_at_end=machine.is_cut_at_end or machine.is_follower)


def badge_reader(reader: Reader) -> BadgeReader:
    return _reading(reader, reader.uid, has_keypad=reader.has_keypad)


def keypad_of(keypad: Keypad) -> BadgeReader:
    """It reads codes only: a number of any other length is nobody's badge."""
    return _reading(keypad, "", has_keypad=True)


def _reading(place: Reader | Keypad, form: str, *, has_keypad: bool) -> BadgeReader:
    if place.kind == "stdin" or place.path is None:
        return stdin_reader(form, has_keypad=has_keypad)
    if place.kind == "serial":
        return serial_reader(place.path, place.baud, form, has_keypad=has_keypad)
    return keyboard_reader(place.path, form, has_keypad=has_keypad)


def _seat(seat: Seat, reader: BadgeReader | None) -> Hardware:
    return Hardware(relay=ScreenLock(seat), display=WarningHook(seat), reader=reader)


def _on_pins(machine: Machine, reader: BadgeReader | None, display: Display) -> Hardware:
    return Hardware(
        relay=GpioRelay(machine.relay_pin or 0, is_active_high=machine.is_relay_active_high),
        display=display,
        button=None if machine.button_pin is None else GpioButton(machine.button_pin),
        reader=reader,
        busy=None if machine.busy_pin is None else GpioContact(machine.busy_pin, is_active_open=False),
        safety={name: GpioContact(pin, is_active_open=True) for name, pin in machine.safety_pins.items()},
    )


def _simulated(machine: Machine, reader: BadgeReader | None, display: Display) -> Hardware:
    return Hardware(
        relay=SimulatedRelay(),
        display=SimulatedDisplay() if isinstance(display, NoDisplay) else display,
        button=None if machine.button_pin is None else SimulatedButton(),
        reader=reader,
        busy=None if machine.busy_pin is None else SimulatedInput(),
        safety={name: SimulatedInput() for name in machine.safety_pins},
    )
