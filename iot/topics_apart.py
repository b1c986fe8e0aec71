"""Which topics a device that is not ours may have: nothing that others say or are told."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from iot.broker.access import overlap
from iot.drivers import FOREIGN, zigbee2mqtt
from iot.models import Device, DriverKind

# Ours and discovery's, and the three beginnings on which every Tasmota plug speaks, attached yet or not.
KEPT = ("fablab/#", "homeassistant/#", "cmnd/#", "stat/#", "tele/#")
# A badge reader that runs Tasmota says its badges on `tele/<name>/SENSOR`: its topic is `tele/<name>`.
MAY_USE: dict[str, tuple[str, ...]] = {DriverKind.TASMOTA: ("cmnd/#", "stat/#", "tele/#"), DriverKind.RFID: ("tele/#",)}


def is_kept(kind: str, pattern: str) -> bool:
    """Whether some of the pattern belongs to others, whoever they are, for a device of this kind."""
    own = MAY_USE.get(kind, ())
    return any(overlap(pattern, others) for others in KEPT if others not in own)


def check_speaks_alone(device: Device) -> None:
    """Nobody speaks for a device of another machine, nor hears what it is told. A reader and a plug in one box may
    share what their box says.

    Raises:
        ValidationError: some of its topics are others'.
    """
    if device.kind not in FOREIGN:
        return
    driver = FOREIGN[device.kind]
    if any(is_kept(device.kind, pattern) for pattern in (*driver.writes(device.topic), *driver.reads(device.topic))):
        raise ValidationError(
            _("The lab itself or other devices speak there: give it another topic, on the device and here.")
        )
    others = Device.objects.filter(kind__in=FOREIGN, revoked_at=None).exclude(pk=device.pk)
    for other in others.exclude(machine=device.machine_id):
        _check_apart(device, other)


def _check_apart(device: Device, other: Device) -> None:
    # Two plugs of one bridge are spoken for by it, and by nobody else.
    are_mates = device.kind == other.kind == DriverKind.ZIGBEE2MQTT
    said, heard = _topics(device, is_mate=are_mates)
    others_said, others_heard = _topics(other, is_mate=are_mates)
    shared = said & others_said if are_mates else set()
    if _meet(said - shared, others_said):
        raise ValidationError(
            _("What it says would count for “%(device)s” too: give it another topic, on the device and here.")
            % {"device": other}
        )
    if _meet(said, others_heard) or _meet(heard, others_said | others_heard):
        raise ValidationError(
            _("Orders to it and to “%(device)s” would be mixed up: give it another topic, on the device and here.")
            % {"device": other}
        )


def _topics(device: Device, *, is_mate: bool) -> tuple[set[str], set[str]]:
    """What the device itself says and hears; for others than its mates, all that its bridge's account may."""
    driver = FOREIGN[device.kind]
    if device.kind == DriverKind.ZIGBEE2MQTT and not is_mate and driver.writes(device.topic):
        whole = {f"{zigbee2mqtt.bridge_of(device.topic)}/#"}
        return whole, whole
    return set(driver.writes(device.topic)), set(driver.reads(device.topic))


def _meet(ones: set[str], others: set[str]) -> bool:
    return any(overlap(one, other) for one in ones for other in others)
