"""What is done with a reservation reaches the laptop or computer that it is of; nothing else is switched from afar."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from iot.access.sessions import energise, open_access, sweep_access
from iot.models import AccessSession, Device, DeviceCommand, DriverKind, MachineAccess
from iot.orders import Kind, order, take_to_send
from iot.seats import sweep_seats
from machines.models import Category, Machine
from people.models import Person
from reservations.desk import end_seat, extend, start_seat
from reservations.group import reserve_group
from reservations.life import check_in, close_ended_reservations, finish_reservation
from reservations.loans import hand_over
from reservations.models import Condition, Reservation, Status
from reservations.services import cancel_reservation, move_reservation
from tests.factories import NOW, make_machine, make_outage, make_person, make_staff, make_team, minutes, reserve
from tests.iot.builders import NOW as TALK_BEGINS
from tests.iot.builders import Talker, make_device, store
from tests.iot.readers import tap, with_badge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Does = Callable[..., Any]
SEAT = ["seat", "badge"]
RELAY = ["relay", "badge", "button", "display"]
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def seat(lathe: Machine) -> Machine:
    Category.objects.filter(pk=lathe.category_id).update(is_seat=True)
    return Machine.objects.with_places().get(pk=lathe.pk)


@pytest.fixture
def agent(seat: Machine) -> Device:
    return make_device("pc-1", seat, is_online=True, last_seen_at=NOW, capabilities=SEAT)


@pytest.fixture
def mo(lathe: Machine) -> Person:
    return make_staff(site=lathe.site, first_name="Mo")


@pytest.fixture
def does(django_capture_on_commit_callbacks: Any) -> Does:
    """Calls a service as a request does: what waits for the commit happens after it."""

    def call(service: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return service(*args, **named)

    return call


@pytest.fixture
def sat(does: Does, agent: Device, seat: Machine, mo: Person) -> Reservation:
    """Camille has the seat for an hour, given at the desk."""
    camille = make_person(first_name="Camille")
    return does(start_seat, machine=seat, length=HOUR, holder=camille, by=mo, now=NOW)


def told() -> list[tuple[str, Any]]:
    rows = DeviceCommand.objects.order_by("pk").values_list("kind", "data")
    return [(kind, data.get("most_s", data.get("reason"))) for kind, data in rows]


def says(leaf: str, data: dict[str, Any], at: dt.datetime) -> None:
    """The agent's message, sent and received then."""
    booted_s, at_s = ((each - TALK_BEGINS).total_seconds() for each in (NOW, at))
    store(Talker("pc-1", booted_s=booted_s).say(leaf, data, at_s))


def session() -> AccessSession:
    return AccessSession.objects.get()


def test_seat_started_at_the_desk_is_opened_until_its_end(agent: Device, sat: Reservation) -> None:
    one, opened = DeviceCommand.objects.get(), session()

    assert (one.device, one.kind, one.by) == (agent, Kind.ENABLE, None)
    assert one.data == {"session_id": opened.reference, "most_s": 3600, "warn_s": 300}
    assert one.expires_at == sat.end == opened.until
    assert (opened.person, opened.reservation, opened.device) == (sat.holder, sat, agent)


def test_check_in_on_ones_own_phone_opens_the_seat(does: Does, agent: Device, seat: Machine) -> None:
    ana = make_person()
    booked = reserve(machine=seat, holder=ana, start=NOW, end=NOW + minutes(60))

    does(check_in, reservation=booked, by=ana, now=NOW + minutes(5))
    does(check_in, reservation=booked, by=ana, now=NOW + minutes(6))

    assert (session().person, told()) == (ana, [("enable", 55 * 60)])


def test_seat_that_is_extended_hears_of_the_new_end(does: Does, sat: Reservation, mo: Person) -> None:
    longer = does(extend, reservation=sat, by=mo, now=NOW + minutes(50), length=minutes(30))

    assert (longer.end, session().until) == (NOW + minutes(90), NOW + minutes(90))
    assert told() == [("enable", 3600), ("enable", 40 * 60)]
    assert len(set(DeviceCommand.objects.values_list("data__session_id", flat=True))) == 1


def test_seat_that_is_shortened_hears_of_the_new_end(does: Does, sat: Reservation, mo: Person) -> None:
    does(move_reservation, reservation=sat, start=NOW, end=NOW + minutes(30), by=mo, now=NOW + minutes(10))

    assert told()[1:] == [("enable", 20 * 60)]


ENDS = {"at the desk": (end_seat, 20), "early": (finish_reservation, 20), "before it began": (finish_reservation, 0)}


@pytest.mark.parametrize(("service", "after_min"), ENDS.values(), ids=ENDS)
def test_seat_that_is_ended_is_locked(does: Does, sat: Reservation, mo: Person, service: Does, after_min: int) -> None:
    does(service, reservation=sat, by=mo, now=NOW + minutes(after_min))

    one = DeviceCommand.objects.latest("pk")
    off = {"when_idle": True, "reason": "normal", "session_id": session().reference}
    assert (one.kind, one.data) == (Kind.DISABLE, off)
    assert session().ended_at == NOW + minutes(after_min)


def test_seat_whose_time_is_over_is_locked_by_the_sweep(does: Does, sat: Reservation) -> None:
    does(close_ended_reservations, now=NOW + minutes(61))

    assert told()[1:] == [("disable", "booking_end")]
    assert (session().ended_at, session().stop_reason) == (sat.end, "booking_end")


def test_seat_that_locked_itself_at_its_end_hears_nothing_more(does: Does, sat: Reservation) -> None:
    over = {"event": "stop", "reason": "booking_end", "session_id": session().reference}
    does(says, "event", over, sat.end)

    does(close_ended_reservations, now=NOW + minutes(61))

    assert (session().stop_reason, len(told())) == ("booking_end", 1)


def test_reservation_cancelled_or_moved_before_it_began_tells_nobody(does: Does, agent: Device, seat: Machine) -> None:
    ana = make_person()
    first = reserve(machine=seat, holder=ana, start=NOW + minutes(60), end=NOW + minutes(120))

    does(move_reservation, reservation=first, start=NOW + minutes(90), end=NOW + minutes(150), by=ana, now=NOW)
    does(cancel_reservation, reservation=first, by=ana, now=NOW)

    assert (told(), AccessSession.objects.exists()) == ([], False)


def test_every_computer_of_a_workshop_is_opened_and_locked(
    does: Does, agent: Device, seat: Machine, mo: Person
) -> None:
    other = make_machine(site=seat.site, category=seat.category)
    make_device("pc-2", other, capabilities=SEAT)
    when = {"start": NOW, "end": NOW + minutes(60), "now": NOW}
    held = reserve_group(site=seat.site, units=[seat.unit, other.unit], title="First steps", by=mo, **when)

    does(check_in, reservation=held, by=mo, now=NOW)
    does(finish_reservation, reservation=held, by=mo, now=NOW + minutes(30))

    assert sorted(told()) == [("disable", "normal")] * 2 + [("enable", 3600)] * 2
    assert not AccessSession.objects.filter(ended_at=None).exists()


# --- who is not told ----------------------------------------------------------------------------------------------

NOBODY = {
    "a relay": {"capabilities": RELAY},
    "nothing said yet": {"capabilities": []},
    "shut out": {"capabilities": SEAT, "revoked_at": NOW},
    "a plug": {"kind": DriverKind.TASMOTA, "topic": "plug-04"},
}


@pytest.mark.parametrize("fields", NOBODY.values(), ids=NOBODY)
def test_nothing_else_is_switched_from_afar(does: Does, seat: Machine, mo: Person, fields: dict[str, Any]) -> None:
    make_device("other", seat, is_online=True, last_seen_at=NOW, **fields)

    made = does(start_seat, machine=seat, length=HOUR, holder=None, by=mo, now=NOW)
    does(extend, reservation=made, by=mo, now=NOW, length=minutes(30))
    does(sweep_seats, now=NOW + minutes(1))
    does(end_seat, reservation=made, by=mo, now=NOW + minutes(2))

    assert (told(), AccessSession.objects.exists()) == ([], False)


@pytest.mark.parametrize("asked", [{"needs_button": True}, {"needs_two_people": True}], ids=str)
def test_seat_that_wants_somebody_beside_it_is_not_opened_from_afar(
    does: Does, agent: Device, seat: Machine, mo: Person, asked: dict[str, bool]
) -> None:
    MachineAccess.objects.create(machine=seat, **asked)

    does(start_seat, machine=seat, length=HOUR, holder=None, by=mo, now=NOW)

    assert told() == []


def test_machine_that_can_hurt_is_not_opened_from_afar(does: Does, agent: Device, seat: Machine, mo: Person) -> None:
    Machine.objects.filter(pk=seat.pk).update(risk_level=1)
    seat.refresh_from_db()

    does(start_seat, machine=seat, length=HOUR, holder=make_person(), by=mo, now=NOW)

    assert (Reservation.objects.get().status, told()) == (Status.IN_USE, [])


def test_laptop_that_leaves_the_place_is_told_nothing(does: Does, agent: Device, seat: Machine, mo: Person) -> None:
    Category.objects.filter(pk=seat.category_id).update(is_seat=False, is_lent=True)
    laptop = Machine.objects.with_places().get(pk=seat.pk)
    borrowed = reserve(machine=laptop, holder=make_person(), start=NOW, end=NOW + minutes(120))

    does(hand_over, reservation=borrowed, conditions={laptop.pk: Condition.GOOD}, by=mo, now=NOW)
    does(sweep_seats, now=NOW + minutes(1))

    borrowed.refresh_from_db()
    assert (borrowed.status, told()) == (Status.IN_USE, [])


def test_seat_that_the_team_locked_stays_locked_until_it_is_lifted(
    does: Does, agent: Device, seat: Machine, mo: Person
) -> None:
    does(order, device=agent, kind=Kind.LOCK, by=mo, now=NOW - minutes(5))
    does(start_seat, machine=seat, length=HOUR, holder=None, by=mo, now=NOW)
    does(sweep_seats, now=NOW + minutes(1))
    while_locked = told()

    does(order, device=agent, kind=Kind.ENABLE, by=mo, now=NOW + minutes(2))
    does(sweep_seats, now=NOW + minutes(3))

    assert while_locked == [("lock", None)]
    assert told()[1:] == [("enable", None), ("enable", 57 * 60)]


def test_machine_that_was_stopped_for_safety_is_not_opened(does: Does, agent: Device, seat: Machine) -> None:
    ana = make_person()
    booked = reserve(machine=seat, holder=ana, start=NOW, end=NOW + minutes(60))
    make_outage(machine=seat, start=NOW, kind="lock_out")

    does(check_in, reservation=booked, by=ana, now=NOW + minutes(1))

    assert told() == []


# --- beside badges ------------------------------------------------------------------------------------------------


def test_badge_at_a_seat_opens_it_once_and_no_order_says_it_again(does: Does, agent: Device) -> None:
    camille = with_badge()

    assert does(tap, agent).session_id == session().reference
    assert (session().person, session().until, told()) == (camille, NOW + minutes(60), [])


def test_badge_of_who_reserved_opens_it_once(does: Does, agent: Device, seat: Machine) -> None:
    camille = with_badge()
    reserve(machine=seat, holder=camille, start=NOW, end=NOW + minutes(60))

    does(tap, agent, at=NOW + SECOND)
    does(sweep_seats, now=NOW + 2 * SECOND)

    assert (session().person, told()) == (camille, [])


def test_badge_of_the_team_is_whose_session_it_is(does: Does, agent: Device, seat: Machine) -> None:
    ana, ben = make_person(), with_badge()
    team = make_team(site=seat.site, members=[ana, ben])
    reserve(machine=seat, holder=ana, team=team, start=NOW, end=NOW + minutes(60))

    assert does(tap, agent).is_allowed

    assert (session().person, session().ended_at, told()) == (ben, None, [])


def test_badge_near_the_end_is_answered_and_no_order_says_it_again(does: Does, agent: Device) -> None:
    with_badge()
    does(tap, agent)

    decision = does(tap, agent, at=NOW + minutes(57))

    assert (decision.most_s, session().until, told()) == (33 * 60, NOW + minutes(90), [])


def test_badge_that_leaves_ends_it_once(does: Does, agent: Device) -> None:
    with_badge()
    does(tap, agent)
    energise(session(), at=NOW, now=NOW)

    decision = does(tap, agent, at=NOW + minutes(20))

    assert (decision.is_allowed, decision.most_s, told()) == (True, 0, [])
    assert (session().stop_reason, Reservation.objects.get().status) == ("normal", Status.COMPLETED)


# --- what is found later ------------------------------------------------------------------------------------------


def test_computer_that_is_off_is_given_what_is_left_when_it_is_back(does: Does, sat: Reservation) -> None:
    Device.objects.update(is_online=False)

    does(sweep_seats, now=NOW + minutes(10))

    assert [row.data["most_s"] for row in take_to_send(now=NOW + minutes(10))] == [50 * 60]
    assert told() == [("enable", 50 * 60)]


def test_computer_that_is_off_while_it_ends_is_locked_when_it_is_back(does: Does, sat: Reservation, mo: Person) -> None:
    Device.objects.update(is_online=False)
    does(end_seat, reservation=sat, by=mo, now=NOW + minutes(20))

    sent = take_to_send(now=NOW + minutes(300))

    assert [(row.kind, row.data["reason"]) for row in sent] == [("disable", "normal")]


def test_who_checks_in_early_waits_for_the_one_before(does: Does, seat: Machine, sat: Reservation, mo: Person) -> None:
    ben = make_person()
    coming = reserve(machine=seat, holder=ben, start=NOW + minutes(60), end=NOW + minutes(120))
    does(check_in, reservation=coming, by=ben, now=NOW + minutes(55))
    waiting = told()

    does(end_seat, reservation=sat, by=mo, now=NOW + minutes(57))
    does(sweep_seats, now=NOW + minutes(58))

    assert waiting == [("enable", 3600)]
    assert told()[1:] == [("disable", "normal"), ("enable", 62 * 60)]
    assert open_access(seat.pk).person == ben


def test_seat_that_still_has_somebody_is_freed_and_asked_again(does: Does, sat: Reservation) -> None:
    refused = {"command_id": DeviceCommand.objects.get().reference, "is_done": False, "reason": "busy"}
    does(says, "ack", refused, NOW + SECOND)

    for after in (1, 2):
        does(sweep_seats, now=NOW + minutes(after))

    assert told()[1:] == [("disable", "takeover"), ("enable", 58 * 60)]


def test_seat_that_refuses_is_not_asked_for_ever(does: Does, sat: Reservation) -> None:
    for after in range(1, 20):
        DeviceCommand.objects.filter(answered_at=None).update(answered_at=NOW, is_done=False, answer="not_configured")
        does(sweep_seats, now=NOW + minutes(after))

    assert len(told()) == 5


def test_seat_lengthened_just_after_its_end_opens_again(does: Does, sat: Reservation, mo: Person) -> None:
    AccessSession.objects.update(ended_at=NOW + minutes(55), stop_reason="booking_end", state="ended")

    does(extend, reservation=sat, by=mo, now=NOW + minutes(59), length=minutes(30))

    assert told()[1:] == [("enable", 31 * 60)]


def test_device_attached_while_somebody_sits_there_is_told_at_the_next_look(
    does: Does, seat: Machine, mo: Person
) -> None:
    does(start_seat, machine=seat, length=HOUR, holder=None, by=mo, now=NOW)
    make_device("pc-1", seat, capabilities=SEAT)

    for after in (5, 6):
        does(sweep_seats, now=NOW + minutes(after))

    assert (told(), session().until) == ([("enable", 54 * 60)], NOW + minutes(60))


def test_ticket_without_a_name_that_comes_next_is_let_in_and_out(
    does: Does, seat: Machine, sat: Reservation, mo: Person
) -> None:
    does(end_seat, reservation=sat, by=mo, now=NOW + minutes(5))
    second = does(start_seat, machine=seat, length=HOUR, holder=None, by=mo, now=NOW + minutes(5.2))
    does(end_seat, reservation=second, by=mo, now=NOW + minutes(6))

    assert [kind for kind, _what in told()] == ["enable", "disable", "enable", "disable"]
    assert AccessSession.objects.get(reservation=second).person is None
    assert does(sweep_access, now=NOW + minutes(7)) == 0


def test_seat_that_never_says_that_somebody_works_is_not_idle(does: Does, seat: Machine, sat: Reservation) -> None:
    MachineAccess.objects.create(machine=seat, idle_off_after=minutes(10))
    does(says, "event", {"event": "energised", "session_id": session().reference}, NOW + SECOND)

    does(sweep_access, now=NOW + minutes(30))

    assert (told(), session().ended_at) == ([("enable", 3600)], None)


def test_sweep_without_seats_asks_once(reader: Device, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        sweep_seats(now=NOW)
