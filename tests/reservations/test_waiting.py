"""The waiting list: in order, an offer that runs out, and nobody slips in between."""

import datetime as dt

import pytest

from machines.parts import set_parts
from reservations.errors import ReservationRefused, WrongState
from reservations.group import reserve_group
from reservations.messages import STATE_WORDS
from reservations.models import Deed, Reservation, Status, WaitingEntry
from reservations.services import cancel_reservation
from reservations.waiting import (
    MOST_PLACES,
    accept_offer,
    decline_offer,
    join_waiting,
    leave_waiting,
    runs_out_at,
    sweep_waiting,
)
from tests.factories import (
    NOW,
    at,
    make_category,
    make_machine,
    make_person,
    make_site,
    make_staff,
    minutes,
    reserve,
    suspend,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("10:00"), at("11:00")
State = WaitingEntry.State


@pytest.fixture
def machine():
    return make_machine()


@pytest.fixture
def taken(machine):
    return reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())


def wait(machine, start=TEN, end=ELEVEN, now=NOW, **fields):
    person = make_person()
    return join_waiting(machine=machine, person=person, start=start, end=end, by=person, now=now, **fields)


def give_back(reservation, callbacks, now=NOW):
    with callbacks(execute=True):
        cancel_reservation(reservation=reservation, by=reservation.holder, now=now)


def test_first_in_line_gets_the_time_as_an_offer(machine, taken, django_capture_on_commit_callbacks):
    first, second = wait(machine), wait(machine)

    give_back(taken, django_capture_on_commit_callbacks)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (State.OFFERED, State.WAITING)
    assert (first.offer.status, first.offer.holder, first.offer.expires_at) == (
        Status.HELD, first.person, NOW + minutes(15),
    )  # fmt: skip


def test_yes_in_time_makes_it_theirs(machine, taken, django_capture_on_commit_callbacks):
    entry = wait(machine)
    give_back(taken, django_capture_on_commit_callbacks)
    entry.refresh_from_db()

    done = accept_offer(reservation=entry.offer, by=entry.person, now=NOW + minutes(14))

    entry.refresh_from_db()
    assert (done.status, done.expires_at, entry.state) == (Status.CONFIRMED, None, State.TAKEN)
    assert [deed.kind for deed in Deed.objects.filter(reservation=done).order_by("id")] == ["offered", "accepted"]
    assert accept_offer(reservation=done, by=entry.person, now=NOW + minutes(20)).status == Status.CONFIRMED


def test_offer_that_ran_out_goes_to_the_next_also_when_no_sweep_came(
    machine, taken, django_capture_on_commit_callbacks
):
    first, second = wait(machine), wait(machine)
    give_back(taken, django_capture_on_commit_callbacks)
    first.refresh_from_db()
    late = NOW + minutes(15)

    with pytest.raises(WrongState, match="offer_is_over"):
        accept_offer(reservation=first.offer, by=first.person, now=late)
    # Somebody who has not waited asks before any sweep: the one who waits is served first.
    with pytest.raises(ReservationRefused):
        reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person(), now=late)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.offer.status, first.state, second.state) == (Status.EXPIRED, State.LEFT, State.OFFERED)


def test_no_gives_it_to_the_next(machine, taken, django_capture_on_commit_callbacks):
    first, second = wait(machine), wait(machine)
    give_back(taken, django_capture_on_commit_callbacks)
    first.refresh_from_db()

    decline_offer(reservation=first.offer, by=first.person, now=NOW)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (State.LEFT, State.OFFERED)


def test_nobody_slips_in_before_those_who_wait(machine, taken):
    entry = wait(machine)
    # Given back where nothing after the commit came to run.
    Reservation.objects.filter(pk=taken.pk).update(status=Status.CANCELLED, cancelled_at=NOW)

    with pytest.raises(ReservationRefused):
        reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())

    entry.refresh_from_db()
    assert entry.state == State.OFFERED


def test_first_in_line_may_simply_reserve(machine, taken):
    entry = wait(machine)
    Reservation.objects.filter(pk=taken.pk).update(status=Status.CANCELLED, cancelled_at=NOW)

    made = reserve(machine=machine, start=TEN, end=ELEVEN, holder=entry.person)

    entry.refresh_from_db()
    assert (made.status, entry.state) == (Status.CONFIRMED, State.TAKEN)


def test_accepting_at_once_needs_no_answer(machine, taken, django_capture_on_commit_callbacks):
    entry = wait(machine, accepts_at_once=True)

    give_back(taken, django_capture_on_commit_callbacks)

    entry.refresh_from_db()
    assert (entry.state, entry.offer.status) == (State.TAKEN, Status.CONFIRMED)


def test_who_may_not_any_more_keeps_the_place_and_the_next_is_served(
    machine, taken, django_capture_on_commit_callbacks
):
    first, second = wait(machine), wait(machine)
    suspend(person=first.person)

    give_back(taken, django_capture_on_commit_callbacks)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (State.WAITING, State.OFFERED)


def test_only_told_keeps_nothing(machine, taken, django_capture_on_commit_callbacks):
    entry = wait(machine, is_notice_only=True)

    give_back(taken, django_capture_on_commit_callbacks)

    entry.refresh_from_db()
    assert (entry.state, entry.offer) == (State.TOLD, None)
    assert [notice.kind for notice in entry.person.notices.all()] == ["waiting_free"]


def test_twin_of_the_model_will_do(django_capture_on_commit_callbacks):
    site, category = make_site(), make_category()
    one, two = (make_machine(site=site, category=category, model_name="Prusa MK4") for _ in range(2))
    reserve(machine=one, start=TEN, end=ELEVEN, holder=make_person())
    other = reserve(machine=two, start=TEN, end=ELEVEN, holder=make_person())
    entry = wait(one, any_of_model=True)

    give_back(other, django_capture_on_commit_callbacks)

    entry.refresh_from_db()
    assert (entry.state, entry.offer.machine) == (State.OFFERED, two)


def test_past_time_is_never_offered(machine, taken):
    entry = wait(machine)
    Reservation.objects.filter(pk=taken.pk).update(status=Status.CANCELLED, cancelled_at=NOW)

    sweep_waiting(TEN)

    entry.refresh_from_db()
    assert (entry.state, entry.offer) == (State.PASSED, None)


def test_sweep_that_comes_late_or_twice_serves_each_once(machine, taken):
    for _ in range(2):
        wait(machine)
    Reservation.objects.filter(pk=taken.pk).update(status=Status.CANCELLED, cancelled_at=NOW)

    counts = [sweep_waiting(NOW + minutes(5)), sweep_waiting(NOW + minutes(5))]

    assert counts == [1, 0]
    assert Reservation.objects.filter(status=Status.HELD).count() == 1


def test_waiting_for_what_is_over_or_backwards_is_refused(machine):
    with pytest.raises(WrongState, match="time_is_over"):
        wait(machine, now=TEN)
    with pytest.raises(WrongState, match="ends_before_it_starts"):
        wait(machine, start=ELEVEN, end=TEN)


def test_joining_twice_is_once_and_leaving_ends_it(machine, taken):
    entry = wait(machine)

    again = join_waiting(machine=machine, person=entry.person, start=TEN, end=ELEVEN, by=entry.person, now=NOW)
    left = leave_waiting(entry=entry, by=entry.person, now=NOW)

    assert (again, left.state) == (entry, State.LEFT)


def again(entry, start, end, machine=None, **fields):
    """The same person asks for another place."""
    return join_waiting(
        machine=machine or entry.machine, person=entry.person, start=start, end=end, by=entry.person, now=NOW, **fields
    )


def test_nobody_has_two_places_for_the_same_time(machine, taken):
    entry = wait(machine)

    with pytest.raises(WrongState, match="waits_already"):
        again(entry, TEN + minutes(1), ELEVEN + minutes(1))
    after, other = again(entry, ELEVEN, at("12:00")), again(entry, TEN, ELEVEN, make_machine())
    leave_waiting(entry=entry, by=entry.person, now=NOW)
    anew = again(entry, TEN - minutes(15), ELEVEN)

    assert {row.state for row in (after, other, anew)} == {State.WAITING}


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [(True, False, True), (False, True, True), (False, False, False)],
    ids=["any will do already", "any would do now", "this one and that one"],
)
def test_place_for_any_of_a_model_is_one_for_each_of_them(first, second, is_refused):
    site, category = make_site(), make_category()
    one, two = (make_machine(site=site, category=category, model_name="Prusa MK4") for _ in range(2))
    entry = wait(one, any_of_model=first)

    if is_refused:
        with pytest.raises(WrongState, match="waits_already"):
            again(entry, TEN, ELEVEN, two, any_of_model=second)
    else:
        assert again(entry, TEN, ELEVEN, two, any_of_model=second).state == State.WAITING


def test_twenty_places_are_enough_for_one_person(machine):
    entry = wait(machine)
    hour = minutes(60)
    for n in range(1, MOST_PLACES):
        again(entry, TEN + n * hour, ELEVEN + n * hour)

    with pytest.raises(WrongState, match="waits_enough"):
        again(entry, TEN + 48 * hour, ELEVEN + 48 * hour)
    # Joining the same place once more is no new one, and another person has their own.
    assert again(entry, TEN, ELEVEN) == entry
    assert wait(machine).pk


def test_nobody_waits_for_longer_than_two_months(machine):
    with pytest.raises(WrongState, match="waits_too_long"):
        wait(machine, end=TEN + dt.timedelta(days=62, minutes=1))

    assert wait(machine, end=TEN + dt.timedelta(days=62)).pk


def test_refused_places_say_what_to_do(in_english):
    for code in ("waits_already", "waits_enough", "waits_too_long"):
        assert str(STATE_WORDS[code]).endswith((" first.", " time."))


@pytest.mark.parametrize(("ahead_min", "lasts_min"), [(24 * 60, 15), (30, 15), (20, 10), (2, 1)])
def test_offer_lasts_a_quarter_of_an_hour_and_less_near_the_start(ahead_min, lasts_min):
    assert runs_out_at(NOW + minutes(ahead_min), NOW) == NOW + minutes(lasts_min)


def test_a_whole_is_not_taken_before_those_who_wait_for_its_part() -> None:
    site = make_site()
    room, loom = make_machine(site=site, name="Room"), make_machine(site=site, name="Loom")
    set_parts(whole=room.unit, exclusive=[loom.unit], shared=[])
    waits, quick = make_person(), make_person()
    join_waiting(machine=loom, person=waits, start=at("14:00"), end=at("15:00"), by=waits, now=NOW)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=room, start=at("14:00"), end=at("16:00"), holder=quick)

    assert [denial.code for denial in refused.value.denials] == ["taken"]
    assert WaitingEntry.objects.get().state == WaitingEntry.State.OFFERED


def test_a_part_is_not_taken_before_those_who_wait_for_the_whole() -> None:
    site = make_site()
    room, loom = make_machine(site=site, name="Room"), make_machine(site=site, name="Loom")
    set_parts(whole=room.unit, exclusive=[loom.unit], shared=[])
    waits, quick = make_person(), make_person()
    join_waiting(machine=room, person=waits, start=at("14:00"), end=at("15:00"), by=waits, now=NOW)

    with pytest.raises(ReservationRefused):
        reserve(machine=loom, start=at("14:00"), end=at("15:00"), holder=quick)

    assert WaitingEntry.objects.get().state == WaitingEntry.State.OFFERED


def test_group_does_not_slip_in_before_those_who_wait() -> None:
    loom = make_machine(site=make_site(), name="Loom")
    waits = make_person()
    join_waiting(machine=loom, person=waits, start=at("14:00"), end=at("15:00"), by=waits, now=NOW)

    with pytest.raises(ReservationRefused):
        reserve_group(
            site=loom.site, units=[loom.unit], title="Visit", start=at("13:00"), end=at("16:00"),
            by=make_staff(site=loom.site), now=NOW,
        )  # fmt: skip

    assert WaitingEntry.objects.get().state == WaitingEntry.State.OFFERED
