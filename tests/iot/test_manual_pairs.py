"""Where two people are asked for and no device stands: each says on their own phone that they are there."""

import pytest

from iot.access.sessions import sweep_access
from iot.manual_pairs import second_came, waiting_for
from iot.manual_use import start_manual, stop_manual, sweep_manual
from iot.models import AccessSession, DeviceCommand, MachineAccess, ReportedState, StopReason, UsageSession
from machines.models import Machine
from people.errors import WrongState
from people.models import Person
from reservations.errors import ReservationRefused
from reservations.life import finish_reservation
from reservations.models import Reservation, Status
from tests.factories import NOW, make_outage, make_person, make_qualification, minutes, reserve, suspend
from tests.iot.builders import make_device

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture(autouse=True)
def two_needed(lathe: Machine) -> MachineAccess:
    return MachineAccess.objects.create(machine=lathe, needs_two_people=True)


@pytest.fixture
def camille(db: None) -> Person:
    return make_person()


@pytest.fixture
def bo(db: None) -> Person:
    return make_person(first_name="Bo")


def first_waits(lathe: Machine, person: Person, at_minutes: float = 0) -> None:
    with pytest.raises(ReservationRefused) as waits:
        start_manual(lathe, person, NOW + minutes(at_minutes))
    assert [str(denial.code) for denial in waits.value.denials] == ["second_phone"]


def test_one_alone_starts_nothing(lathe: Machine, camille: Person) -> None:
    first_waits(lathe, camille)
    first_waits(lathe, camille, 1)

    row = AccessSession.objects.get()
    assert not UsageSession.objects.exists()
    assert (row.state, row.person, row.allowed_at) == ("waiting_second", camille, NOW + minutes(1))


def test_second_person_begins_the_use_of_the_first(lathe: Machine, camille: Person, bo: Person) -> None:
    first_waits(lathe, camille)

    session = start_manual(lathe, bo, NOW + minutes(2))

    row = AccessSession.objects.get()
    assert (session.person, session.reservation, session.start) == (camille, row.reservation, NOW + minutes(2))
    assert (row.state, row.person, row.second_person, row.ended_at) == ("active", camille, bo, None)
    assert Reservation.objects.get().holder == camille
    assert not DeviceCommand.objects.exists()


def test_end_of_the_use_is_the_end_for_both(lathe: Machine, camille: Person, bo: Person) -> None:
    first_waits(lathe, camille)
    session = start_manual(lathe, bo, NOW + minutes(1))

    stop_manual(session, camille, NOW + minutes(20))

    row = AccessSession.objects.get()
    assert (row.state, row.ended_at, row.stop_reason) == ("ended", NOW + minutes(20), StopReason.NORMAL)
    first_waits(lathe, bo, 30)


def test_second_person_who_comes_too_late_is_a_first_one(lathe: Machine, camille: Person, bo: Person) -> None:
    first_waits(lathe, camille)
    sweep_access(now=NOW + minutes(4))
    assert AccessSession.objects.get().ended_at is None

    ended = sweep_access(now=NOW + minutes(6))
    first_waits(lathe, bo, 7)

    assert ended == 1
    assert [(row.person, row.state) for row in AccessSession.objects.order_by("pk")] == [
        (camille, "ended"), (bo, "waiting_second"),
    ]  # fmt: skip
    assert Reservation.objects.order_by("pk").first().status == Status.COMPLETED  # type: ignore[union-attr]


def test_use_of_two_that_was_forgotten_ends_with_its_reservation(lathe: Machine, camille: Person, bo: Person) -> None:
    reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(30))
    first_waits(lathe, camille)
    start_manual(lathe, bo, NOW + minutes(1))

    sweep_access(now=NOW + minutes(10))
    ended = sweep_manual(now=NOW + minutes(31))
    sweep_access(now=NOW + minutes(31))

    row = AccessSession.objects.get()
    assert (ended, row.state, row.ended_at) == (1, "ended", NOW + minutes(30))


def test_use_of_two_is_not_ended_by_what_a_device_said_once(lathe: Machine, camille: Person, bo: Person) -> None:
    MachineAccess.objects.update(idle_off_after=minutes(15))
    ReportedState.objects.create(machine=lathe, state="idle", since=NOW - minutes(600))
    reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(60))
    first_waits(lathe, camille)
    start_manual(lathe, bo, NOW + minutes(1))

    ended = sweep_access(now=NOW + minutes(30))

    assert (ended, AccessSession.objects.get().state) == (0, "active")


@pytest.mark.parametrize("how", ["given back", "over"])
def test_reservation_that_is_lost_while_the_first_waits_begins_nothing(
    lathe: Machine, camille: Person, bo: Person, how: str
) -> None:
    theirs = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(30))
    waits_from, comes = (0, 1) if how == "given back" else (28, 31)
    first_waits(lathe, camille, waits_from)
    if how == "given back":
        finish_reservation(reservation=theirs, now=NOW + minutes(0.5))

    first_waits(lathe, bo, comes)

    assert not UsageSession.objects.exists()
    assert [(row.person, row.state) for row in AccessSession.objects.order_by("pk")] == [
        (camille, "ended"), (bo, "waiting_second"),
    ]  # fmt: skip


def test_reservation_that_is_lost_as_the_second_comes_begins_nothing(
    lathe: Machine, camille: Person, bo: Person
) -> None:
    """Between the second one's question and the machine's turn."""
    theirs = reserve(machine=lathe, holder=camille, start=NOW, end=NOW + minutes(30))
    first_waits(lathe, camille)
    found = waiting_for(lathe, bo, NOW + minutes(1))
    finish_reservation(reservation=theirs, now=NOW + minutes(1))

    assert found is not None
    assert not second_came(found, bo, NOW + minutes(1))


SECOND: dict[str, tuple[object, str]] = {
    "not qualified": (
        lambda lathe, _bo: Machine.objects.filter(pk=lathe.pk).update(qualification=make_qualification()),
        "qualification_missing",
    ),
    "suspended": (lambda _lathe, bo: suspend(person=bo, start=NOW - minutes(1)), "suspended"),
    "locked meanwhile": (lambda lathe, _bo: make_outage(machine=lathe, start=NOW, kind="lock_out"), "safety_input"),
}


@pytest.mark.parametrize(("arrange", "code"), SECOND.values(), ids=SECOND)
def test_second_person_is_asked_what_a_reader_asks(lathe: Machine, camille: Person, bo: Person, arrange, code) -> None:
    first_waits(lathe, camille)
    arrange(lathe, bo)

    with pytest.raises(ReservationRefused) as refused:
        start_manual(Machine.objects.with_places().get(pk=lathe.pk), bo, NOW + minutes(1))

    assert [str(denial.code) for denial in refused.value.denials] == [code]
    assert not UsageSession.objects.exists()
    assert AccessSession.objects.get().state == "waiting_second"


def test_third_person_finds_it_in_use(lathe: Machine, camille: Person, bo: Person) -> None:
    first_waits(lathe, camille)
    start_manual(lathe, bo, NOW + minutes(1))

    with pytest.raises(WrongState) as refused:
        start_manual(lathe, make_person(), NOW + minutes(2))

    assert refused.value.code == "in_use"


def test_machine_with_a_device_is_begun_there(lathe: Machine, camille: Person) -> None:
    make_device("reader-1", lathe)

    with pytest.raises(WrongState) as refused:
        start_manual(lathe, camille, NOW)

    assert refused.value.code == "has_device"
    assert not AccessSession.objects.exists()
