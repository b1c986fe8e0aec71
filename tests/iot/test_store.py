"""A batch → the database: exactly once, in order, acknowledged as far as it is contiguous."""

import datetime as dt
import threading

import pytest
from django.conf import settings
from django.db import connections

from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import GAP_PATIENCE, Acknowledgement, store_batch
from iot.models import Device, DeviceBoot, InboxMessage, QuarantinedMessage, Reading
from machines.models import Machine
from tests.iot.builders import NOW, Talker, at, make_device, make_plug, store

pytestmark = pytest.mark.django_db


def values() -> list[float]:
    """What was derived, in the order of its numbers."""
    return list(Reading.objects.order_by("device", "boot", "seq", "index").values_list("value", flat=True))


def seqs_in_inbox() -> list[int]:
    return list(InboxMessage.objects.order_by("device", "boot", "seq").values_list("seq", flat=True))


def ack(seq: int, boot: str = "boot-1", slug: str = "plug-1") -> Acknowledgement:
    return Acknowledgement(slug, boot, seq)


def test_batch_is_committed_and_acknowledged_once_for_each_run(talker: Talker) -> None:
    messages = [talker.power(watts, at_s=watts) for watts in (1, 2, 3)]

    acks = store(*messages)

    assert acks == [ack(3)]
    assert seqs_in_inbox() == [1, 2, 3]
    assert values() == [1, 2, 3]


def test_same_message_twice_in_a_batch_counts_once(talker: Talker) -> None:
    message = talker.power(5)

    acks = store(message, message, message)

    assert acks == [ack(1)]
    assert values() == [5]


def test_same_batch_again_counts_once_and_is_acknowledged_again(talker: Talker) -> None:
    messages = [talker.power(5), talker.power(6)]
    store(*messages)

    acks = store(*messages)

    assert acks == [ack(2)]
    assert values() == [5, 6]
    assert seqs_in_inbox() == [1, 2]


def test_heartbeat_repeats_the_acknowledgement_that_was_lost(talker: Talker) -> None:
    store(talker.power(5))

    assert store(talker.status("online", 15)) == [ack(1)]


def test_messages_in_any_order_within_a_batch_are_derived_in_order(talker: Talker, device: Device) -> None:
    one, two, three = (talker.power(watts, at_s=watts) for watts in (1, 2, 3))

    acks = store(three, one, two)

    assert acks == [ack(3)]
    assert device.machine.reported.power_w == 3


def test_message_beyond_a_hole_waits_and_is_derived_when_the_hole_is_filled(talker: Talker) -> None:
    one, two, three = (talker.power(watts) for watts in (1, 2, 3))

    assert store(one, three) == [ack(1)]
    assert seqs_in_inbox() == [1, 3]
    assert values() == [1]

    assert store(two) == [ack(3)]
    assert values() == [1, 2, 3]


def test_first_message_missing_acknowledges_nothing(talker: Talker) -> None:
    talker.power(1)

    assert store(talker.power(2)) == []
    assert values() == []


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param(GAP_PATIENCE, [1.0], id="patient"),
        pytest.param(GAP_PATIENCE + dt.timedelta(seconds=1), [1.0, 3.0, 4.0], id="no longer"),
    ],
)
def test_hole_is_passed_over_after_patience(
    talker: Talker, later: dt.timedelta, expected: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    one, _, three = (talker.power(watts) for watts in (1, 2, 3))
    store(one, three, now=NOW)

    acks = store(talker.power(4), now=NOW + later)

    assert values() == expected
    assert acks == [ack(int(expected[-1]))]
    assert ("messages 2 to 2 never came" in caplog.text) == (expected != [1.0])


def test_heartbeat_alone_ends_the_wait_for_a_hole(talker: Talker) -> None:
    one, _, three = (talker.power(watts) for watts in (1, 2, 3))
    store(one, three)

    acks = store(talker.status("online", 61))

    assert acks == [ack(3)]


def test_each_hole_has_a_patience_of_its_own(talker: Talker) -> None:
    """Several consumers: each batch ends beyond some hole, which the next one fills."""
    one, two, three, four, five, six = (talker.power(watts) for watts in (1, 2, 3, 4, 5, 6))
    store(one, three, now=at(0))
    store(two, five, now=at(40))

    acks = store(six, now=at(70))

    assert acks == [ack(3)]
    assert store(four, now=at(71)) == [ack(6)]
    assert values() == [1, 2, 3, 4, 5, 6]


def test_message_that_comes_after_its_hole_was_passed_over_is_acknowledged_and_not_derived(talker: Talker) -> None:
    one, two, three = (talker.power(watts) for watts in (1, 2, 3))
    store(one, three)
    store(talker.power(4), now=at(61))

    acks = store(two, now=at(62))

    assert acks == [ack(4)]
    assert values() == [1, 3, 4]


def test_runs_of_one_device_are_numbered_apart(talker: Talker) -> None:
    second = Talker(talker.slug, boot="boot-2")

    acks = store(talker.power(1), second.power(2), talker.power(3))

    assert acks == [ack(2), ack(1, "boot-2")]
    assert values() == [1, 3, 2]


def test_malformed_message_with_a_whole_envelope_fills_its_place(talker: Talker) -> None:
    acks = store(talker.power(1), talker.say("event", {"event": "explode"}), talker.power(3))

    assert acks == [ack(3)]
    assert values() == [1, 3]
    assert list(InboxMessage.objects.filter(is_void=True).values_list("seq", flat=True)) == [2]
    assert list(QuarantinedMessage.objects.values_list("code", "device__slug")) == [("wrong_shape", "plug-1")]


def test_malformed_message_beyond_a_hole_fills_its_place_later(talker: Talker) -> None:
    one, two = talker.power(1), talker.power(2)
    store(one, talker.say("event", {"event": "explode"}), talker.power(4))

    assert store(two) == [ack(4)]
    assert values() == [1, 2, 4]


def test_readings_are_keyed_by_their_place(talker: Talker) -> None:
    message = talker.say("reading", {"samples": [{"power_w": 5, "energy_wh": 1}, {"power_w": 6}]}, 10)

    store(message)

    keys = set(Reading.objects.values_list("boot", "seq", "index", "kind", "value"))
    assert keys == {("boot-1", 1, 0, 1, 5.0), ("boot-1", 1, 0, 2, 1.0), ("boot-1", 1, 1, 1, 6.0)}


def test_sample_is_dated_by_its_age(talker: Talker) -> None:
    store(talker.say("reading", {"samples": [{"age_ms": 1500, "power_w": 5}, {"power_w": 6}]}, 10))

    assert list(Reading.objects.order_by("at").values_list("at", flat=True)) == [at(8.5), at(10)]


@pytest.mark.parametrize("raw", ["2019-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "2026-02-30T00:00:00Z"])
def test_impossible_clock_is_corrected_by_uptime(talker: Talker, raw: str) -> None:
    store(talker.status("online", 5), talker.say("reading", {"samples": [{"power_w": 5}]}, 10, at=raw))

    assert Reading.objects.get().at == at(10)


def test_absurd_uptime_of_one_message_does_not_misdate_the_next(talker: Talker) -> None:
    store(talker.status("online", 1), talker.say("hello", {}, 2, uptime_s=9e9), talker.power(5, 10))

    assert Reading.objects.get().at == at(10)


def test_backlog_of_an_earlier_run_keeps_its_own_times(talker: Talker) -> None:
    talker.booted_s = -9000
    message = talker.power(5, at_s=-7200)

    store(RawMessage(message.topic, message.payload, NOW))

    assert Reading.objects.get().at == at(-7200)


def test_plug_s_readings_are_numbered_by_us(machine: Machine) -> None:
    make_plug("hall/plug-04", machine)
    payload = b'{"ENERGY": {"Power": [60, 1], "Total": 2}}'

    acks = store(*[RawMessage("tele/hall/plug-04/SENSOR", payload, at(10 * n)) for n in range(3)])

    assert acks == []
    assert values() == [61, 2000] * 3
    assert Reading.objects.values("seq").distinct().count() == 3


def test_number_at_the_end_of_bigint_is_stored(talker: Talker) -> None:
    store(talker.power(1), talker.say("event", {"event": "busy"}, seq=2**63 - 1))

    acks = store(talker.status("online", 61))

    assert acks == [ack(2**63 - 1)]
    assert DeviceBoot.objects.get().done_seq == 2**63 - 1


# With `available_apps` the tables are emptied with CASCADE: `iot_reading` is none of Django's own.
@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_two_consumers_with_the_same_messages_count_each_once(talker: Talker, device: Device) -> None:
    other = Talker(make_device("plug-2", device.machine).slug)
    messages = [each.power(watts, at_s=watts) for watts in range(60) for each in (talker, other)]
    together = threading.Barrier(2)
    failures: list[Exception] = []

    def consume(part: list[RawMessage]) -> None:
        try:
            together.wait(10)
            for begin in range(0, len(part), 7):
                store_batch(part[begin : begin + 7], Directory(), now=at(100))
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    consumers = [threading.Thread(target=consume, args=[part]) for part in (messages, messages[::-1])]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join(60)

    assert failures == []
    assert values() == [float(watts) for watts in range(60)] * 2
    assert seqs_in_inbox() == list(range(1, 61)) * 2
    assert set(DeviceBoot.objects.values_list("done_seq", flat=True)) == {60}
