"""Usage sessions from what devices report: opened, matched, closed, lost, resumed."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from iot import selectors, sessions
from iot.ingest.raw import RawMessage
from iot.models import ReportedState, StopReason, UsageSession, UseState
from machines.models import Machine
from people.models import Person
from reservations.models import Status
from tests.iot.builders import NOW, Talker, at, make_device, make_machine, make_reservation, store

pytestmark = pytest.mark.django_db

Source = UsageSession.Source


def run(talker: Talker, watts: float, start_s: int, end_s: int, every_s: int = 10) -> list[RawMessage]:
    """This power from the first instant to the last."""
    return [talker.power(watts, at_s) for at_s in range(start_s, end_s + 1, every_s)]


def state_of(machine: Machine) -> ReportedState:
    return ReportedState.objects.get(machine=machine)


def test_power_opens_a_session_at_the_first_busy_sample(talker: Talker, machine: Machine) -> None:
    store(talker.power(5, 0), talker.power(60, 10), talker.power(60, 20))

    session = UsageSession.objects.get()
    assert (session.machine, session.device.slug, session.source) == (machine, "plug-1", Source.POWER)
    assert (session.start, session.end, session.last_busy_at, session.stop_reason) == (at(10), None, at(20), "")
    assert (state_of(machine).state, state_of(machine).since) == (UseState.BUSY, at(10))


def test_power_closes_the_session_at_the_first_idle_sample(talker: Talker, machine: Machine) -> None:
    store(*run(talker, 60, 0, 100), *run(talker, 5, 110, 170))

    session = UsageSession.objects.get()
    assert (session.start, session.end, session.last_busy_at) == (at(0), at(110), at(100))
    assert session.stop_reason == StopReason.NORMAL
    assert state_of(machine).state == UseState.IDLE


def test_session_is_the_same_however_its_messages_are_cut_into_batches(talker: Talker) -> None:
    for message in [*run(talker, 60, 0, 100), *run(talker, 5, 110, 170)]:
        store(message)

    session = UsageSession.objects.get()
    assert (session.start, session.end, session.last_busy_at) == (at(0), at(110), at(100))


def test_use_within_a_reservation_belongs_to_it_and_checks_it_in(talker: Talker, machine: Machine) -> None:
    reservation = make_reservation(machine, -600, 3600)

    store(*run(talker, 60, 30, 60))

    session = UsageSession.objects.get()
    reservation.refresh_from_db()
    assert (session.reservation, session.person) == (reservation, reservation.holder)
    assert (reservation.status, reservation.checked_in_at) == (Status.IN_USE, at(30))


@pytest.mark.parametrize(
    ("start_s", "end_s", "status", "is_matched"),
    [
        pytest.param(600, 3600, Status.CONFIRMED, True, id="ten minutes early"),
        pytest.param(601, 3600, Status.CONFIRMED, False, id="earlier than that"),
        pytest.param(-3600, 1, Status.CONFIRMED, True, id="in its last second"),
        pytest.param(-3600, 0, Status.CONFIRMED, False, id="at its end"),
        pytest.param(-60, 3600, Status.IN_USE, True, id="already checked in"),
        pytest.param(-60, 3600, Status.COMPLETED, True, id="already finished: a backlog"),
        pytest.param(-60, 3600, Status.PENDING, False, id="not approved"),
        pytest.param(-60, 3600, Status.NO_SHOW, False, id="not used"),
    ],
)
def test_use_is_matched_with_a_reservation(
    talker: Talker, machine: Machine, start_s: int, end_s: int, status: Status, is_matched: bool
) -> None:
    reservation = make_reservation(machine, start_s, end_s, status=status)

    store(talker.event("busy", 0))

    session = UsageSession.objects.get()
    reservation.refresh_from_db()
    assert session.reservation == (reservation if is_matched else None)
    assert session.person == (reservation.holder if is_matched else None)
    assert reservation.status == (Status.IN_USE if is_matched and status == Status.CONFIRMED else status)


def test_running_reservation_comes_before_the_next_one(talker: Talker, machine: Machine) -> None:
    running = make_reservation(machine, -3600, 60)
    make_reservation(machine, 60, 3600)

    store(talker.event("busy", 0))

    assert UsageSession.objects.get().reservation == running


def test_use_of_another_machine_is_not_matched(talker: Talker, machine: Machine) -> None:
    make_reservation(make_machine("mill"), -60, 3600)

    store(talker.event("busy", 0))

    session = UsageSession.objects.get()
    assert (session.reservation, session.person) == (None, None)


@pytest.mark.parametrize(
    ("events", "state", "ends"),
    [
        pytest.param(["busy"], UseState.BUSY, [None], id="busy opens"),
        pytest.param(["busy", "busy"], UseState.BUSY, [None], id="busy again changes nothing"),
        pytest.param(["busy", "idle"], UseState.IDLE, [StopReason.NORMAL], id="idle closes"),
        pytest.param(["busy", "stop"], UseState.IDLE, [StopReason.NORMAL], id="stop closes"),
        pytest.param(["busy", "fault"], UseState.FAULT, [StopReason.NORMAL], id="fault closes"),
        pytest.param(["busy", "de_energised"], UseState.OFF, [StopReason.POWER_CUT], id="power cut closes"),
        pytest.param(["busy", "energised"], UseState.BUSY, [None], id="power let through while busy"),
        pytest.param(["energised"], UseState.IDLE, [], id="power let through is not use"),
        pytest.param(["idle", "de_energised"], UseState.OFF, [], id="switched off while idle"),
        pytest.param(["busy", "button", "job"], UseState.BUSY, [None], id="others change nothing"),
        pytest.param(["busy", "safety_input"], UseState.FAULT, [StopReason.SAFETY_INPUT], id="a safety input stops it"),
        pytest.param(["busy", "idle", "busy"], UseState.BUSY, [StopReason.NORMAL, None], id="used twice"),
    ],
)
def test_events_open_and_close(
    talker: Talker, machine: Machine, events: list[str], state: UseState, ends: list[StopReason | None]
) -> None:
    store(*[talker.event(name, 10 * n) for n, name in enumerate(events)])

    assert state_of(machine).state == state
    found = UsageSession.objects.order_by("start").values_list("stop_reason", flat=True)
    assert [reason or None for reason in found] == ends


@pytest.mark.parametrize(
    ("name", "watts", "expected"),
    [
        pytest.param("de_energised", 0, UseState.OFF, id="a plug that is off still measures"),
        pytest.param("fault", 4, UseState.FAULT, id="little power mends nothing"),
        pytest.param("fault", 60, UseState.BUSY, id="much power shows that it works"),
        pytest.param("idle", 4, UseState.IDLE, id="idle stays idle"),
    ],
)
def test_power_after_an_event(talker: Talker, machine: Machine, name: str, watts: float, expected: UseState) -> None:
    store(talker.event(name, 0), *run(talker, watts, 10, 60))

    assert state_of(machine).state == expected


def test_message_of_a_device_without_a_machine_opens_nothing(db: None) -> None:
    store(Talker(make_device("spare").slug).event("busy"), Talker("spare", boot="boot-2").power(500))

    assert not UsageSession.objects.exists()


def test_second_open_session_of_a_machine_is_refused(machine: Machine) -> None:
    sessions.open_session(machine_id=machine.pk, at=NOW, source=Source.PRINT_JOB)

    with pytest.raises(IntegrityError, match="one_open_session_a_machine"), transaction.atomic():
        UsageSession.objects.create(machine=machine, start=NOW, last_busy_at=NOW)


def test_session_without_a_reservation_is_the_person_s_who_opened_it(machine: Machine) -> None:
    person = Person.objects.create_user(first_name="Bo")

    session = sessions.open_session(machine_id=machine.pk, at=NOW, source=Source.PRINT_JOB, person=person)

    assert (session.person, session.reservation) == (person, None)


def test_power_does_not_close_the_session_of_a_print_job(talker: Talker, machine: Machine) -> None:
    sessions.open_session(machine_id=machine.pk, at=NOW, source=Source.PRINT_JOB)

    store(*run(talker, 60, 0, 30), *run(talker, 5, 40, 200))

    session = UsageSession.objects.get()
    assert (session.source, session.end) == (Source.PRINT_JOB, None)


def test_session_never_starts_before_the_previous_one_ended(talker: Talker, machine: Machine) -> None:
    store(talker.event("busy", 0), talker.event("idle", 100))

    store(Talker(talker.slug, boot="boot-2").event("busy", 50))

    first, second = UsageSession.objects.order_by("pk")
    assert (first.end, second.start) == (at(100), at(100))


def test_sessions_without_length_at_one_instant_do_not_hide_a_later_end(talker: Talker, machine: Machine) -> None:
    older = Talker(talker.slug, boot="boot-2")
    store(talker.event("busy", 0), talker.event("idle", 0), talker.event("busy", 0), talker.event("idle", 100))

    store(older.event("busy", 50))

    assert UsageSession.objects.order_by("-pk").first().start == at(100)


@pytest.mark.parametrize(
    ("meter_wh", "expected"),
    [
        pytest.param([100, 130, 160], 60, id="counted from the first sample in use"),
        pytest.param([100, 130, 10, 40], 70, id="a meter that was reset counts from zero"),
        pytest.param([100, 130, 0, 0], 30, id="reset and not used since"),
        pytest.param([100, 100], 0, id="nothing drawn is zero, not unknown"),
        pytest.param([100], None, id="one value is no difference"),
        pytest.param([], None, id="no meter"),
    ],
)
def test_energy_is_summed_over_the_session(
    talker: Talker, machine: Machine, meter_wh: list[float], expected: float | None
) -> None:
    reservation = make_reservation(machine, -60, 3600)
    store(talker.event("busy", 0))

    for n, energy_wh in enumerate(meter_wh, start=1):
        store(talker.power(60, 10 * n, energy_wh=energy_wh))

    assert UsageSession.objects.get().energy_wh == expected
    assert selectors.measured_energy_wh(reservation) == expected


def test_measured_time_counts_a_running_session_until_now(talker: Talker, machine: Machine) -> None:
    reservation = make_reservation(machine, -60, 3600)
    store(talker.event("busy", 0), talker.event("idle", 100), talker.event("busy", 200))

    assert selectors.measured_time(reservation, at(250)) == dt.timedelta(seconds=150)


def test_session_of_a_silent_device_is_lost_at_its_last_busy_moment(talker: Talker, machine: Machine) -> None:
    store(talker.status("online", 0), *run(talker, 60, 0, 100))

    assert sessions.sweep_lost_sessions(now=at(100 + 299)) == 0
    assert sessions.sweep_lost_sessions(now=at(100 + 300)) == 1
    assert sessions.sweep_lost_sessions(now=at(100 + 301)) == 0

    session = UsageSession.objects.get()
    assert (session.end, session.last_busy_at, session.stop_reason) == (at(100), at(100), StopReason.AGENT_LOST)
    assert (state_of(machine).state, state_of(machine).since) == (UseState.UNKNOWN, at(400))


def test_session_of_a_device_that_is_heard_is_not_lost(talker: Talker, machine: Machine) -> None:
    store(*run(talker, 60, 0, 100))
    store(talker.status("online", 500))

    assert sessions.sweep_lost_sessions(now=at(505)) == 0
    assert UsageSession.objects.get().end is None


@pytest.mark.parametrize(
    ("back_s", "is_same"),
    [(101, True), (220, True), (221, False), (3600, False)],
    ids=["at once", "within two minutes", "a second later", "an hour later"],
)
def test_device_that_is_back_goes_on_with_its_lost_session(
    talker: Talker, machine: Machine, back_s: int, is_same: bool
) -> None:
    store(*run(talker, 60, 0, 100))
    lost = UsageSession.objects.get()
    sessions.sweep_lost_sessions(now=at(500))

    store(*run(talker, 60, back_s, back_s + 20))

    assert UsageSession.objects.count() == (1 if is_same else 2)
    running = UsageSession.objects.get(end=None)
    assert (running.pk == lost.pk) == is_same
    assert (running.start, running.last_busy_at) == (at(0 if is_same else back_s), at(back_s + 20))


def test_session_that_ended_by_itself_is_not_resumed(talker: Talker, machine: Machine) -> None:
    store(talker.event("busy", 0), talker.event("idle", 100), talker.event("busy", 110))

    assert UsageSession.objects.count() == 2


def test_closing_before_the_start_ends_at_the_start(machine: Machine) -> None:
    session = sessions.open_session(machine_id=machine.pk, at=NOW, source=Source.EVENT)

    sessions.close_session(session, at=at(-60), reason=StopReason.NORMAL)

    session.refresh_from_db()
    assert (session.end, session.last_busy_at) == (NOW, NOW)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param("emergency_stop", StopReason.EMERGENCY_STOP, id="a reason we know"),
        pytest.param("gremlins", StopReason.NORMAL, id="one we do not know"),
        pytest.param("", StopReason.NORMAL, id="none given"),
    ],
)
def test_stop_keeps_the_reason_the_device_gives(
    talker: Talker, machine: Machine, reason: str, expected: StopReason
) -> None:
    store(talker.event("busy", 0), talker.event("stop", 10, reason=reason))

    assert UsageSession.objects.get().stop_reason == expected


def test_session_of_another_source_is_not_resumed(talker: Talker, machine: Machine) -> None:
    store(talker.event("busy", 0))
    lost = UsageSession.objects.get()
    sessions.close_session(lost, at=at(10), reason=StopReason.AGENT_LOST)

    fresh = sessions.open_session(machine_id=machine.pk, at=at(30), source=UsageSession.Source.PRINT_JOB)

    assert fresh.pk != lost.pk


def test_measured_time_ends_with_the_reservation(talker: Talker, machine: Machine) -> None:
    reservation = make_reservation(machine, 0, 3600)
    UsageSession.objects.create(
        machine=machine,
        reservation=reservation,
        start=at(1800),
        last_busy_at=at(5400),
        end=at(5400),
        stop_reason="normal",
    )

    assert selectors.measured_time(reservation, at(9000)) == dt.timedelta(minutes=30)
