"""What is hot is known from whoever measures its nozzle, and no plug cuts its fan before it has cooled down."""

import datetime as dt
import json
from typing import Any

import pytest

from iot.access.decide import answer
from iot.access.sessions import State, sweep_access
from iot.device_services import DeviceError
from iot.heat import COOLS_WITHIN, hot_after, is_hot, note_nozzle
from iot.ingest.raw import RawMessage
from iot.models import (
    AccessSession,
    Device,
    DeviceCommand,
    DriverKind,
    MachineAccess,
    ReportedState,
    UsageSession,
    UseState,
)
from iot.orders import Kind, can_order, order
from iot.protocol import Access
from machines.models import Machine
from tests.factories import NOW, make_staff, minutes
from tests.iot.builders import Talker, at, make_device, store
from tests.iot.readers import NUMBER, OTHER, power_on, tap, with_badge

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def plug(lathe: Machine) -> Device:
    return make_device("plug", lathe, kind=DriverKind.TASMOTA, topic="plug-04")


def heat(machine: Machine, nozzle_c: float = 210.0, now: dt.datetime = NOW) -> None:
    note_nozzle(machine_id=machine.pk, nozzle_c=nozzle_c, now=now)


def hot_at(machine: Machine) -> dt.datetime | None:
    return ReportedState.objects.get(machine=machine).hot_at


def ordered(device: Device) -> list[tuple[str, dict[str, Any]]]:
    return list(DeviceCommand.objects.filter(device=device).order_by("pk").values_list("kind", "data"))


@pytest.mark.parametrize(
    ("before", "nozzle_c", "after"),
    [
        (None, 210.0, NOW),
        (None, 50.0, NOW),
        (None, 49.9, None),
        (NOW - 59 * SECOND, 210.0, NOW - 59 * SECOND),
        (NOW - 60 * SECOND, 210.0, NOW),
        (NOW - SECOND, 49.9, None),
    ],
    ids=["becomes hot", "just hot", "cool", "hot since a moment ago", "still hot", "cooled down"],
)
def test_heat_that_is_kept(before: dt.datetime | None, nozzle_c: float, after: dt.datetime | None) -> None:
    assert hot_after(before, nozzle_c, NOW) == after


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, False),
        (ReportedState(), False),
        (ReportedState(hot_at=NOW), True),
        (ReportedState(hot_at=NOW - COOLS_WITHIN + SECOND), True),
        (ReportedState(hot_at=NOW - COOLS_WITHIN), False),
        (ReportedState(hot_at=NOW - 5 * COOLS_WITHIN, state=UseState.BUSY, since=NOW - 5 * COOLS_WITHIN), True),
        (ReportedState(hot_at=NOW - COOLS_WITHIN, state=UseState.IDLE, since=NOW - minutes(10)), True),
        (ReportedState(hot_at=NOW - COOLS_WITHIN, state=UseState.IDLE, since=NOW - COOLS_WITHIN), False),
    ],
    ids=[
        "nothing reported",
        "never hot",
        "hot",
        "hot a while ago",
        "hot long ago",
        "as hot as hours ago, and works",
        "as hot as before, and stopped a moment ago",
        "stopped long ago",
    ],
)
def test_hot_is_what_was_hot_not_long_ago(state: ReportedState | None, expected: bool) -> None:
    assert is_hot(state, NOW) == expected


def test_measured_nozzle_is_noted_when_it_changes_and_once_a_minute(lathe: Machine, django_assert_num_queries) -> None:
    heat(lathe)
    with django_assert_num_queries(1):
        heat(lathe, now=NOW + 59 * SECOND)
    heat(lathe, now=NOW + minutes(1))
    again = hot_at(lathe)
    heat(lathe, 48.0, NOW + minutes(9))

    assert (again, hot_at(lathe)) == (NOW + minutes(1), None)


@pytest.mark.parametrize(
    ("kind", "topic", "where", "payload", "is_nozzle"),
    [
        (DriverKind.OCTOPRINT, "octo", "octo/temperature/tool0", {"actual": 190.2, "target": 0}, True),
        (DriverKind.BAMBU, "01P00A", "device/01P00A/report",
         {"print": {"command": "push_status", "nozzle_temper": 190.2}}, True),
        (DriverKind.BAMBU, "01P00A", "device/01P00A/report",
         {"print": {"command": "push_status", "nozzle_temper": 28.0}}, False),
    ],
    ids=["OctoPrint", "Bambu", "Bambu, cool"],
)  # fmt: skip
def test_printer_says_by_its_device_that_it_is_hot(
    lathe: Machine, kind: DriverKind, topic: str, where: str, payload: dict[str, Any], is_nozzle: bool
) -> None:
    make_device("printer-1", lathe, kind=kind, topic=topic)

    store(RawMessage(where, json.dumps(payload).encode(), at(0)))

    assert (hot_at(lathe) is not None) == is_nozzle


def test_temperature_of_a_device_of_ours_is_that_of_the_room(lathe: Machine, reader: Device) -> None:
    store(Talker("reader-1").say("reading", {"samples": [{"temperature_c": 61.0}]}))

    assert hot_at(lathe) is None


# --- plugs --------------------------------------------------------------------------------------------------------


def test_plug_never_cuts_a_hot_machine(lathe: Machine, plug: Device) -> None:
    heat(lathe)

    with pytest.raises(DeviceError) as refusal:
        order(device=plug, kind=Kind.DISABLE, by=make_staff(site=lathe.site), now=NOW + minutes(1))

    assert refusal.value.code == "hot"
    assert not DeviceCommand.objects.exists()


def test_plug_never_cuts_a_print_be_it_paused(lathe: Machine, plug: Device) -> None:
    """It draws as little as one that is over."""
    UsageSession.objects.create(
        machine=lathe, source=UsageSession.Source.PRINT_JOB, start=NOW - minutes(30), last_busy_at=NOW - minutes(20)
    )

    with pytest.raises(DeviceError) as refusal:
        order(device=plug, kind=Kind.DISABLE, by=None, now=NOW)

    assert refusal.value.code == "would_cut"


@pytest.mark.parametrize("how", ["cooled down", "long ago", "for safety"])
def test_plug_cuts_what_is_cool_and_for_safety_anything(lathe: Machine, plug: Device, how: str) -> None:
    heat(lathe)
    now = NOW + (COOLS_WITHIN if how == "long ago" else minutes(5))
    if how == "cooled down":
        heat(lathe, 49.0, now)

    order(device=plug, kind=Kind.DISABLE, by=None, now=now, is_for_safety=how == "for safety")

    assert ordered(plug) == [("disable", {})]


def test_heat_keeps_no_plug_from_being_switched_on(lathe: Machine, plug: Device) -> None:
    heat(lathe)

    order(device=plug, kind=Kind.ENABLE, by=None, now=NOW)

    assert can_order(plug, Kind.ENABLE)
    assert [kind for kind, _data in ordered(plug)] == ["enable"]


def test_plug_left_on_with_a_hot_machine_goes_off_once_it_has_cooled_down(
    lathe: Machine, plug: Device, django_capture_on_commit_callbacks: Any
) -> None:
    door = make_device("door", lathe, kind=DriverKind.RFID, topic="door-reader")
    with_badge()
    kinds = []

    with django_capture_on_commit_callbacks(execute=True):
        answer(door, Access("r-1", NUMBER), NOW)
    heat(lathe, now=NOW + minutes(4))
    for minute, nozzle_c in ((5, 190.0), (9, 70.0), (10, 49.0), (11, 30.0)):
        now = NOW + minutes(minute)
        heat(lathe, nozzle_c, now)
        with django_capture_on_commit_callbacks(execute=True):
            if minute == 5:
                answer(door, Access("r-2", NUMBER), now)
            sweep_access(now=now)
        kinds.append([kind for kind, _data in ordered(plug)])

    assert AccessSession.objects.get().ended_at == NOW + minutes(5)
    assert kinds == [["enable"], ["enable"], ["enable", "disable"], ["enable", "disable"]]


def test_plug_that_somebody_else_has_by_now_is_left_on(
    lathe: Machine, plug: Device, django_capture_on_commit_callbacks: Any
) -> None:
    door = make_device("door", lathe, kind=DriverKind.RFID, topic="door-reader")
    with_badge()
    with_badge(OTHER)
    heat(lathe)

    with django_capture_on_commit_callbacks(execute=True):
        answer(door, Access("r-1", NUMBER), NOW)
        answer(door, Access("r-2", NUMBER), NOW + minutes(5))
        answer(door, Access("r-3", OTHER), NOW + minutes(6))
        heat(lathe, 30.0, NOW + minutes(7))
        sweep_access(now=NOW + minutes(8))

    assert "disable" not in [kind for kind, _data in ordered(plug)]


# --- our own device -----------------------------------------------------------------------------------------------


def heard(reader: Device, now: dt.datetime) -> None:
    """It is there, and has done what it was told."""
    Device.objects.filter(pk=reader.pk).update(last_seen_at=now)
    DeviceCommand.objects.filter(device=reader, answered_at=None).update(answered_at=now, is_done=True)


def test_our_device_is_told_that_it_is_hot_and_that_it_has_cooled_down(lathe: Machine, reader: Device) -> None:
    with_badge()
    let_in = tap(reader)
    power_on(let_in)

    for minute, nozzle_c in ((1, 200.0), (2, 210.0), (9, 210.0), (12, 210.0), (14, 45.0), (15, 30.0)):
        now = NOW + minutes(minute)
        heat(lathe, nozzle_c, now)
        heard(reader, now)
        sweep_access(now=now)

    hot, cool = {"session_id": let_in.session_id, "hot_s": 900}, {"session_id": let_in.session_id, "hot_s": 0}
    assert ordered(reader) == [("enable", hot), ("enable", hot), ("enable", cool)]


def test_heat_takes_the_place_of_no_other_order(lathe: Machine, reader: Device) -> None:
    """Only the newest order that switches is sent."""
    with_badge()
    power_on(tap(reader))
    heat(lathe)
    order(device=reader, kind=Kind.LOCK, by=None, now=NOW)

    sweep_access(now=NOW + 10 * SECOND)

    assert [kind for kind, _data in ordered(reader)] == ["lock"]


def test_device_that_waits_for_the_button_is_told_of_no_heat(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, needs_button=True)
    with_badge()
    tap(reader)
    heat(lathe)

    sweep_access(now=NOW + 10 * SECOND)

    assert AccessSession.objects.get().state == State.WAITING_BUTTON
    assert ordered(reader) == []


def test_badge_again_at_a_hot_machine_lets_its_device_end_it(lathe: Machine, reader: Device) -> None:
    with_badge()
    let_in = tap(reader)
    power_on(let_in)
    heat(lathe, now=NOW + minutes(5))
    heard(reader, NOW + minutes(5))
    sweep_access(now=NOW + minutes(5))
    heard(reader, NOW + minutes(5))

    left = tap(reader, at=NOW + minutes(6))
    before = AccessSession.objects.get().ended_at
    stop = {"event": "stop", "reason": "normal", "session_id": let_in.session_id}
    said_s = (NOW + minutes(9) - at(0)).total_seconds()
    store(Talker("reader-1", booted_s=said_s - 1200).say("event", stop, said_s))

    assert (left.is_allowed, left.session_id, left.most_s) == (True, let_in.session_id, 0)
    assert before is None
    assert AccessSession.objects.get().stop_reason == "normal"


def test_session_that_is_over_is_not_ended_while_it_is_hot(lathe: Machine, reader: Device) -> None:
    with_badge()
    power_on(tap(reader))
    over = NOW + dt.timedelta(hours=1, minutes=3)
    heat(lathe, now=over)

    sweep_access(now=over)
    while_hot = AccessSession.objects.get().ended_at
    heat(lathe, 40.0, over + minutes(8))
    sweep_access(now=over + minutes(8))

    assert while_hot is None
    assert AccessSession.objects.get().ended_at == over + minutes(8)
