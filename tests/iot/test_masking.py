"""A badge's number reaches neither the inbox nor the quarantine nor the log, however the message is written."""

import json
import logging

import pytest

from iot.ingest.raw import RawMessage
from iot.models import InboxMessage, QuarantinedMessage
from people.badges import badge_digest, digest_in
from tests.iot.builders import NOW, Talker, make_device, make_machine, store

pytestmark = pytest.mark.django_db

NUMBER = "04A23B11C9"


@pytest.fixture
def talker() -> Talker:
    make_device(machine=make_machine())
    return Talker("plug-1")


def kept() -> str:
    """Everything that the tables of messages hold, as text."""
    rows = [*InboxMessage.objects.values_list("payload", flat=True)]
    for message in QuarantinedMessage.objects.all():
        rows += [message.payload, message.detail.encode(), message.topic.encode()]
    return " ".join(bytes(row).decode("utf-8", "replace") for row in rows)


def test_access_message_is_kept_with_the_mark_of_its_badge(talker: Talker):
    acks = store(talker.say("access", {"request_id": "r1", "credential": NUMBER}))

    stored = json.loads(bytes(InboxMessage.objects.get().payload))
    assert acks[0].seq == 1
    assert digest_in(stored["data"]["credential"]) == badge_digest(NUMBER)
    assert NUMBER not in kept()


@pytest.mark.parametrize(
    ("leaf", "payload"),
    [
        ("access", f'{{"v":1,"data":{{"credential":"{NUMBER}"'),
        ("access", NUMBER),
        ("access", f'"{NUMBER}"'),
        ("access", f'{{"v":1,"boot":"boot-1","seq":1,"at":"x","uptime_s":1,"data":{{"kind":"{NUMBER}"}}}}'),
        ("access", '{"v":1,"data":{"\\u0063redential":"' + NUMBER + '"}}'),
        ("access", json.dumps({"v": 1, "data": {"credential": NUMBER, "pad": "x" * 70_000}})),
        ("badge", json.dumps({"badge": NUMBER})),
        ("event", json.dumps({"v": 1, "data": {"event": "tap", "UID": NUMBER}})),
        ("event", json.dumps({"v": 9, "data": {"cards": [{"card_id": NUMBER}]}})),
        ("reading", f'{{"credential": "{NUMBER}", '),
    ],
    ids=[
        "cut short", "the bare number", "a text", "in the wrong field", "an escaped name", "too large",
        "an unknown message", "another maker's word", "deep inside", "cut short elsewhere",
    ],
)  # fmt: skip
def test_quarantine_knows_no_badge_number(talker: Talker, leaf: str, payload: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)

    store(RawMessage(f"fablab/v1/plug-1/up/{leaf}", payload.encode(), NOW))

    assert QuarantinedMessage.objects.count() == 1
    assert NUMBER not in kept()
    assert NUMBER not in caplog.text


def test_message_without_a_number_is_kept_as_it_came(talker: Talker):
    message = talker.event("busy", reason="a card was seen")

    store(message)

    assert bytes(InboxMessage.objects.get().payload) == message.payload
