"""Relay, button and contacts on the pins of a Raspberry Pi, by gpiozero and lgpio, which are loaded only here."""

import importlib
from collections.abc import Callable
from typing import Any

from . import HardwareError

BOUNCE_S = 0.05
MISSING = (
    '[machine] hardware = "gpio" needs gpiozero and lgpio: sudo apt install python3-gpiozero python3-lgpio, and a '
    'virtual environment made with --system-site-packages. To try without pins: hardware = "simulated".'
)


def pins() -> Any:
    """The gpiozero module.

    Raises:
        HardwareError: it is not installed.
    """
    try:
        return importlib.import_module("gpiozero")
    except ImportError as error:
        raise HardwareError(MISSING) from error


class GpioRelay:
    """`is_active_high` False for the common boards that switch on when the pin is low.

    Off when the agent begins, and off when it ends: gpiozero lets go of its pins then. A pin that nobody drives may
    read as anything, so it is not asked what it was before.
    """

    def __init__(self, pin: int, *, is_active_high: bool = True) -> None:
        self._pin = pin
        self._device = _made("OutputDevice", pin, active_high=is_active_high, initial_value=False)

    @property
    def is_on(self) -> bool:
        return bool(self._device.value)

    def switch(self, is_on: bool) -> None:
        try:
            (self._device.on if is_on else self._device.off)()
        except Exception as error:
            raise HardwareError(f"The relay on pin {self._pin} does not answer: {error}") from error

    def close(self) -> None:
        self._device.close()


class GpioButton:
    """Between the pin and ground."""

    def __init__(self, pin: int) -> None:
        self._device = _made("Button", pin, pull_up=True, bounce_time=BOUNCE_S)

    def on_press(self, call: Callable[[], None]) -> None:
        self._device.when_pressed = call

    def close(self) -> None:
        self._device.close()


class GpioContact:
    """Between the pin and ground. `is_active_open`: a safety chain is closed while all is well; a cut wire stops."""

    def __init__(self, pin: int, *, is_active_open: bool) -> None:
        self._is_active_open = is_active_open
        self._device = _made("Button", pin, pull_up=True, bounce_time=BOUNCE_S)

    @property
    def is_active(self) -> bool:
        return bool(self._device.is_pressed) != self._is_active_open

    def on_change(self, call: Callable[[], None]) -> None:
        self._device.when_pressed = self._device.when_released = call

    def close(self) -> None:
        self._device.close()


def _made(name: str, pin: int, **options: Any) -> Any:
    library = pins()
    try:
        return getattr(library, name)(pin, **options)
    except Exception as error:
        raise HardwareError(f"Pin {pin} cannot be used: {error}") from error
