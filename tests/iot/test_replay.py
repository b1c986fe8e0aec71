"""Messages that could not be read are read again: stored as of then, once, and without stirring up today."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from iot.models import (
    Device,
    DeviceBoot,
    InboxMessage,
    QuarantinedMessage,
    Reading,
    ReportedState,
    UsageSession,
    UseState,
)
from iot.replay import Replayed, replay
from machines.models import Machine, Outage
from people.errors import NotAllowed
from people.models import Role
from tests.factories import make_person, make_staff
from tests.iot.builders import NOW, Talker, at, make_device, make_plug, store

pytestmark = pytest.mark.django_db

LATER = at(86_400)
SENSOR = {"ENERGY": {"Power": 60, "Total": 1.5}}


def set_aside(device: Device | None, topic: str, payload: bytes, at_s: float = 0, **fields: Any) -> QuarantinedMessage:
    """As an earlier version of a driver left it."""
    return QuarantinedMessage.objects.create(
        device=device, topic=topic, payload=payload, size_bytes=fields.pop("size_bytes", len(payload)),
        code=fields.pop("code", "wrong_shape"), received_at=at(at_s), **fields,
    )  # fmt: skip


def again(**filters: Any) -> Replayed:
    return replay(messages=QuarantinedMessage.objects.filter(**filters), by=None, now=LATER)


def values() -> list[tuple[float, Any]]:
    return list(Reading.objects.order_by("at", "kind").values_list("value", "at"))


@pytest.fixture
def plug(machine: Machine) -> Device:
    return make_plug(machine=machine)


def test_measured_value_is_stored_as_of_then_and_once(plug: Device) -> None:
    set_aside(plug, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode(), at_s=5)

    found = [again(), again()]

    assert found == [Replayed(read=1), Replayed()]
    assert values() == [(60.0, at(5)), (1500.0, at(5))]
    assert QuarantinedMessage.objects.get().replayed_at == LATER
    assert not InboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("topic", "payload", "fields", "found"),
    [
        ("tele/plug-04/SENSOR", b'{"ENERGY": 5', {}, Replayed(left=1)),
        ("tele/plug-99/SENSOR", b"{}", {}, Replayed(left=1)),
        ("tele/plug-04/SENSOR", b'{"ENERGY":', {"size_bytes": 9000}, Replayed(not_kept=1)),
        ("tele/plug-04/SENSOR", b"[51 bytes, not kept: they may hold a badge number]", {}, Replayed(not_kept=1)),
        ("tele/plug-04/" + "x" * 187, b"{}", {}, Replayed(not_kept=1)),
    ],
    ids=["still unreadable", "still nobody's", "cut", "a badge's number taken out", "its topic cut"],
)
def test_what_cannot_be_read_stays(
    plug: Device, topic: str, payload: bytes, fields: dict[str, Any], found: Replayed
) -> None:
    set_aside(plug, topic, payload, **fields)

    assert again() == found
    assert QuarantinedMessage.objects.get().replayed_at is None
    assert not Reading.objects.exists()


def test_message_of_a_device_attached_since_is_read(machine: Machine) -> None:
    set_aside(None, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode(), code="unknown_device")
    make_plug(machine=machine)

    assert again(code="unknown_device") == Replayed(read=1)
    assert len(values()) == 2


def mended(talker: Talker, payload: bytes) -> None:
    """The message that was set aside can be read by now."""
    QuarantinedMessage.objects.update(payload=payload, size_bytes=len(payload))


def test_numbered_message_takes_the_place_that_was_held_for_it(talker: Talker) -> None:
    broken = talker.say("reading", {"samples": 5}, 1)
    store(broken, talker.power(7, 2))
    good = Talker(talker.slug).say("reading", {"samples": [{"power_w": 6}]}, 1)
    mended(talker, good.payload)

    found = again()

    assert found == Replayed(read=1)
    assert values() == [(6.0, at(1)), (7.0, at(2))]
    place = InboxMessage.objects.get(seq=1)
    assert (place.is_void, place.leaf, bytes(place.payload), place.received_at) == (
        False, "reading", good.payload, at(1),
    )  # fmt: skip


def test_number_that_a_readable_message_has_taken_is_left_to_it(talker: Talker) -> None:
    good = talker.power(7, 1)
    store(good)
    set_aside(Device.objects.get(), good.topic, Talker(talker.slug).power(9, 1).payload)

    again()

    assert values() == [(7.0, at(1))]


def test_message_before_its_turn_waits_in_the_inbox(talker: Talker) -> None:
    talker.power(1, 1)
    third = [talker.say("reading", {"samples": "x"}, 3) for _ in range(2)][-1]
    store(third)
    other = Talker(talker.slug)
    mended(talker, [other.power(n, 3) for n in (1, 2, 3)][-1].payload)

    again()
    before = values()
    first = Talker(talker.slug)
    store(first.power(1, 1), first.power(2, 2), now=at(4))

    assert before == []
    assert [value for value, _at in values()] == [1.0, 2.0, 3.0]
    assert DeviceBoot.objects.get().done_seq == 3


def test_events_of_the_past_change_nothing_of_today(talker: Talker, machine: Machine) -> None:
    store(talker.status("online", 1), talker.power(3, 100))
    for seq, event in enumerate(["safety_input", "busy"], start=50):
        late = Talker(talker.slug, boot="boot-0", seq=seq)
        set_aside(Device.objects.get(), f"fablab/v1/{talker.slug}/up/event", late.event(event, 5).payload, 5)

    found = again()

    assert found == Replayed(read=2)
    assert not Outage.objects.exists()
    assert not UsageSession.objects.exists()
    assert ReportedState.objects.get().state == UseState.IDLE
    assert InboxMessage.objects.filter(boot="boot-0").count() == 2


def test_events_of_a_device_that_nobody_understood_make_its_sessions(talker: Talker, machine: Machine) -> None:
    device = Device.objects.get()
    for second, event in ((10, "busy"), (70, "idle")):
        set_aside(device, f"fablab/v1/{talker.slug}/up/event", talker.event(event, second).payload, second)

    again()

    session = UsageSession.objects.get()
    assert (session.start, session.end) == (at(10), at(70))


def test_whoever_manages_nothing_there_is_refused(plug: Device, machine: Machine) -> None:
    set_aside(plug, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode())

    for person in (make_person(), make_staff(site=machine.site)):
        with pytest.raises(NotAllowed):
            replay(messages=QuarantinedMessage.objects.all(), by=person, now=LATER)
    found = replay(
        messages=QuarantinedMessage.objects.all(), by=make_staff(site=machine.site, role=Role.FAB_MANAGER), now=LATER
    )

    assert found == Replayed(read=1)


def test_command_takes_those_it_is_told(plug: Device, capsys: pytest.CaptureFixture[str]) -> None:
    set_aside(plug, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode(), at_s=1)
    set_aside(make_device("other"), "tele/plug-04/SENSOR", json.dumps(SENSOR).encode(), at_s=2, code="not_json")

    call_command("replay_quarantine", device=plug.slug, code="wrong_shape")

    assert capsys.readouterr().out == "1 read, 0 still cannot be, 0 were not kept whole.\n"
    assert QuarantinedMessage.objects.filter(replayed_at=None).count() == 1
    with pytest.raises(CommandError, match="no device"):
        call_command("replay_quarantine", device="nobody")


def test_nothing_to_read_is_no_trouble() -> None:
    assert again(received_at__lt=NOW) == Replayed()


def test_who_waits_for_the_answer_reads_some_at_a_time(plug: Device) -> None:
    for second in range(5):
        set_aside(plug, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode(), at_s=second)
    messages = QuarantinedMessage.objects.all()

    first = replay(messages=messages, by=None, now=LATER, most=3)
    second = replay(messages=messages, by=None, now=LATER, most=3, after=first.last)

    assert (first.read, first.to_come, second) == (3, 2, Replayed(read=2))


def test_what_nobody_can_read_is_counted_too_and_not_begun_with_again(plug: Device) -> None:
    """A plug that nobody attached leaves thousands a day, before the one that can be read."""
    for second in range(4):
        set_aside(None, "tele/plug-99/SENSOR", b"{}", at_s=second)
    set_aside(None, "tele/plug-99/SENSOR", b"{}", at_s=4, size_bytes=9000)
    set_aside(plug, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode(), at_s=5)
    messages, found, after = QuarantinedMessage.objects.all(), [], None

    for _ in range(4):
        told = replay(messages=messages, by=None, now=LATER, most=2, after=after)
        after = told.last
        found.append((told.read, told.left, told.not_kept, told.to_come))

    # The fourth begins anew: of the six, one is read by now.
    assert found == [(0, 2, 0, 4), (0, 2, 0, 2), (1, 0, 1, 0), (0, 2, 0, 3)]


def test_message_that_is_gone_is_no_place_to_go_on_from(plug: Device) -> None:
    set_aside(plug, "tele/plug-04/SENSOR", json.dumps(SENSOR).encode())

    assert replay(messages=QuarantinedMessage.objects.all(), by=None, now=LATER, after=10**9) == Replayed(read=1)


def test_message_of_no_device_is_for_any_manager(machine: Machine) -> None:
    set_aside(None, "tele/plug-99/SENSOR", b"{}", code="unknown_device")
    messages = QuarantinedMessage.objects.all()

    with pytest.raises(NotAllowed):
        replay(messages=messages, by=make_person(), now=LATER)
    found = replay(messages=messages, by=make_staff(site=machine.site, role=Role.FAB_MANAGER), now=LATER)

    assert found == Replayed(left=1)
