"""Every reason for which use or access ends is given by something that happens."""

import datetime as dt

import pytest

from iot.access.sessions import open_access, start_access, sweep_access
from iot.ends import end_what_may_not_go_on
from iot.ingest.raw import RawMessage
from iot.manual_use import start_manual, sweep_manual
from iot.models import (
    AccessSession,
    Device,
    DeviceCommand,
    DriverKind,
    MachineAccess,
    ReportedState,
    StopReason,
    UsageSession,
    UseState,
)
from iot.sessions import LOST_AFTER, sweep_lost_sessions
from iot.tasks import sweep_devices
from machines.models import Machine
from machines.qualification_services import revoke_qualification
from people.models import Badge
from reservations.models import Origin, Reservation, Status
from tests.factories import (
    every_day,
    grant,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
    suspend,
)
from tests.iot.builders import NOW, Talker, at, make_device, make_reservation, store
from tests.iot.readers import badge_of, power_on, tap

pytestmark = pytest.mark.django_db

# NOW is 14:00 in Paris; this site closes half an hour later.
CLOSES = at(1800)


@pytest.fixture
def lathe(db: None) -> Machine:
    machine = make_machine(site=make_site(hours=every_day("09:00", "14:30")))
    MachineAccess.objects.create(machine=machine, walk_up=dt.timedelta(hours=2))
    return machine


def reader_of(machine: Machine, kind: DriverKind = DriverKind.FABLAB) -> Device:
    return make_device("reader-1", machine, kind=kind, topic="r" if kind != "fablab" else "", is_online=True,
                       last_seen_at=NOW)  # fmt: skip


def let_in(reader: Device) -> AccessSession:
    """By their badge, without a reservation."""
    badge_of(make_person())
    decision = tap(reader, at=NOW)
    assert decision.is_allowed
    power_on(decision)
    return AccessSession.objects.get(reference=decision.session_id)


def heard(device: Device, now: dt.datetime) -> None:
    Device.objects.filter(pk=device.pk).update(is_online=True, last_seen_at=now)


def reason_of(session: AccessSession) -> str:
    session.refresh_from_db()
    return session.stop_reason


# --- closing ------------------------------------------------------------------------------------------------------


def test_time_on_the_spot_ends_by_closing_when_the_device_tells_the_end(lathe: Machine) -> None:
    session = let_in(reader_of(lathe))
    talker = Talker("reader-1")
    store(talker.say("event", {"event": "busy", "session_id": session.reference}, 10))

    store(talker.say("event", {"event": "stop", "reason": "booking_end", "session_id": session.reference}, 1800))

    assert session.until == CLOSES
    assert reason_of(session) == StopReason.CLOSING
    assert UsageSession.objects.get().stop_reason == StopReason.CLOSING


@pytest.mark.parametrize("kind", [DriverKind.RFID, DriverKind.FABLAB])
def test_time_on_the_spot_ends_by_closing_where_the_device_tells_none(lathe: Machine, kind: DriverKind) -> None:
    reader = reader_of(lathe, kind)
    session = let_in(reader)
    late = CLOSES + minutes(3)
    heard(reader, late)

    assert end_what_may_not_go_on(now=late) == 1
    assert reason_of(session) == StopReason.CLOSING


@pytest.mark.parametrize(
    ("start_s", "end_s", "origin"),
    [
        pytest.param(0, 1800, Origin.PAGE, id="reserved until closing"),
        pytest.param(0, 900, Origin.WALK_UP, id="on the spot, before the next one"),
    ],
)
def test_end_of_another_time_is_the_end_of_the_booking(
    lathe: Machine, start_s: int, end_s: int, origin: Origin
) -> None:
    person = make_person()
    row = make_reservation(lathe, start_s, end_s, holder=person, status=Status.IN_USE, origin=origin)
    reader = reader_of(lathe, DriverKind.RFID)
    session = start_access(
        machine=lathe, device=reader, access=lathe.access, person=person, until=row.end, now=NOW, reservation=row
    )
    late = row.end + minutes(3)
    heard(reader, late)

    end_what_may_not_go_on(now=late)
    sweep_access(now=late)

    assert reason_of(session) == StopReason.BOOKING_END


def test_use_by_hand_ends_by_closing(lathe: Machine) -> None:
    used = start_manual(lathe, make_person(), NOW)

    sweep_manual(now=CLOSES)

    used.refresh_from_db()
    assert (used.end, used.stop_reason) == (CLOSES, StopReason.CLOSING)


# --- permission ---------------------------------------------------------------------------------------------------


def suspended(session: AccessSession) -> None:
    suspend(person=session.person, start=at(60))


def badge_blocked(session: AccessSession) -> None:
    Badge.objects.filter(person=session.person).update(blocked_at=at(60))


def qualification_revoked(session: AccessSession) -> None:
    held = session.person.qualification_grants.get()
    revoke_qualification(grant=held, by=make_staff(site=session.machine.site), now=at(60))


WITHDRAWN = pytest.mark.parametrize("withdraw", [suspended, badge_blocked, qualification_revoked])


def qualified(machine: Machine) -> Machine:
    machine.qualification = make_qualification()
    machine.save(update_fields=["qualification"])
    return machine


def let_in_qualified(reader: Device) -> AccessSession:
    person = make_person()
    grant(person=person, qualification=reader.machine.qualification)
    badge_of(person)
    decision = tap(reader, at=NOW)
    assert decision.is_allowed, decision
    power_on(decision)
    return AccessSession.objects.get(reference=decision.session_id)


@WITHDRAWN
def test_access_ends_at_a_reader_when_the_permission_is_withdrawn(lathe: Machine, withdraw) -> None:
    session = let_in_qualified(reader_of(qualified(lathe), DriverKind.RFID))
    assert end_what_may_not_go_on(now=at(59)) == 0

    withdraw(session)

    assert end_what_may_not_go_on(now=at(61)) == 1
    assert reason_of(session) == StopReason.PERMISSION
    made = Reservation.objects.get()
    assert (made.status, made.end) == (Status.COMPLETED, at(61))


@WITHDRAWN
def test_our_device_is_told_and_says_when_it_ended(lathe: Machine, withdraw) -> None:
    session = let_in_qualified(reader_of(qualified(lathe)))
    withdraw(session)

    counts = [end_what_may_not_go_on(now=at(second)) for second in (61, 62, 63)]

    told = DeviceCommand.objects.get(kind="disable")
    assert counts == [0, 0, 0]
    assert told.data == {"when_idle": True, "reason": "permission", "session_id": session.reference}
    store(
        Talker("reader-1").say(
            "event", {"event": "stop", "session_id": session.reference} | {"reason": "permission"}, 70
        )
    )
    assert reason_of(session) == StopReason.PERMISSION


def test_what_works_is_not_cut_by_a_suspension(lathe: Machine) -> None:
    session = let_in(reader_of(lathe, DriverKind.RFID))
    state = ReportedState.objects.create(machine=lathe, state=UseState.BUSY, since=NOW, at=NOW)
    suspended(session)

    assert end_what_may_not_go_on(now=at(61)) == 0

    state.state = UseState.IDLE
    state.save()
    assert end_what_may_not_go_on(now=at(120)) == 1


def test_what_the_team_set_aside_stays_set_aside(lathe: Machine) -> None:
    reader = reader_of(lathe, DriverKind.RFID)
    person = make_staff(site=lathe.site)
    suspend(person=person)
    start_access(
        machine=lathe, device=reader, access=lathe.access, person=person, until=CLOSES, now=NOW,
        overridden=("suspended",),
    )  # fmt: skip

    assert end_what_may_not_go_on(now=at(61)) == 0


def test_somebody_else_s_badge_ends_nothing(lathe: Machine) -> None:
    let_in(reader_of(lathe, DriverKind.RFID))
    badge_of(make_person(), "0011223344", blocked_at=at(30))
    suspend(person=make_person(), start=at(30))

    assert end_what_may_not_go_on(now=at(61)) == 0
    assert open_access(lathe.pk) is not None


# --- offline ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DriverKind.RFID, DriverKind.FABLAB])
def test_access_whose_device_is_out_of_reach_at_its_end_ends_offline(lathe: Machine, kind: DriverKind) -> None:
    session = let_in(reader_of(lathe, kind))

    assert end_what_may_not_go_on(now=CLOSES - minutes(1)) == 0
    assert end_what_may_not_go_on(now=CLOSES + minutes(1)) == 1
    assert reason_of(session) == StopReason.OFFLINE
    assert session.ended_at == CLOSES


@pytest.mark.parametrize(
    ("kind", "topic", "gone", "expected"),
    [
        pytest.param(
            DriverKind.TASMOTA, "plug-04", ("tele/plug-04/LWT", b"Offline"), StopReason.OFFLINE, id="its last will"
        ),
        pytest.param(DriverKind.TASMOTA, "plug-04", None, StopReason.AGENT_LOST, id="not a word"),
        pytest.param(
            DriverKind.OCTOPRINT, "octoPrint/p", ("octoPrint/p/event/Disconnected", b"{}"), StopReason.OFFLINE,
            id="its printer is out of reach",
        ),
        pytest.param(
            DriverKind.FABLAB, "", ("fablab/v1/box/up/status", b'{"state": "offline"}'), StopReason.AGENT_LOST,
            id="our agent still has something to tell",
        ),
    ],
)  # fmt: skip
def test_use_of_a_device_that_went_ends(
    lathe: Machine, kind: DriverKind, topic: str, gone: tuple[str, bytes] | None, expected: StopReason
) -> None:
    device = make_device("box", lathe, kind=kind, topic=topic, is_online=True, last_seen_at=NOW)
    ReportedState.objects.create(machine=lathe, device=device, state=UseState.BUSY, since=NOW, at=NOW)
    session = UsageSession.objects.create(machine=lathe, device=device, start=NOW, last_busy_at=at(60))
    if gone is not None:
        store(RawMessage(gone[0], gone[1], at(70)))

    assert sweep_lost_sessions(now=at(70) + LOST_AFTER) == 1

    session.refresh_from_db()
    assert (session.end, session.stop_reason) == (at(60), expected)


def test_worker_looks_for_them_before_it_looks_for_the_end_of_a_booking(
    lathe: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of(lathe, DriverKind.RFID)
    session = let_in(reader)
    heard(reader, CLOSES)
    monkeypatch.setattr("iot.tasks.timezone.now", lambda: CLOSES)

    sweep_devices()

    assert reason_of(session) == StopReason.CLOSING
