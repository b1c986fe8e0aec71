"""The page of a device: orders and what became of them, its log; devices seen on the broker."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fablab.device_page import device_page
from iot.device_log import LogKind, device_log
from iot.models import (
    AccessAttempt,
    AccessSession,
    Device,
    DeviceCommand,
    DriverKind,
    QuarantinedMessage,
    SeenDevice,
    UseState,
)  # fmt: skip
from machines.models import Outage
from tests.api.lab import Lab, make_lab
from tests.factories import make_outage, make_person, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def page_of(lab: Lab, role: str = "manager", query: str = "") -> str:
    return lab.client(role).get(reverse("manage-device", args=[lab.device.slug]) + query).content.decode()


def tell(lab: Lab, role: str = "manager", **said: Any) -> Any:
    return lab.client(role).post(reverse("manage-device-order", args=[lab.device.slug]), said, follow=True)


def make_plug(lab: Lab, **fields: Any) -> None:
    """The lab's device is a plug that is not ours."""
    Device.objects.filter(pk=lab.device.pk).update(kind=DriverKind.TASMOTA, topic="plug-04", **fields)


def test_order_is_given_with_its_why_and_shown_as_waiting(lab: Lab, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = tell(lab, "supervisor", kind="lock", why="Mirror is dirty")

    order = DeviceCommand.objects.get()
    assert (order.kind, order.why, order.by) == ("lock", "Mirror is dirty", lab.people["supervisor"])
    assert "waits to be sent" in response.content.decode()
    assert "Locked: nobody may start it" in page_of(lab)


def test_switching_off_waits_for_the_end_of_the_work_unless_unticked(lab: Lab) -> None:
    tell(lab, kind="disable", why="Closing", when_idle="on")
    tell(lab, kind="disable", why="Smoke")

    assert [order.data["when_idle"] for order in DeviceCommand.objects.order_by("pk")] == [True, False]


def test_order_without_a_why_comes_back_with_its_form_open(lab: Lab) -> None:
    response = tell(lab, kind="lock", why=" ")

    assert response.status_code == 400
    assert '<details class="order" open>' in response.content.decode()
    assert not DeviceCommand.objects.exists()


def test_refusal_of_an_order_is_shown_as_a_sentence(lab: Lab) -> None:
    make_plug(lab)
    lab.printer_machine.risk_level = 1
    lab.printer_machine.save()

    response = tell(lab, kind="enable", why="Try")

    assert "never switched on from afar" in response.content.decode()
    assert not DeviceCommand.objects.exists()


def test_orders_a_plug_has_no_word_for_are_not_offered(lab: Lab) -> None:
    make_plug(lab)

    forms = lab.client("manager").get(reverse("manage-device", args=[lab.device.slug])).context["orders"]

    assert [form.kind for form in forms] == ["enable", "disable", "reboot"]
    assert tell(lab, kind="message", text="Hello").status_code == 403


def test_device_that_only_reports_says_so(lab: Lab) -> None:
    Device.objects.filter(pk=lab.device.pk).update(kind=DriverKind.RFID, topic="door")

    assert "This device only reports" in page_of(lab)


STATES = {
    "waiting": ({}, "waits to be sent"),
    "sent": ({"sent_at": 0}, "sent, no answer yet"),
    "done": ({"sent_at": 0, "answered_at": 0, "is_done": True}, "done"),
    "refused": ({"sent_at": 0, "answered_at": 0, "is_done": False, "answer": "busy"}, "it is working just now"),
    "refused in its own words": (
        {"sent_at": 0, "answered_at": 0, "is_done": False, "answer": "wrong_data: text"}, "wrong_data: text",
    ),
    "void": ({"sent_at": 0, "created_at": -60, "expires_at": -30}, "void: no answer in time"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "words"), STATES.values(), ids=STATES)
def test_each_state_of_an_order_is_said_in_words(lab: Lab, fields: dict[str, Any], words: str) -> None:
    now = timezone.now()
    times = {"created_at": 0, "expires_at": 30} | fields
    made = {name: now + dt.timedelta(seconds=value) if name.endswith("_at") else value for name, value in times.items()}
    DeviceCommand.objects.create(device=lab.device, kind="lock", **made)

    assert words in page_of(lab)


def test_live_part_asks_again_soon_only_while_an_order_waits(lab: Lab) -> None:
    client, url = lab.client("manager"), reverse("manage-device", args=[lab.device.slug])
    quiet = client.get(url, headers={"hx-request": "true"}).content.decode()
    tell(lab, kind="lock", why="Repair")

    waiting = client.get(url, headers={"hx-request": "true"}).content.decode()

    assert "every 3s" not in quiet
    assert "every 3s" in waiting
    assert "<html" not in waiting


def test_lock_out_stands_at_the_top_with_the_way_to_lift_it(lab: Lab) -> None:
    make_outage(
        machine=lab.printer_machine, kind=Outage.Kind.LOCK_OUT, reason="emergency stop",
        start=timezone.now() - minutes(1),
    )  # fmt: skip

    shown = page_of(lab)

    assert "Stopped for safety" in shown
    assert f'href="{lab.printer_machine.get_absolute_url()}#fault-title"' in shown


def test_settings_that_were_not_taken_yet_are_said(lab: Lab) -> None:
    Device.objects.filter(pk=lab.device.pk).update(config_version=3, reported_config_version=2)

    assert "version 3 wanted, version 2 in use" in page_of(lab)
    assert "not taken yet" in page_of(lab)


def test_thresholds_proposed_are_taken_over_as_they_were_shown(lab: Lab) -> None:
    url = reverse("manage-device-thresholds", args=[lab.device.slug])

    lab.client("manager").post(url, {"busy_w": "140.0", "idle_w": "88.0", "busy_after": "20", "idle_after": "90"})

    lab.device.refresh_from_db()
    found = (lab.device.busy_w, lab.device.idle_w, lab.device.busy_after, lab.device.idle_after)
    assert found == (140, 88, dt.timedelta(seconds=20), dt.timedelta(seconds=90))


def fill_log(lab: Lab, now: dt.datetime) -> None:
    """One line of each kind, a minute apart; a run is there already."""
    device, machine, holder = lab.device, lab.printer_machine, lab.people["holder"]
    AccessAttempt.objects.create(
        device=device, request_id="r", kind="badge", at=now - minutes(1), person=holder, codes=["closed"]
    )
    DeviceCommand.objects.create(device=device, kind="lock", created_at=now - minutes(2), expires_at=now - minutes(1))
    AccessSession.objects.create(
        machine=machine, device=device, person=holder, allowed_at=now - minutes(3), until=now + minutes(9)
    )
    QuarantinedMessage.objects.create(
        device=device, topic="t", payload=b"?", size_bytes=1, code="not_json", received_at=now - minutes(4)
    )


def test_log_holds_every_kind_in_order_of_time(lab: Lab) -> None:
    fill_log(lab, timezone.now())

    kinds = [line.kind for line in device_log(lab.device)]

    assert kinds == [LogKind.ATTEMPTS, LogKind.ORDERS, LogKind.SESSIONS, LogKind.UNREAD, LogKind.RUNS]


@pytest.mark.parametrize("kind", list(LogKind))
def test_log_shows_one_kind_when_asked(lab: Lab, kind: LogKind) -> None:
    fill_log(lab, timezone.now())

    lines = (
        lab.client("supervisor").get(reverse("manage-device", args=[lab.device.slug]) + f"?log={kind}").context["log"]
    )

    assert [each["line"].kind for each in lines] == [kind]


def test_page_of_a_device_without_a_machine_opens(lab: Lab) -> None:
    Device.objects.filter(pk=lab.device.pk).update(machine=None)

    assert "It has said nothing about the machine yet" in page_of(lab)


def test_what_another_device_said_is_not_shown_as_this_ones(lab: Lab) -> None:
    other = Device.objects.create(slug="reader-9", machine=lab.printer_machine)

    assert device_page(other, timezone.now()).reported is None


def see(topic: str = "shellies/saw", **fields: Any) -> SeenDevice:
    now = timezone.now()
    made = {"kind": "shelly", "label": "Saw", "first_seen_at": now, "last_seen_at": now} | fields
    return SeenDevice.objects.create(topic=topic, **made)


def test_device_seen_is_attached_and_its_steps_and_password_are_shown_once(lab: Lab) -> None:
    seen, client = see(), lab.client("manager")

    response = client.post(
        reverse("manage-device-attach", args=[seen.pk]), {"name": "Saw plug", "machine": str(lab.laser.pk)}, follow=True
    )

    made = Device.objects.get(slug="saw-plug")
    assert (made.kind, made.topic, made.machine) == ("shelly", "shellies/saw", lab.laser)
    assert made.silent_after == minutes(3)
    assert not SeenDevice.objects.exists()
    assert {"mqtt_update_period", "status_ntf"} <= set(response.content.decode().replace("<", ">").split(">"))
    assert response.context["password"] not in client.get(made_url(made)).content.decode()


def made_url(device: Device) -> str:
    return reverse("manage-device", args=[device.slug])


@pytest.mark.parametrize(
    ("topic", "kind"), [("zigbee2mqtt/prise à café", "zigbee2mqtt"), ("x/bridge/a", "zigbee2mqtt"), ("a", "other")],
    ids=["letters", "its bridge", "no driver"],
)  # fmt: skip
def test_device_that_cannot_be_granted_its_topic_is_shown_and_not_attached(lab: Lab, topic: str, kind: str) -> None:
    seen = see(topic, kind=kind)

    shown = lab.client("manager").get(reverse("manage-devices-seen")).content.decode()
    response = lab.client("manager").post(
        reverse("manage-device-attach", args=[seen.pk]), {"name": "Saw", "machine": str(lab.laser.pk)}
    )

    assert "rename it on the device first" in shown
    assert f'href="{reverse("manage-device-attach", args=[seen.pk])}"' not in shown
    assert (response.status_code, Device.objects.count()) == (400, 1)


def test_device_put_aside_is_shown_again(lab: Lab) -> None:
    seen, client = see(), lab.client("manager")
    url = reverse("manage-device-ignore", args=[seen.pk])

    aside = client.post(url, follow=True).context
    again = client.post(url, follow=True).context

    assert (len(aside["lines"]), len(aside["aside"])) == (0, 1)
    assert (len(again["lines"]), len(again["aside"])) == (1, 0)


def test_device_that_is_attached_or_long_gone_is_not_listed(lab: Lab) -> None:
    Device.objects.create(slug="saw", kind="shelly", topic="shellies/saw", machine=lab.laser)
    see()
    see("shellies/old", last_seen_at=timezone.now() - dt.timedelta(days=8))

    shown = lab.client("manager").get(reverse("manage-devices-seen")).context

    assert shown["lines"] == []


@pytest.mark.parametrize("kind", ["disable", "reboot"])
def test_plug_is_not_switched_off_while_the_machine_works(lab: Lab, kind: str) -> None:
    make_plug(lab)

    busy = tell(lab, kind=kind, why="Closing").content.decode()
    lab.printer_machine.reported.state = UseState.IDLE
    lab.printer_machine.reported.save()
    tell(lab, kind=kind, why="Closing")

    assert "this plug would cut it at once" in busy
    assert [order.kind for order in DeviceCommand.objects.all()] == [kind]


def test_what_a_plug_was_told_waits_for_what_it_reports_next(lab: Lab) -> None:
    make_plug(lab)
    now = timezone.now()
    DeviceCommand.objects.create(
        device=lab.device, kind="disable", created_at=now, expires_at=now + minutes(1), sent_at=now
    )

    assert "sent, no answer yet" in page_of(lab)


def test_page_asks_as_much_with_a_long_log_as_with_a_short_one(lab: Lab) -> None:
    client, now = lab.client("manager"), timezone.now()
    client.get("/manage/devices/")
    fill_log(lab, now)
    with CaptureQueriesContext(connection) as few:
        client.get(made_url(lab.device))

    for n in range(30):
        AccessAttempt.objects.create(
            device=lab.device, request_id=f"r{n}", kind="badge", at=now, person=make_person(), is_allowed=True
        )
        DeviceCommand.objects.create(
            device=lab.device, kind="lock", by=make_person(), created_at=now, expires_at=now + minutes(1)
        )
        QuarantinedMessage.objects.create(
            device=lab.device, topic="t", payload=b"?", size_bytes=1, code="not_json", received_at=now
        )
    with CaptureQueriesContext(connection) as many:
        client.get(made_url(lab.device))

    assert len(many) == len(few)


BEHAVIOUR = {
    "language": "en", "denied_for_s": "8", "reading_every_s": "10", "idle_after_s": "10", "heartbeat_s": "15",
}  # fmt: skip


def test_settings_are_sent_with_a_version_and_what_else_was_set_stays(lab: Lab) -> None:
    Device.objects.filter(pk=lab.device.pk).update(config={"warn_s": 120, "reading_every_s": 60}, config_version=4)
    url = reverse("manage-device-settings", args=[lab.device.slug])

    response = lab.client("manager").post(url, BEHAVIOUR, follow=True)

    order = DeviceCommand.objects.get()
    sent = {name: int(value) if value.isdigit() else value for name, value in BEHAVIOUR.items()}
    assert (order.kind, order.data) == ("set-config", {"version": 5, "settings": {"warn_s": 120} | sent})
    assert "version 5 wanted, version 0 in use" in response.content.decode()


def test_settings_of_another_make_are_not_ours_to_send(lab: Lab) -> None:
    make_plug(lab)

    response = lab.client("manager").get(reverse("manage-device-settings", args=[lab.device.slug]))

    assert response.status_code == 404
