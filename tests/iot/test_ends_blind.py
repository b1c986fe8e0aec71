"""A device of ours without a contact for "busy" cannot tell that its machine works: where a plug can, it is not cut."""

from typing import Any

import pytest

from iot.access.sessions import sweep_access
from iot.access.told import told_event
from iot.device_services import DeviceError
from iot.ends import end_what_may_not_go_on
from iot.models import Device, DeviceCommand, ReportedState, UsageSession, UseState
from iot.orders import Kind, order, take_to_send
from iot.protocol import Event
from machines.models import Machine
from tests.factories import NOW, make_staff, minutes, suspend
from tests.iot.builders import make_device
from tests.iot.readers import power_on, tap, with_badge

pytestmark = pytest.mark.django_db

BLIND = ["relay", "badge", "button"]
SEES = [*BLIND, "busy_input"]
SOON = NOW + minutes(5)


@pytest.fixture
def blind(reader: Device) -> Device:
    reader.capabilities = BLIND
    reader.save()
    return reader


def works(machine: Machine, state: UseState = UseState.BUSY) -> ReportedState:
    """As the plug before it measures."""
    row, _ = ReportedState.objects.update_or_create(machine=machine, defaults={"state": state, "since": NOW, "at": NOW})
    return row


def told(device: Device) -> list[tuple[str, Any]]:
    rows = DeviceCommand.objects.filter(device=device).order_by("pk").values_list("kind", "data")
    return [(kind, data.get("reason")) for kind, data in rows]


def test_running_laser_of_somebody_who_is_suspended_goes_on_until_it_rests(lathe: Machine, blind: Device) -> None:
    camille = with_badge()
    power_on(tap(blind))
    state = works(lathe)
    suspend(person=camille, start=NOW + minutes(1))

    end_what_may_not_go_on(now=SOON)
    while_it_works = told(blind)
    state.state = UseState.IDLE
    state.save()
    end_what_may_not_go_on(now=SOON + minutes(1))

    assert (while_it_works, told(blind)) == ([], [("disable", "permission")])


@pytest.mark.parametrize("measures", ["meter", "power_meter"])
def test_machine_whose_meter_fell_silent_is_cut_neither_for_its_person_nor_for_its_time(
    lathe: Machine, blind: Device, measures: str
) -> None:
    """What only tells power, as a Zigbee plug without a counter, is a meter too."""
    camille = with_badge()
    power_on(tap(blind))
    state = works(lathe, UseState.UNKNOWN)
    ReportedState.objects.filter(pk=state.pk).update(**{measures: make_device(machine=lathe)})
    suspend(person=camille, start=NOW + minutes(1))
    late = NOW + minutes(61)
    Device.objects.filter(pk=blind.pk).update(last_seen_at=late)

    end_what_may_not_go_on(now=SOON)
    ended = sweep_access(now=late)

    assert (ended, told(blind)) == (0, [])


@pytest.mark.parametrize("gone", ["revoked", "elsewhere"])
def test_machine_whose_meter_was_taken_away_ends_with_its_time(lathe: Machine, blind: Device, gone: str) -> None:
    with_badge()
    power_on(tap(blind))
    state, plug = works(lathe, UseState.UNKNOWN), make_device(machine=lathe)
    ReportedState.objects.filter(pk=state.pk).update(power_meter=plug)
    Device.objects.filter(pk=plug.pk).update(**{"revoked_at": NOW} if gone == "revoked" else {"machine": None})
    late = NOW + minutes(61)
    Device.objects.filter(pk=blind.pk).update(last_seen_at=late)

    sweep_access(now=late)

    assert told(blind) == [("disable", "booking_end")]


def test_device_that_sees_the_work_is_told_at_once_and_waits_itself(lathe: Machine, reader: Device) -> None:
    Device.objects.filter(pk=reader.pk).update(capabilities=SEES)
    camille = with_badge()
    power_on(tap(reader))
    works(lathe)
    suspend(person=camille, start=NOW + minutes(1))

    end_what_may_not_go_on(now=SOON)

    assert told(reader) == [("disable", "permission")]


@pytest.mark.parametrize("kind", [Kind.DISABLE, Kind.LOCK])
def test_team_switches_no_running_machine_off_where_the_device_cannot_tell(
    lathe: Machine, blind: Device, kind: DeviceCommand.Kind
) -> None:
    works(lathe)

    with pytest.raises(DeviceError) as refusal:
        order(device=blind, kind=kind, by=make_staff(site=lathe.site), now=NOW)

    assert refusal.value.code == "would_cut"
    assert told(blind) == []


@pytest.mark.parametrize("kind", [Kind.DISABLE, Kind.LOCK])
@pytest.mark.parametrize(
    ("has", "state"),
    [(SEES, UseState.BUSY), (["seat"], UseState.BUSY), ([], UseState.BUSY), (BLIND, UseState.IDLE)],
    ids=["it sees the work", "it only locks a screen", "it has said nothing yet", "it rests"],
)
def test_team_is_obeyed_where_nothing_is_cut(
    lathe: Machine, blind: Device, kind: DeviceCommand.Kind, has: list[str], state: UseState
) -> None:
    blind.capabilities = has
    works(lathe, state)

    order(device=blind, kind=kind, by=make_staff(site=lathe.site), now=NOW)

    assert told(blind) == [(kind, None)]


def test_what_was_stopped_for_safety_is_cut_all_the_same(lathe: Machine, blind: Device) -> None:
    works(lathe)

    order(device=blind, kind=Kind.DISABLE, by=None, now=NOW, is_for_safety=True)

    assert told(blind) == [("disable", None)]


def test_paused_print_outlives_its_time_and_keeps_no_other_news_from_its_session(lathe: Machine, blind: Device) -> None:
    with_badge()
    power_on(tap(blind))
    works(lathe, UseState.IDLE)
    UsageSession.objects.create(
        machine=lathe, source=UsageSession.Source.PRINT_JOB, start=NOW, last_busy_at=NOW + minutes(10)
    )
    late = NOW + minutes(61)
    Device.objects.filter(pk=blind.pk).update(last_seen_at=late)

    ended = sweep_access(now=late)

    assert (ended, told(blind)) == (0, [])


def test_button_pressed_after_its_time_is_undone_once_the_machine_rests(lathe: Machine, blind: Device) -> None:
    """The news of it came late, out of the outbox: the plug says already that the lathe turns."""
    with_badge()
    began = tap(blind)
    lapsed_at = NOW + minutes(1)
    told_event(blind, Event(event="stop", reason="idle_timeout", session_id=began.session_id), lapsed_at, lapsed_at)
    state = works(lathe)

    pressed_at = NOW + minutes(31)
    told_event(blind, Event(event="energised", session_id=began.session_id), pressed_at, pressed_at)
    while_it_works = take_to_send(now=NOW + minutes(32))
    state.state = UseState.IDLE
    state.save()
    at_rest = take_to_send(now=NOW + minutes(40))

    assert while_it_works == []
    assert [(each.kind, each.data["session_id"]) for each in at_rest] == [("disable", began.session_id)]
