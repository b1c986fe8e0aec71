"""What a device says that it has, in words; which orders that leaves, and what the machine asks for beyond it."""

from collections.abc import Iterable, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from iot.models import Device, DeviceCommand, DriverKind, MachineAccess

Words = str | Promise
Kind = DeviceCommand.Kind

# As our agent names them in its hello; see docs/protocol.md.
WORDS: dict[str, Words] = {
    "relay": gettext_lazy("a relay for the power"),
    "badge": gettext_lazy("a badge reader"),
    "keypad": gettext_lazy("keys to type a code"),
    "button": gettext_lazy("a button"),
    "display": gettext_lazy("a display"),
    "busy_input": gettext_lazy("a contact that tells when the machine works"),
    "safety_input": gettext_lazy("safety contacts"),
    "seat": gettext_lazy("a screen that it locks"),
    "power_w": gettext_lazy("a power meter"),
    "battery_pct": gettext_lazy("a battery"),
}
SWITCHES = frozenset({"relay", "seat"})
SHOWS = frozenset({"display", "seat"})
# One of these is needed; what is not named here any device of ours may be asked for.
NEEDED = {Kind.ENABLE: SWITCHES, Kind.DISABLE: SWITCHES, Kind.LOCK: SWITCHES, Kind.MESSAGE: SHOWS}
CONFIRMS = frozenset({"badge", "button", "keypad"})
TYPES = "keypad"
# What a device answers to an order that it has no means for.
UNSUPPORTED = "unsupported"


def told_capabilities(names: Iterable[str]) -> list[str]:
    """Each once, in the order in which the device named them."""
    return list(dict.fromkeys(name for name in names if name))


def capability_words(device: Device) -> Sequence[str]:
    """In the reader's language; what we have no words for stands as the device said it."""
    return [str(WORDS.get(name, name)) for name in device.capabilities]


def why_not(device: Device, kind: str) -> str:
    """Why a device of ours cannot carry out such an order; empty when it can, or has not said what it has."""
    if device.kind != DriverKind.FABLAB:
        return ""
    if kind in device.refuses:
        return _("It answered that it cannot do that.")
    needed = NEEDED.get(Kind(kind))
    if not device.capabilities or needed is None or needed & set(device.capabilities):
        return ""
    if kind == Kind.MESSAGE:
        return _("It says that it has no display.")
    return _("It says that it has neither a relay nor a screen to lock: there is nothing to switch.")


def cuts_unseen(device: Device) -> bool:
    """Whether an order to switch off cuts what works there: a plug does, and so does a device of ours that has a relay
    and no contact that tells it of the work."""
    has = set(device.capabilities)
    return device.kind != DriverKind.FABLAB or ("relay" in has and "busy_input" not in has)


def gaps(device: Device, access: MachineAccess | None) -> Sequence[str]:
    """What its machine asks for and this device says that it has not: nobody could begin there."""
    has = set(device.capabilities)
    if device.kind != DriverKind.FABLAB or device.machine is None or "relay" not in has:
        return []
    found = []
    if access is not None and access.needs_button and "button" not in has:
        found.append(_("Its machine asks for the button, and this device says that it has none: nobody can begin."))
    elif device.machine.risk >= 1 and not has & CONFIRMS:
        found.append(
            _("Its machine can hurt, and nothing confirms a start there: it says that it has no reader and no button.")
        )
    return found
