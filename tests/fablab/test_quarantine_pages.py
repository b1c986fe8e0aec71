"""Messages that nobody could read, on the team's page: by reason, and tried again some at a time."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from iot.models import Device, DriverKind, QuarantinedMessage
from iot.quarantine import excerpt_of
from tests.api.lab import Lab, make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def make_plug(lab: Lab) -> None:
    """The lab's device is a plug that is not ours."""
    Device.objects.filter(pk=lab.device.pk).update(kind=DriverKind.TASMOTA, topic="plug-04")


def set_aside(lab: Lab, code: str = "wrong_shape", **fields: Any) -> QuarantinedMessage:
    made = {"device": lab.device, "topic": "tele/plug-04/SENSOR", "payload": b"{}", "size_bytes": 2} | fields
    return QuarantinedMessage.objects.create(code=code, received_at=timezone.now(), **made)


def test_messages_are_counted_by_reason_and_shown_for_one(lab: Lab) -> None:
    for code in ("wrong_shape", "wrong_shape", "not_json"):
        set_aside(lab, code)

    context = lab.client("manager").get(reverse("manage-devices-quarantine") + "?reason=not_json").context

    assert [(each.code, each.count) for each in context["reasons"]] == [("wrong_shape", 2), ("not_json", 1)]
    assert [line["message"].code for line in context["lines"]] == ["not_json"]


def test_messages_of_another_sites_device_stay_there(lab: Lab) -> None:
    set_aside(lab)

    assert lab.client("elsewhere").get(reverse("manage-devices-quarantine")).context["lines"] == []


def test_what_came_is_shown_as_plain_text(lab: Lab) -> None:
    set_aside(lab, payload=b"<script>alert(1)</script>\x00\xff\x1b[31m", size_bytes=9000)

    shown = lab.client("manager").get(reverse("manage-devices-quarantine")).content.decode()

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;·" in shown


def test_excerpt_says_that_there_was_more() -> None:
    assert excerpt_of(QuarantinedMessage(payload=b"abc\n", size_bytes=4)) == "abc·"
    assert excerpt_of(QuarantinedMessage(payload=b"a" * 500, size_bytes=500)).endswith("a …")


def test_messages_are_tried_again_and_counted(lab: Lab) -> None:
    make_plug(lab)
    read = set_aside(lab, payload=b"Online", size_bytes=6, topic="tele/plug-04/LWT")
    left = set_aside(lab, payload=b"{", size_bytes=1)
    set_aside(lab, payload=b"{", size_bytes=9000)

    shown = lab.client("manager").post(reverse("manage-devices-replay"), follow=True).content.decode()

    assert "1 message was understood now. 1 still cannot be read. 1 was not kept whole." in shown
    read.refresh_from_db()
    left.refresh_from_db()
    assert (read.replayed_at is None, left.replayed_at is None) == (False, True)


def test_only_the_reason_shown_is_tried_again(lab: Lab) -> None:
    make_plug(lab)
    kept = set_aside(lab, "not_json", payload=b"Online", size_bytes=6, topic="tele/plug-04/LWT")

    lab.client("manager").post(reverse("manage-devices-replay"), {"reason": "wrong_shape"})

    kept.refresh_from_db()
    assert kept.replayed_at is None


def test_messages_are_tried_some_at_a_time_and_the_next_press_goes_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fablab.views.manage_quarantine.AGAIN_MOST", 2)
    make_plug(lab)
    for _ in range(3):
        set_aside(lab, payload=b"{", size_bytes=1)
    last = set_aside(lab, payload=b"Online", size_bytes=6, topic="tele/plug-04/LWT")
    client = lab.client("manager")

    first = client.post(reverse("manage-devices-replay"), follow=True)
    client.post(reverse("manage-devices-replay"), {"after": first.context["after"]})

    last.refresh_from_db()
    assert "2 still cannot be read." in first.content.decode()
    assert "2 are left: press again to go on with them." in first.content.decode()
    assert "Go on" in first.content.decode()
    assert last.replayed_at is not None


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "²"])
def test_nonsense_in_place_of_a_message_begins_anew(lab: Lab, after: str) -> None:
    make_plug(lab)
    row = set_aside(lab, payload=b"Online", size_bytes=6, topic="tele/plug-04/LWT")

    lab.client("manager").post(reverse("manage-devices-replay"), {"after": after})

    row.refresh_from_db()
    assert row.replayed_at is not None
