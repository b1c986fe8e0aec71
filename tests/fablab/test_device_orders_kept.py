"""Every order that somebody gives a device is written down, with who, when and on what: in the log of changes, and on
the device's page."""

import logging
import re
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from iot.device_log import LogKind, device_log
from iot.models import DeviceCommand
from iot.orders import Kind, order
from tests.api.lab import Lab, make_lab
from tests.fablab.settings_pages import words_of

pytestmark = pytest.mark.django_db

# What the page of the device sends for each; its settings have a form of their own.
SETTINGS = {"language": "fr", "denied_for_s": 8, "reading_every_s": 60, "idle_after_s": 10, "heartbeat_s": 15}
ORDERS: dict[str, tuple[str, dict[str, Any]]] = {
    Kind.ENABLE: ("manage-device-order", {"kind": "enable", "why": "Repaired"}),
    Kind.DISABLE: ("manage-device-order", {"kind": "disable", "why": "Closing"}),
    Kind.LOCK: ("manage-device-order", {"kind": "lock", "why": "Mirror is dirty"}),
    Kind.MESSAGE: ("manage-device-order", {"kind": "message", "text": "Ten minutes left"}),
    Kind.CONFIG: ("manage-device-settings", SETTINGS),
    Kind.REBOOT: ("manage-device-order", {"kind": "reboot", "why": "It hangs"}),
}


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture(autouse=True)
def changes(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="fablab.changes")
    return caplog


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "fablab.changes" and "ordered" in record.message]


def test_no_kind_of_order_is_forgotten_here() -> None:
    assert set(ORDERS) == set(Kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_order_is_written_down_with_who_when_and_on_what(
    lab: Lab, changes: pytest.LogCaptureFixture, kind: Kind
) -> None:
    manager, device, (door, said) = lab.people["manager"], lab.device, ORDERS[kind]
    before = timezone.now()

    lab.client("manager").post(reverse(door, args=[device.slug]), said)

    [line], after = lines(changes), timezone.now()
    assert line.message == f"ordered {kind} Device {device.pk} by {manager.reference}"
    assert before.timestamp() <= line.created <= after.timestamp()
    [kept] = DeviceCommand.objects.all()
    assert (kept.kind, kept.device, kept.by, kept.why) == (kind, device, manager, said.get("why", ""))
    assert before <= kept.created_at <= after
    assert [each.thing for each in device_log(device, only=LogKind.ORDERS)] == [kept]


@pytest.mark.parametrize("kind", list(Kind))
def test_order_stands_in_the_log_of_the_devices_page(lab: Lab, kind: Kind) -> None:
    device, client, (door, said) = lab.device, lab.client("manager"), ORDERS[kind]
    client.post(reverse(door, args=[device.slug]), said)
    given_at = DeviceCommand.objects.get().created_at.astimezone(lab.site.zone)

    page = client.get(reverse("manage-device", args=[device.slug]), {"log": "orders"})

    shown = words_of(page).partition("What happened")[2]
    assert re.search(rf"{given_at:%H:%M} {re.escape(str(lab.people['manager']))} .*{said.get('why', '')}", shown)


def test_log_says_when() -> None:
    assert "%(asctime)s" in settings.LOGGING["formatters"]["line"]["format"]


def test_order_that_is_refused_leaves_no_line(lab: Lab, changes: pytest.LogCaptureFixture) -> None:
    lab.client("supervisor").post(reverse("manage-device-order", args=[lab.device.slug]), ORDERS[Kind.REBOOT][1])

    assert (lines(changes), DeviceCommand.objects.count()) == ([], 0)


def test_order_of_the_software_itself_is_kept_and_named_nobodys(lab: Lab, changes: pytest.LogCaptureFixture) -> None:
    made = order(device=lab.device, kind=Kind.DISABLE, by=None, now=timezone.now(), data={"reason": "x"})

    page = lab.client("manager").get(reverse("manage-device", args=[lab.device.slug]), {"log": "orders"})

    assert (lines(changes), DeviceCommand.objects.get()) == ([], made)
    assert "By itself" in words_of(page).partition("What happened")[2]
