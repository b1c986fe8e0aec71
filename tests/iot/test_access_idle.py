"""A machine that rests is switched off, and says so a minute before; whatever it does meanwhile keeps it on."""

import datetime as dt

import pytest

from iot.access.sessions import open_access, sweep_access
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, MachineAccess, ReportedState, UseState
from machines.models import Machine
from reservations.models import Reservation
from tests.factories import NOW, minutes, reserve
from tests.iot.builders import make_device
from tests.iot.readers import power_on, tap, with_badge

pytestmark = pytest.mark.django_db

SHOWS = ["relay", "badge", "display"]


def resting(machine: Machine, reader: Device, *, after: int = 10, has: list[str] = SHOWS) -> AccessSession:
    """Somebody has the machine, which rests from NOW on and goes off after so many minutes."""
    MachineAccess.objects.create(machine=machine, idle_off_after=minutes(after))
    Device.objects.filter(pk=reader.pk).update(capabilities=has)
    with_badge(language="en")
    power_on(tap(reader))
    ReportedState.objects.create(machine=machine, state=UseState.IDLE, since=NOW, at=NOW)
    session = open_access(machine.pk)
    assert session is not None
    return session


def swept(reader: Device, start: float, end: float, *, every_s: float = 60) -> list[tuple[float, str]]:
    """The orders that sweeps in these minutes gave, each with its minute."""
    step, now = dt.timedelta(seconds=every_s), NOW + minutes(0) + dt.timedelta(minutes=start)
    while now <= NOW + dt.timedelta(minutes=end):
        Device.objects.filter(pk=reader.pk).update(last_seen_at=now)
        sweep_access(now=now)
        now += step
    rows = DeviceCommand.objects.filter(device=reader).order_by("pk")
    return [((row.created_at - NOW).total_seconds() / 60, row.kind) for row in rows]


def works(machine: Machine, minute: float) -> None:
    _reported(machine, UseState.BUSY, minute)


def rests(machine: Machine, minute: float) -> None:
    _reported(machine, UseState.IDLE, minute)


def _reported(machine: Machine, state: str, minute: float) -> None:
    at = NOW + dt.timedelta(minutes=minute)
    ReportedState.objects.filter(machine=machine).update(state=state, since=at, at=at)


def test_display_warns_about_a_minute_before_and_once(lathe: Machine, reader: Device) -> None:
    resting(lathe, reader)

    orders = swept(reader, 0.5, 11)

    message = DeviceCommand.objects.get(kind="message")
    assert orders == [(9.5, "message"), (10.5, "disable")]
    assert message.data["text"]
    assert message.data["for_s"] == 55
    assert message.expires_at == message.created_at + dt.timedelta(seconds=55)


def test_use_cancels_the_warning_and_the_next_rest_has_its_own(lathe: Machine, reader: Device) -> None:
    resting(lathe, reader)
    swept(reader, 9.5, 9.5)
    works(lathe, 9.8)
    swept(reader, 10.5, 14.5)
    rests(lathe, 15)

    orders = swept(reader, 15.5, 25.5)

    assert orders == [(9.5, "message"), (24.5, "message"), (25.5, "disable")]


def test_short_use_after_the_warning_counts_too(lathe: Machine, reader: Device) -> None:
    """Between two looks it worked and rests again: it rests since then."""
    resting(lathe, reader)
    swept(reader, 9.5, 9.5)
    rests(lathe, 10.2)

    assert swept(reader, 10.5, 18.5) == [(9.5, "message")]


def test_late_look_warns_first_too(lathe: Machine, reader: Device) -> None:
    """The worker was down for an hour."""
    resting(lathe, reader)

    assert swept(reader, 40, 41) == [(40, "message"), (41, "disable")]


def test_looks_in_quick_succession_do_not_shorten_the_minute(lathe: Machine, reader: Device) -> None:
    resting(lathe, reader)

    orders = swept(reader, 9, 10.1, every_s=5)

    (warned, _), (off, _) = orders
    assert off - warned >= 55 / 60
    assert off > 10


def test_device_is_not_told_to_wait_for_what_works_again(lathe: Machine, reader: Device) -> None:
    resting(lathe, reader)

    swept(reader, 9.5, 10.5)

    assert DeviceCommand.objects.get(kind="disable").data["when_idle"] is False


@pytest.mark.parametrize("has", [["relay", "badge"], []], ids=["no display", "has not said"])
def test_machine_without_a_display_goes_off_at_the_same_time(lathe: Machine, reader: Device, has: list[str]) -> None:
    session = resting(lathe, reader, has=has)

    orders = swept(reader, 0.5, 11)

    session.refresh_from_db()
    assert orders == [(10.5, "disable")]
    assert session.warned_at == NOW + dt.timedelta(minutes=9.5)


def test_display_of_another_device_at_the_machine_shows_it(lathe: Machine, reader: Device) -> None:
    resting(lathe, reader, has=["relay", "badge"])
    screen = make_device("screen", lathe, capabilities=["display"])
    make_device("old-screen", lathe, capabilities=["display"], revoked_at=NOW)
    make_device("plug", lathe, kind=DriverKind.TASMOTA, topic="plug", capabilities=["display"])

    swept(reader, 9.5, 9.5)

    assert list(DeviceCommand.objects.values_list("device", "kind")) == [(screen.pk, "message")]


def test_end_of_the_time_is_not_told_as_rest(lathe: Machine, reader: Device) -> None:
    """It has a warning of its own: see the agent's."""
    reserve(machine=lathe, holder=with_badge("04BB22CC33DD44"), start=NOW + minutes(30), end=NOW + minutes(60))
    resting(lathe, reader, after=30)

    orders = swept(reader, 28.5, 30.5)

    assert Reservation.objects.get(origin="walk_up").end == NOW + minutes(30)
    assert {kind for _minute, kind in orders} == {"disable"}


def test_more_time_asked_for_is_warned_of_anew(lathe: Machine, reader: Device) -> None:
    session = resting(lathe, reader)
    swept(reader, 9.5, 9.5)
    made = Reservation.objects.get()
    Reservation.objects.filter(pk=made.pk).update(end=made.end + minutes(30))

    orders = [kind for _minute, kind in swept(reader, 10, 11)]

    session.refresh_from_db()
    assert session.until == made.end + minutes(30)
    assert orders == ["message", "enable", "message", "disable"]


def test_session_that_waits_for_its_button_needs_no_warning(lathe: Machine, reader: Device) -> None:
    MachineAccess.objects.create(machine=lathe, idle_off_after=minutes(10), needs_button=True)
    with_badge()
    tap(reader)

    sweep_access(now=NOW + minutes(1))

    assert open_access(lathe.pk) is None
