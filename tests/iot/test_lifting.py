"""What was stopped for safety is lifted on the machine's page, and its devices hear of it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from iot.access.sessions import sweep_access
from iot.ends import end_what_may_not_go_on
from iot.lifting import LASTS
from iot.models import AccessSession, Device, DeviceCommand, DriverKind
from iot.orders import Kind, order, take_to_send
from iot.sessions import sweep_lost_sessions, sweep_silent_devices
from machines.closing_services import lift_outage
from machines.models import Machine, Outage
from people.models import Person
from tests.factories import make_outage, make_staff, minutes
from tests.iot.builders import NOW, Talker, make_device, store
from tests.iot.readers import tap, with_badge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def mo(lathe: Machine) -> Person:
    return make_staff(site=lathe.site, first_name="Mo")


def stopped(reader: Device, at_s: float = 0) -> Outage:
    talker = Talker(reader.slug, boot=f"boot-{at_s:.0f}")
    store(talker.say("event", {"event": "safety_input", "reason": "emergency_stop"}, at_s))
    return Outage.objects.get(kind=Outage.Kind.LOCK_OUT, end=None)


def hello(reader: Device, *, is_locked: bool) -> None:
    store(Talker(reader.slug, boot=f"boot-{is_locked}").say("hello", {"is_locked": is_locked}, 120))


def safe_again(reader: Device) -> None:
    talker = Talker(reader.slug, boot="boot-safe")
    store(talker.say("event", {"event": "de_energised", "reason": "safe again"}, 120), talker.event("idle", 121))


def works_again(reader: Device) -> None:
    talker = Talker(reader.slug, boot="boot-busy")
    store(talker.event("energised", 120), talker.event("busy", 121))


def told_by_the_software(reader: Device) -> None:
    let_in = {"session_id": "s-1", "most_s": 60}
    order(device=reader, kind=Kind.ENABLE, by=None, now=NOW + minutes(2), data=let_in)
    order(device=reader, kind=Kind.DISABLE, by=None, now=NOW + minutes(2))


def told_by_the_team(reader: Device) -> None:
    """On the page of the device: it may let people in again, and the machine is held all the same."""
    order(device=reader, kind=Kind.ENABLE, by=make_staff(site=reader.machine.site), now=NOW + minutes(2))


def lifted_something_else(reader: Device) -> None:
    row = make_outage(machine=reader.machine, start=NOW, kind="fault")
    lift_outage(outage=row, by=make_staff(site=reader.machine.site), now=NOW + minutes(2))


def swept_for_days(reader: Device) -> None:
    for day in range(3):
        now = NOW + dt.timedelta(days=day)
        for sweep in (sweep_silent_devices, sweep_lost_sessions, end_what_may_not_go_on, sweep_access):
            sweep(now=now)


NO_LIFTS = {
    "the button pulled out": safe_again,
    "the machine at work": works_again,
    "a new run of the device": lambda reader: hello(reader, is_locked=False),
    "a badge": lambda reader: tap(reader, at=NOW + minutes(2)),
    "the button": lambda reader: tap(reader, "button", at=NOW + minutes(2), kind="button"),
    "an order of the software": told_by_the_software,
    "an order of the team to the device": told_by_the_team,
    "a fault that is lifted": lifted_something_else,
    "time": swept_for_days,
}


@pytest.mark.parametrize("happens", NO_LIFTS.values(), ids=NO_LIFTS)
def test_emergency_stop_is_lifted_by_a_person_and_by_nothing_else(
    reader: Device, mo: Person, happens: Callable[[Device], object]
) -> None:
    camille = with_badge()
    outage = stopped(reader)

    happens(reader)
    outage.refresh_from_db()
    refused = tap(reader, at=NOW + minutes(5))
    lifted = lift_outage(outage=outage, by=mo, now=NOW + minutes(10))
    allowed = tap(reader, at=NOW + minutes(11))

    assert (outage.end, outage.lifted_by, refused.is_allowed, refused.reason) == (None, None, False, "safety_input")
    assert (lifted.end, lifted.lifted_by, allowed.is_allowed) == (NOW + minutes(10), mo, True)
    assert AccessSession.objects.get(reference=allowed.session_id).person == camille


def lift_at(after_minutes: int) -> dict[str, object]:
    return {"lift": True, "lifted_at": (NOW + minutes(after_minutes)).isoformat()}


def ack(reader: Device, command: DeviceCommand, *, is_done: bool, reason: str = "") -> None:
    said = {"command_id": command.reference, "is_done": is_done, "reason": reason}
    store(Talker(reader.slug, boot=f"boot-{command.pk}").say("ack", said, 3600))


def test_lift_is_told_to_the_device_by_whoever_lifted_it(reader: Device, mo: Person) -> None:
    outage = stopped(reader)

    lift_outage(outage=outage, by=mo, now=NOW + minutes(10))

    told = DeviceCommand.objects.get()
    assert (told.device, told.kind, told.data, told.by) == (reader, Kind.ENABLE, lift_at(10), mo)
    assert told.expires_at - told.created_at == LASTS


def test_lift_reaches_a_device_that_is_back_after_hours(reader: Device, mo: Person) -> None:
    lift_outage(outage=stopped(reader), by=mo, now=NOW + minutes(10))
    hours = dt.timedelta(hours=1)

    sent = [len(take_to_send(now=NOW + minutes(11) + n * hours)) for n in (0, 5, 23, 25)]

    assert sent == [1, 1, 1, 0]


def test_lift_is_sent_again_after_a_switch_but_not_after_a_lock(reader: Device, mo: Person) -> None:
    lift_outage(outage=stopped(reader), by=mo, now=NOW + minutes(10))
    order(device=reader, kind=Kind.DISABLE, by=None, now=NOW + minutes(11))
    after_a_switch = [row.data for row in take_to_send(now=NOW + minutes(12))]
    order(device=reader, kind=Kind.LOCK, by=mo, now=NOW + minutes(13))
    after_a_lock = [row.kind for row in take_to_send(now=NOW + minutes(13.1))]

    assert after_a_switch == [lift_at(10)]
    assert after_a_lock == [Kind.LOCK]


def test_answer_to_a_lift_is_the_devices_word_that_it_is_not_locked(reader: Device, mo: Person) -> None:
    store(Talker(reader.slug).say("hello", {"is_locked": True}))
    lift_outage(outage=stopped(reader), by=mo, now=NOW + minutes(10))

    ack(reader, DeviceCommand.objects.get(), is_done=True)

    reader.refresh_from_db()
    assert reader.is_locked is False


def test_device_whose_contact_is_open_stays_locked(reader: Device, mo: Person) -> None:
    store(Talker(reader.slug).say("hello", {"is_locked": True}))
    lift_outage(outage=stopped(reader), by=mo, now=NOW + minutes(10))
    command = DeviceCommand.objects.get()

    ack(reader, command, is_done=False, reason="safety_input")

    reader.refresh_from_db()
    command.refresh_from_db()
    assert (reader.is_locked, command.state(NOW + minutes(70))) == (True, "refused")


def test_machine_stopped_again_takes_the_lift_back(reader: Device, mo: Person) -> None:
    lift_outage(outage=stopped(reader), by=mo, now=NOW + dt.timedelta(seconds=1))

    stopped(reader, 60)

    told = DeviceCommand.objects.get()
    assert (told.is_done, told.answer) == (False, "stopped_again")
    assert not take_to_send(now=NOW + minutes(2))


NOBODY_TOLD = {
    "fault": ({"kind": "fault"}, {}),
    "locked by somebody": ({"kind": "lock_out"}, {"commanded": "locked"}),
    "shut out": ({"kind": "lock_out"}, {"revoked_at": NOW}),
    "a plug": ({"kind": "lock_out"}, {"kind": DriverKind.TASMOTA, "topic": "plug-04"}),
    "nothing to switch": ({"kind": "lock_out"}, {"capabilities": ["badge"]}),
}


@pytest.mark.parametrize(("outage", "device"), NOBODY_TOLD.values(), ids=NOBODY_TOLD)
def test_lift_is_told_to_nobody_else(lathe: Machine, mo: Person, outage: dict, device: dict) -> None:
    make_device("other", lathe, **device)
    row = make_outage(machine=lathe, start=NOW, **outage)

    lift_outage(outage=row, by=mo, now=NOW + minutes(1))

    assert not DeviceCommand.objects.exists()


def test_lift_by_nobody_and_a_change_of_an_outage_tell_nobody(reader: Device, lathe: Machine) -> None:
    row = make_outage(machine=lathe, start=NOW, kind="lock_out")
    row.reason = "glass"
    row.save()

    lift_outage(outage=row, by=None, now=NOW + minutes(1))

    assert not DeviceCommand.objects.exists()


def test_every_device_of_the_machine_is_told_once(reader: Device, lathe: Machine, mo: Person) -> None:
    make_device("reader-2", lathe)
    outage = stopped(reader)

    lift_outage(outage=outage, by=mo, now=NOW + minutes(1))
    lift_outage(outage=outage, by=mo, now=NOW + minutes(2))

    assert sorted(row.device.slug for row in DeviceCommand.objects.all()) == ["reader-1", "reader-2"]


@pytest.mark.parametrize("data", [{"session_id": "s-1", "hot_s": 900}, {"session_id": "s-1", "most_s": 60}, None])
def test_lock_of_the_team_is_lifted_by_whoever_lifts_that_only(
    reader: Device, lathe: Machine, mo: Person, data: dict | None, django_capture_on_commit_callbacks: Any
) -> None:
    outage = stopped(reader)
    with django_capture_on_commit_callbacks(execute=True):
        order(device=reader, kind=Kind.LOCK, by=mo, now=NOW + minutes(1))
        order(device=reader, kind=Kind.ENABLE if data else Kind.DISABLE, by=None, now=NOW + minutes(2), data=data)
    reader.refresh_from_db()

    lift_outage(outage=outage, by=mo, now=NOW + minutes(3))

    assert reader.commanded == "locked"
    assert not DeviceCommand.objects.filter(data__has_key="lift").exists()


def test_device_that_the_team_unlocked_hears_of_the_next_lift(
    reader: Device, mo: Person, django_capture_on_commit_callbacks: Any
) -> None:
    outage = stopped(reader)
    with django_capture_on_commit_callbacks(execute=True):
        order(device=reader, kind=Kind.LOCK, by=mo, now=NOW + minutes(1))
        order(device=reader, kind=Kind.ENABLE, by=mo, now=NOW + minutes(2))

    lift_outage(outage=outage, by=mo, now=NOW + minutes(3))

    assert DeviceCommand.objects.latest("pk").data == lift_at(3)


def test_outage_that_is_written_otherwise_is_no_lift(reader: Device, lathe: Machine, mo: Person) -> None:
    row = make_outage(machine=lathe, start=NOW, kind="lock_out")
    row.lifted_by, row.end = mo, NOW + minutes(1)

    row.save(update_fields=["lifted_by", "end"])

    assert not DeviceCommand.objects.exists()
