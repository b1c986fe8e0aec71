"""A heater that was left on never cools: nobody waits for it for ever. What a device did not hear, it does not know."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from iot.access.decide import answer
from iot.access.sessions import one_at_a_time, sweep_access
from iot.heat import COOLS_WITHIN, note_nozzle
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, MachineAccess, ReportedState, UsageSession
from iot.orders import Kind, order
from iot.protocol import Access
from machines.models import Machine
from people.models import Person
from tests.factories import NOW, make_person, minutes
from tests.iot.builders import make_device
from tests.iot.readers import NUMBER, power_on, tap, with_badge

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def plug(lathe: Machine) -> Device:
    return make_device("plug", lathe, kind=DriverKind.TASMOTA, topic="plug-04")


@pytest.fixture
def door(lathe: Machine) -> Device:
    return make_device("door", lathe, kind=DriverKind.RFID, topic="door-reader")


def heat(machine: Machine, now: dt.datetime = NOW, nozzle_c: float = 210.0) -> None:
    note_nozzle(machine_id=machine.pk, nozzle_c=nozzle_c, now=now)


def heard(device: Device, now: dt.datetime) -> None:
    Device.objects.filter(pk=device.pk).update(last_seen_at=now, is_online=True)


def done(device: Device, now: dt.datetime, *, is_done: bool = True) -> None:
    heard(device, now)
    DeviceCommand.objects.filter(device=device, answered_at=None).update(answered_at=now, is_done=is_done)


def kinds(device: Device) -> list[str]:
    return list(DeviceCommand.objects.filter(device=device).order_by("pk").values_list("kind", flat=True))


def let_in_for(machine: Machine, device: Device, length: dt.timedelta, **fields: Any) -> AccessSession:
    return AccessSession.objects.create(
        machine=machine, device=device, person=make_person(), allowed_at=NOW, until=NOW + length, **fields
    )


def left(machine: Machine, door: Device, at: dt.datetime) -> AccessSession:
    """Somebody had the machine and has left, its plug on."""
    return let_in_for(machine, door, HOUR, state="ended", ended_at=at, stop_reason="normal")


# --- what a device was told ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["never heard", "refused"])
def test_device_that_does_not_know_of_the_heat_is_told_again(lathe: Machine, reader: Device, how: str) -> None:
    with_badge()
    power_on(tap(reader))
    heat(lathe)
    sweep_access(now=NOW)
    if how == "refused":
        done(reader, NOW + minutes(1), is_done=False)

    heat(lathe, NOW + minutes(3))
    sweep_access(now=NOW + minutes(3))

    assert kinds(reader) == ["enable", "enable"]


def test_device_that_knows_is_not_told_anew_each_minute(lathe: Machine, reader: Device) -> None:
    with_badge()
    power_on(tap(reader))
    heat(lathe)
    sweep_access(now=NOW)
    done(reader, NOW)

    sweep_access(now=NOW + minutes(3))

    assert kinds(reader) == ["enable"]


def test_badge_again_ends_nothing_before_the_device_knows_of_the_heat(lathe: Machine, reader: Device) -> None:
    """Told that it is over, it would cut the fan at once."""
    with_badge()
    power_on(tap(reader))
    heat(lathe, NOW + minutes(5))
    sweep_access(now=NOW + minutes(5))

    before = tap(reader, at=NOW + minutes(6))
    done(reader, NOW + minutes(6))
    after = tap(reader, at=NOW + minutes(6.5))

    assert (before.most_s > 0, after.most_s) == (True, 0)


# --- a heater that was left on ------------------------------------------------------------------------------------


def swept_every_minute(machine: Machine, device: Device, start: dt.datetime, end: dt.datetime) -> dt.datetime | None:
    """Hot all the time; when its session ended."""
    now = start
    while now <= end:
        heat(machine, now)
        heard(device, now)
        sweep_access(now=now)
        ended_at = AccessSession.objects.get().ended_at
        if ended_at is not None:
            return ended_at
        now += minutes(5)
    return None


def test_session_ends_with_the_heater_on_once_it_should_have_cooled_down(lathe: Machine, reader: Device) -> None:
    let_in_for(lathe, reader, HOUR, energised_at=NOW)

    ended_at = swept_every_minute(lathe, reader, NOW + HOUR, NOW + 4 * HOUR)

    assert ended_at == NOW + HOUR + COOLS_WITHIN
    assert kinds(reader)[-1] == "disable"


def test_print_that_ends_after_its_time_cools_down_all_the_same(lathe: Machine, reader: Device) -> None:
    over = NOW + 4 * HOUR
    let_in_for(lathe, reader, HOUR, energised_at=NOW)
    UsageSession.objects.create(
        machine=lathe,
        source=UsageSession.Source.PRINT_JOB,
        start=NOW,
        last_busy_at=over,
        end=over,
        stop_reason="normal",
    )

    ended_at = swept_every_minute(lathe, reader, over, over + 3 * HOUR)

    assert ended_at == over + COOLS_WITHIN


def test_print_that_runs_is_never_ended(lathe: Machine, reader: Device) -> None:
    let_in_for(lathe, reader, HOUR, energised_at=NOW)
    UsageSession.objects.create(
        machine=lathe, source=UsageSession.Source.PRINT_JOB, start=NOW, last_busy_at=NOW + minutes(5)
    )

    assert swept_every_minute(lathe, reader, NOW + 3 * HOUR, NOW + 4 * HOUR) is None


def test_device_of_an_idle_machine_with_its_heater_on_is_told_to_go_off(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, idle_off_after=minutes(15))
    let_in_for(lathe, reader, 10 * HOUR, energised_at=NOW)
    ReportedState.objects.create(machine=lathe, state="idle", since=NOW)
    told = []

    for minute in (30, 44, 46):
        now = NOW + minutes(minute)
        heat(lathe, now)
        sweep_access(now=now)
        done(reader, now)
        told.append(kinds(reader)[-1])

    assert told == ["enable", "enable", "disable"]


def test_plug_goes_off_with_the_heater_on_once_it_should_have_cooled_down(
    lathe: Machine, plug: Device, door: Device, django_capture_on_commit_callbacks: Any
) -> None:
    with_badge()
    with django_capture_on_commit_callbacks(execute=True):
        answer(door, Access("r-1", NUMBER), NOW)
    AccessSession.objects.update(until=NOW + HOUR)
    told = []

    for minute in (61, 89, 90, 91):
        now = NOW + minutes(minute)
        heat(lathe, now)
        with django_capture_on_commit_callbacks(execute=True):
            sweep_access(now=now)
        told.append(kinds(plug))

    assert AccessSession.objects.get().ended_at == NOW + minutes(90)
    assert told == [["enable"], ["enable"], ["enable", "disable"], ["enable", "disable"]]


def test_plug_of_a_print_that_takes_a_day_goes_off_in_the_end(lathe: Machine, plug: Device, door: Device) -> None:
    left(lathe, door, NOW)
    Device.objects.filter(pk=plug.pk).update(commanded="enabled", commanded_at=NOW - minutes(5))

    sweep_access(now=NOW + 24 * HOUR)

    assert kinds(plug) == ["disable"]


# --- plugs that did not hear it -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "answered", "told"),
    [(9, False, ["disable", "disable"]), (0, False, ["disable"]), (9, True, ["disable"])],
    ids=["back", "still away", "it did go off"],
)
def test_plug_that_was_out_of_reach_is_told_again_once_it_is_back(
    lathe: Machine, plug: Device, door: Device, seen: int, answered: bool, told: list[str]
) -> None:
    left(lathe, door, NOW)
    order(device=plug, kind=Kind.DISABLE, by=None, now=NOW)
    if answered:
        done(plug, NOW)
    heard(plug, NOW + minutes(seen))

    sweep_access(now=NOW + minutes(10))

    assert kinds(plug) == told


def test_plug_that_somebody_switched_on_since_stays_on(lathe: Machine, plug: Device, door: Device) -> None:
    left(lathe, door, NOW)
    order(device=plug, kind=Kind.DISABLE, by=None, now=NOW)
    order(device=plug, kind=Kind.ENABLE, by=None, now=NOW + minutes(5))
    heard(plug, NOW + minutes(9))

    sweep_access(now=NOW + minutes(10))

    assert kinds(plug) == ["disable", "enable"]


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_plug_of_somebody_who_comes_in_at_that_moment_stays_on(lathe: Machine, plug: Device, door: Device) -> None:
    left(lathe, door, NOW)
    Device.objects.filter(pk=plug.pk).update(commanded="enabled", commanded_at=NOW - minutes(5))
    person: Person = make_person()
    is_there, goes_on = threading.Event(), threading.Event()

    def come_in() -> None:
        try:
            with one_at_a_time(lathe.pk):
                AccessSession.objects.create(
                    machine=lathe, device=door, person=person, allowed_at=NOW + minutes(9), until=NOW + HOUR
                )
                is_there.set()
                # Until the sweep had the time to look, and waits.
                goes_on.wait(1)
        finally:
            connections.close_all()

    comes = threading.Thread(target=come_in)
    comes.start()
    assert is_there.wait(10)
    sweep_access(now=NOW + minutes(10))
    comes.join(10)

    assert kinds(plug) == []
