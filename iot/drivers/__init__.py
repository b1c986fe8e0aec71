"""One file for each kind of device; `foreign_driver` finds it."""

from types import ModuleType

from iot.drivers import tasmota

FOREIGN: dict[str, ModuleType] = {"tasmota": tasmota}


def foreign_driver(kind: str) -> ModuleType:
    """The driver of a device that is not ours; a module shaped like `base.ForeignDriver`.

    Raises:
        KeyError: no driver of that kind.
    """
    return FOREIGN[kind]
