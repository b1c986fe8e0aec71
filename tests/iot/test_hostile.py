"""One hostile message in a batch disturbs nobody."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction

from iot.ingest.raw import RawMessage
from iot.models import DeviceBoot, InboxMessage, QuarantinedMessage, Reading, ReportedState
from tests.iot.builders import NOW, Talker, make_device, make_machine, store

pytestmark = pytest.mark.django_db

Refuse = Callable[[str, str], None]


def batch_of_fifty(hostile: RawMessage, talkers: list[Talker]) -> list[RawMessage]:
    """49 good messages of these devices with the hostile one among them."""
    good = [talkers[n % len(talkers)].power(n, at_s=n / 10) for n in range(49)]
    return [*good[:31], hostile, *good[31:]]


@pytest.fixture
def talkers(db: None) -> list[Talker]:
    return [Talker(make_device(f"plug-{n}", make_machine(f"laser-{n}")).slug) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b"", "not_json", id="empty"),
        pytest.param(b"\x00\xff" * 500, "not_json", id="binary"),
        pytest.param(b"[" * 100_000, "too_large", id="100,000 levels"),
        pytest.param(b"x" * 1_000_000, "too_large", id="one megabyte"),
        pytest.param(b'{"v": 1, "seq": 9223372036854775808}', "wrong_shape", id="number beyond bigint"),
        pytest.param(b'{"boot": "\\u0000"}', "wrong_shape", id="U+0000"),
        pytest.param(b'{"boot": "\\ud800"}', "not_json", id="lone surrogate"),
        pytest.param(b'{"boot": "\xff"}', "not_utf8", id="not UTF-8"),
        pytest.param(b'{"x": ' + b"[" * 40_000 + b"}", "too_deep", id="deep"),
    ],
)
def test_hostile_payload_is_quarantined_and_the_rest_stored(talkers: list[Talker], payload: bytes, code: str) -> None:
    hostile = RawMessage("fablab/v1/plug-2/up/event", payload, NOW)

    acks = store(*batch_of_fifty(hostile, talkers))

    assert [(a.device_slug, a.seq) for a in acks] == [("plug-1", 17), ("plug-2", 16), ("plug-3", 16)]
    assert Reading.objects.count() == 49
    kept = QuarantinedMessage.objects.get()
    assert (kept.code, kept.device.slug, kept.size_bytes) == (code, "plug-2", len(payload))
    assert bytes(kept.payload) == payload[:4096]


@pytest.mark.parametrize(
    "topic",
    ["", "/", "fablab", "fablab/", "fablab/v1", "fablab/v1/x", "fablab/v1/plug-2", "fablab/v1/plug-2/up/a/b/c",
     "fablab/v1/plug-2/down/command", "fablab/v1/plug-2/up/unheard-of", "tele", "tele/",
     "$SYS/x", "a\x00b", "x" * 1000, "é/€"],
)  # fmt: skip
def test_hostile_topic_is_quarantined_and_the_rest_stored(talkers: list[Talker], topic: str) -> None:
    hostile = RawMessage(topic, b'{"event": "busy"}', NOW)

    store(*batch_of_fifty(hostile, talkers))

    assert Reading.objects.count() == 49
    assert QuarantinedMessage.objects.get().topic == topic.replace("\x00", "\ufffd")[:200]


def test_what_only_the_database_refuses_is_found_by_halving(talkers: list[Talker], refused_by_database: Refuse) -> None:
    refused_by_database("iot_reading", "value = 666")
    messages = batch_of_fifty(talkers[1].power(666), talkers)

    store(*messages)

    assert sorted(Reading.objects.values_list("value", flat=True)) == [float(n) for n in range(49)]
    kept = QuarantinedMessage.objects.get()
    assert (kept.code, kept.device.slug) == ("refused_by_database", "plug-2")
    assert "refused_in_a_test" in kept.detail
    assert {b.device.slug: b.done_seq for b in DeviceBoot.objects.all()} == {"plug-1": 17, "plug-2": 17, "plug-3": 16}
    assert InboxMessage.objects.get(is_void=True).seq == 1


def test_refused_message_changes_no_state(talkers: list[Talker], refused_by_database: Refuse) -> None:
    refused_by_database("iot_reading", "value = 666")

    store(talkers[0].power(5, 1), talkers[0].power(666, 2))

    assert ReportedState.objects.get().power_w == 5


def test_message_whose_place_is_refused_is_quarantined_without_it(
    talkers: list[Talker], refused_by_database: Refuse
) -> None:
    refused_by_database("iot_inboxmessage", "seq = 2")
    messages = [talkers[0].power(n) for n in (1, 2, 3)]

    acks = store(*messages)

    assert [(a.device_slug, a.seq) for a in acks][-1] == ("plug-1", 1)
    assert QuarantinedMessage.objects.get().code == "refused_by_database"
    assert sorted(InboxMessage.objects.values_list("seq", flat=True)) == [1, 3]


def test_many_refused_messages_are_each_quarantined(talkers: list[Talker], refused_by_database: Refuse) -> None:
    refused_by_database("iot_reading", "value >= 40")

    store(*batch_of_fifty(talkers[0].event("idle"), talkers))

    assert QuarantinedMessage.objects.filter(code="refused_by_database").count() == 9
    assert Reading.objects.count() == 40


def test_no_message_is_at_fault_while_the_database_has_another_shape(talkers: list[Talker]) -> None:
    """An upgrade is under way: what cannot be stored yet waits, rather than being set aside for good."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE iot_usagesession RENAME COLUMN last_busy_at TO renamed_in_a_test")

    with pytest.raises(OperationalError), transaction.atomic():
        store(talkers[0].event("busy"))

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE iot_usagesession RENAME COLUMN renamed_in_a_test TO last_busy_at")
    assert not QuarantinedMessage.objects.exists()
    assert [ack.seq for ack in store(*talkers[0].sent)] == [1]
