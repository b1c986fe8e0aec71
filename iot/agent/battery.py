"""The battery of the laptop that the agent runs on. Nothing else of the computer is read."""

import ctypes
import re
import sys
from pathlib import Path

SYSTEM = Path("/sys/class/power_supply")


def battery_pct(system: Path = SYSTEM) -> float | None:
    """The charge of the first battery in per cent; None without a battery that says it."""
    if sys.platform == "win32":
        return _windows_battery_pct()
    for battery in sorted(system.glob("BAT*")):
        try:
            text = (battery / "capacity").read_text().strip()
        except OSError:
            continue
        if re.fullmatch(r"\d{1,3}", text):
            return float(min(100, int(text)))
    return None


class _PowerStatus(ctypes.Structure):
    # SYSTEM_POWER_STATUS of winbase.h
    _fields_ = [
        ("ac_line", ctypes.c_ubyte),
        ("battery_flag", ctypes.c_ubyte),
        ("battery_pct", ctypes.c_ubyte),
        ("is_saving", ctypes.c_ubyte),
        ("life_s", ctypes.c_uint32),
        ("full_life_s", ctypes.c_uint32),
    ]


def _windows_battery_pct() -> float | None:
    status = _PowerStatus()
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    # 255: unknown, as on a PC without a battery.
    if not kernel.GetSystemPowerStatus(ctypes.byref(status)) or status.battery_pct > 100:
        return None
    return float(status.battery_pct)
