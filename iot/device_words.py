"""Each kind of device in words: what its topic is, what to set on it, and what its meter does."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from iot.drivers import FOREIGN
from iot.drivers.base import SetUp
from iot.models import DriverKind

Words = str | Promise

TOPICS: dict[str, tuple[Words, Words]] = {
    DriverKind.TASMOTA: (_("“Topic” on the plug’s own page, under MQTT."), "plug-04"),
    DriverKind.SHELLY: (
        _("The “MQTT prefix” of the plug; the oldest ones (Gen1) begin with shellies/."), "shellies/laser-plug",
    ),
    DriverKind.ZIGBEE2MQTT: (_("zigbee2mqtt/ and the friendly name."), "zigbee2mqtt/laser-plug"),
    DriverKind.ESPHOME: (_("The topic prefix, else the name of the node."), "laser-node"),
    DriverKind.OCTOPRINT: (_("The base topic of the MQTT plug-in, with the printer’s name in it."), "octoPrint/mk4"),
    DriverKind.MOONRAKER: (_("The instance name in moonraker.conf."), "voron"),
    DriverKind.BAMBU: (_("The serial number, on the printer’s screen under “Device”."), "01S00A2B3C4D5E6"),
    DriverKind.RFID: (_("The reader’s whole base topic, without what follows it."), "door-reader"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KindWords:
    """`topic` and `example` are empty for our own agent, which needs none."""

    kind: DriverKind
    name: Words
    topic: Words
    example: Words
    steps: Sequence[SetUp]
    counter: Words


def set_up_of(kind: str) -> KindWords | None:
    """What to set on a device of this kind; None for our own agent, which is told everything when it is enrolled."""
    driver = FOREIGN.get(kind)
    if driver is None:
        return None
    topic, example = TOPICS[kind]
    return KindWords(DriverKind(kind), DriverKind(kind).label, topic, example, driver.SET_UP, driver.COUNTER)


def all_kinds() -> list[KindWords]:
    """Those that are not ours, in the order of the form."""
    return [words for kind in DriverKind if (words := set_up_of(kind)) is not None]
