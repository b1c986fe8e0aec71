"""The ledger of credits: taken, given back, never negative, never changed."""

import pytest
from django.db import IntegrityError, transaction

from people.errors import NotAllowed
from people.models import FileAccess, Role
from reservations.credits import correct_credits, credits_left, give_credits, ledger_differs
from reservations.errors import NotEnoughCredits, ReservationRefused
from reservations.models import CreditEntry, CreditLot, Deed
from reservations.rules_of_people import credits_for
from reservations.services import cancel_reservation, move_reservation
from tests.factories import NOW, at, make_category, make_machine, make_person, make_site, make_staff, minutes, reserve

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")


@pytest.fixture
def machine():
    return make_machine(category=make_category(credits_per_hour=2))


@pytest.fixture
def person():
    who = make_person()
    give_credits(person=who, amount=5, by=None, now=NOW)
    return who


@pytest.mark.parametrize(
    ("length_min", "per_hour", "credits"),
    [(500, 15, 125), (60, 2, 2), (61, 2, 3), (50, 6, 5), (1, 1, 1), (1, 60, 1)],
    ids=["8 h 20 exactly", "an hour", "one begun", "50 min exactly", "a minute", "a minute exactly"],
)
def test_credits_of_a_length_are_whole(length_min, per_hour, credits):
    assert credits_for(minutes(length_min), per_hour) == credits


def test_reservation_takes_its_credits(machine, person):
    made = reserve(machine=machine, start=TEN, end=TWELVE, holder=person)

    assert (made.credits, credits_left(person, NOW)) == (4, 1)
    assert ledger_differs() == []


def test_too_few_are_a_reason(machine, person):
    with pytest.raises(ReservationRefused, match="credit_exhausted"):
        reserve(machine=machine, start=TEN, end=at("13:00"), holder=person)

    assert credits_left(person, NOW) == 5


def test_cancelling_gives_them_back(machine, person):
    made = reserve(machine=machine, start=TEN, end=TWELVE, holder=person)

    cancel_reservation(reservation=made, by=person, now=NOW)

    assert credits_left(person, NOW) == 5
    assert [entry.amount for entry in CreditEntry.objects.order_by("id")] == [5, -4, 4]


def test_move_takes_or_gives_back_the_difference(machine, person):
    made = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    longer = move_reservation(reservation=made, start=TEN, end=TWELVE, by=person, now=NOW)
    left_then = credits_left(person, NOW)
    shorter = move_reservation(reservation=longer, start=TEN, end=ELEVEN, by=person, now=NOW)

    assert (longer.credits, left_then, shorter.credits, credits_left(person, NOW)) == (4, 1, 2, 3)


def test_what_expires_first_is_taken_first_and_expired_ones_do_not_count(machine):
    person = make_person()
    soon = give_credits(person=person, amount=1, by=None, now=NOW, days_valid=1)
    late = give_credits(person=person, amount=3, by=None, now=NOW, days_valid=30)

    reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    assert [lot.left for lot in CreditLot.objects.filter(pk__in=[soon.pk, late.pk]).order_by("pk")] == [0, 2]
    assert credits_left(person, at("2026-04-20 10:00")) == 0


def test_correction_says_why_and_never_goes_below_nothing(person):
    lot = CreditLot.objects.get()

    correct_credits(lot=lot, amount=-2, words="Paid twice", by=make_person(), now=NOW)

    with pytest.raises(ValueError, match="why"):
        correct_credits(lot=lot, amount=-1, words="", by=make_person(), now=NOW)
    with pytest.raises(NotEnoughCredits) as refused:
        correct_credits(lot=lot, amount=-4, words="Too much", by=make_person(), now=NOW)
    assert refused.value.left == 3
    with pytest.raises(IntegrityError, match="credits_are_not_negative"), transaction.atomic():
        CreditEntry.objects.create(lot=lot, amount=-4, why="corrected", at=NOW)
    assert credits_left(person, NOW) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda: CreditEntry.objects.update(amount=100),
        lambda: CreditEntry.objects.all().delete(),
        lambda: Deed.objects.update(kind="moved"),
        lambda: Deed.objects.all().delete(),
    ],
    ids=["a line changed", "a line removed", "a deed changed", "a deed removed"],
)
def test_ledger_and_history_are_only_added_to(machine, person, change):
    reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        change()


def test_words_about_somebody_erased_may_go(person):
    give_credits(person=person, amount=1, by=None, now=NOW, words="For Zoé's poster")

    CreditEntry.objects.update(words="")

    assert ledger_differs() == []


THURSDAY = {"start": at("2026-03-12 10:00"), "end": at("2026-03-12 11:00")}


def test_move_beyond_the_end_of_its_credits_takes_later_ones(machine):
    person = make_person()
    soon = give_credits(person=person, amount=2, by=None, now=NOW, days_valid=1)
    late = give_credits(person=person, amount=2, by=None, now=NOW)
    made = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    moved = move_reservation(reservation=made, by=person, now=NOW, **THURSDAY)

    assert moved.credits == 2
    assert [lot.left for lot in CreditLot.objects.filter(pk__in=[soon.pk, late.pk]).order_by("pk")] == [2, 0]
    assert ledger_differs() == []


def test_move_beyond_the_end_of_all_credits_is_refused_and_changes_nothing(machine):
    person = make_person()
    give_credits(person=person, amount=4, by=None, now=NOW, days_valid=1)
    made = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    with pytest.raises(ReservationRefused, match="credit_exhausted"):
        move_reservation(reservation=made, by=person, now=NOW, **THURSDAY)

    made.refresh_from_db()
    assert (made.start, made.credits, credits_left(person, NOW)) == (TEN, 2, 2)


def test_move_within_the_life_of_its_credits_moves_none(machine, person):
    made = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)

    move_reservation(reservation=made, by=person, now=NOW, **THURSDAY)

    assert [entry.amount for entry in CreditEntry.objects.order_by("id")] == [5, -2]


def test_nobody_of_the_team_but_a_manager_gives_to_themselves():
    site = make_site()
    mediator, manager = make_staff(site=site, role=Role.MEDIATOR), make_staff(site=site, role=Role.FAB_MANAGER)

    with pytest.raises(NotAllowed) as given:
        give_credits(person=mediator, amount=1, by=mediator, now=NOW)
    lot = give_credits(person=mediator, amount=1, by=manager, now=NOW)
    with pytest.raises(NotAllowed) as corrected:
        correct_credits(lot=lot, amount=5, words="For me", by=mediator, now=NOW)
    give_credits(person=manager, amount=1, by=manager, now=NOW)

    assert {given.value.code, corrected.value.code} == {"own_credits"}
    assert [credits_left(who, NOW) for who in (mediator, manager)] == [1, 1]
    assert list(FileAccess.objects.values_list("person", "by", "deed")) == [(mediator.pk, manager.pk, "changed")]
