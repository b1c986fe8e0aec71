"""What somebody has of credits, and the ledger line by line with what ran out."""

import datetime as dt

import pytest

from reservations.credit_packs import archive_pack, create_pack, restore_pack, update_pack
from reservations.credit_selectors import ledger, lots_open_to
from reservations.credits import credits_left, give_credits
from reservations.services import cancel_reservation
from reservations.standing import standing_of
from tests.factories import NOW, at, make_category, make_machine, make_person, minutes, reserve

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def test_lab_without_credits_says_nothing_of_them():
    person = make_person()

    before = standing_of(person, NOW).credits
    give_credits(person=make_person(), amount=3, by=None, now=NOW)

    assert (before, standing_of(person, NOW).credits) == (None, 0)


def test_ledger_says_what_ran_out_and_agrees_with_the_balance():
    person, machine = make_person(), make_machine(category=make_category(credits_per_hour=2))
    give_credits(person=person, amount=5, by=None, now=NOW, days_valid=1)
    give_credits(person=person, amount=4, by=None, now=NOW + minutes(1))
    reserve(machine=machine, start=at("10:00"), end=at("11:00"), holder=person, now=NOW + minutes(2))
    later = NOW + 2 * DAY

    lines = ledger(person, later)

    assert [(line.amount, line.balance) for line in lines] == [(5, 5), (4, 9), (-2, 7), (-3, 4)]
    assert lines[-1].entry is None
    assert lines[-1].balance == credits_left(person, later) == standing_of(person, later).credits
    assert [lot.left for lot in lots_open_to(person, later)] == [4]


def test_what_comes_back_after_its_last_day_is_of_no_use():
    person, machine = make_person(), make_machine(category=make_category(credits_per_hour=2))
    give_credits(person=person, amount=5, by=None, now=NOW, days_valid=1)
    made = reserve(machine=machine, start=at("10:00"), end=at("11:00"), holder=person)
    later = NOW + 2 * DAY

    type(made).objects.filter(pk=made.pk).update(start=later + DAY, end=later + DAY + minutes(60))
    cancel_reservation(reservation=made, by=person, now=later)

    assert [(line.amount, line.balance) for line in ledger(person, later)] == [(5, 5), (-2, 3), (-3, 0), (2, 0)]
    assert credits_left(person, later) == 0


def test_pack_changes_and_what_was_handed_out_stays(by):
    pack = create_pack(name_fr="Dix", name_en="Ten", credits=10, days_valid=30, by=by, now=NOW)
    lot = give_credits(person=make_person(), amount=pack.credits, pack=pack, by=None, now=NOW)

    update_pack(pack=pack, credits=12, by=by, now=NOW)
    archive_pack(pack=pack, by=by, now=NOW)
    archive_pack(pack=pack, by=by, now=NOW + DAY)
    pack.refresh_from_db()
    lot.refresh_from_db()
    archived_at = pack.archived_at
    restore_pack(pack=pack, by=by, now=NOW)
    pack.refresh_from_db()

    assert (pack.credits, lot.left, archived_at, pack.archived_at) == (12, 10, NOW, None)
