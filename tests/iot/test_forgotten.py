"""What the nightly purge removes of devices."""

import pytest

from iot.models import Device, DeviceBoot, DeviceCommand, SeenDevice
from iot.orders import Kind, order
from iot.personal import forget_boots, forget_orders, forget_seen
from tests.factories import NOW, make_staff, minutes

pytestmark = pytest.mark.django_db

LONG_AGO = NOW - minutes(31 * 24 * 60)


def seen(topic: str, **fields: object) -> SeenDevice:
    return SeenDevice.objects.create(
        kind="tasmota", topic=topic, label=topic, first_seen_at=LONG_AGO, **({"last_seen_at": LONG_AGO} | fields)
    )


def test_device_seen_long_ago_is_forgotten_and_one_waved_away_stays_away() -> None:
    seen("gone"), seen("here", last_seen_at=NOW), seen("away", ignored_at=LONG_AGO)

    counted, removed = forget_seen(NOW, True), forget_seen(NOW, False)

    assert (counted, removed) == (1, 1)
    assert set(SeenDevice.objects.values_list("topic", flat=True)) == {"here", "away"}


def test_old_order_of_the_software_is_forgotten_and_a_persons_kept(reader: Device) -> None:
    order(device=reader, kind=Kind.MESSAGE, by=None, now=LONG_AGO)
    order(device=reader, kind=Kind.MESSAGE, by=None, now=NOW)
    order(device=reader, kind=Kind.MESSAGE, by=make_staff(site=reader.machine.site), now=LONG_AGO)

    assert forget_orders(NOW, False) == 1
    assert DeviceCommand.objects.count() == 2


def test_last_run_of_a_device_is_kept_however_old(reader: Device) -> None:
    for boot in ("first", "last"):
        DeviceBoot.objects.create(device=reader, boot=boot, booted_at=LONG_AGO, first_received_at=LONG_AGO)

    assert forget_boots(NOW, False) == 1
    assert DeviceBoot.objects.get().boot == "last"
