"""The machine still runs when the next one comes: both are told, once, and a free twin is named."""

import pytest

from people.models import Notice
from reservations import evidence
from reservations.evidence import Use
from reservations.life import check_in, finish_reservation
from reservations.overruns import warn_of_overruns
from tests.factories import at, make_category, make_machine, make_person, make_site, minutes, reserve

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")


@pytest.fixture
def told(monkeypatch):
    answers = {"use": Use.USED}
    monkeypatch.setattr(evidence, "_witnesses", [lambda machine, start, end: answers["use"]])
    return answers


@pytest.fixture
def machine():
    return make_machine(site=make_site(), category=make_category(), name="Laser 1")


@pytest.fixture
def both(machine):
    first = reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())
    check_in(reservation=first, now=TEN)
    return first, reserve(machine=machine, start=ELEVEN, end=TWELVE, holder=make_person())


def kinds_told(person):
    return [notice.kind for notice in Notice.objects.filter(person=person, key__startswith="overrun")]


def test_both_are_told_once_when_the_time_of_the_first_is_over(both, told):
    first, second = both

    counts = [warn_of_overruns(ELEVEN + minutes(m)) for m in (-1, 0, 1)]

    assert counts == [0, 1, 0]
    assert kinds_told(second.holder) == ["machine_still_busy"]
    assert kinds_told(first.holder) == ["somebody_waits_for_you"]


def test_free_twin_is_named(both, told, machine):
    twin = make_machine(site=machine.site, category=machine.category, name="Laser 2")

    warn_of_overruns(ELEVEN)

    notice = Notice.objects.get(kind="machine_still_busy_twin")
    assert (notice.person, notice.params["twin"]) == (both[1].holder, twin.name)


@pytest.mark.parametrize("use", [Use.IDLE, Use.UNKNOWN])
def test_machine_that_stands_still_or_says_nothing_warns_nobody(both, told, use):
    told["use"] = use

    assert warn_of_overruns(ELEVEN + minutes(1)) == 0


def test_one_who_finished_early_is_not_warned(both, told):
    finish_reservation(reservation=both[0], now=at("10:59"))

    assert warn_of_overruns(ELEVEN) == 0


def test_own_next_reservation_is_no_overrun(machine, told):
    person = make_person()
    first = reserve(machine=machine, start=TEN, end=ELEVEN, holder=person)
    check_in(reservation=first, now=TEN)
    reserve(machine=machine, start=ELEVEN, end=TWELVE, holder=person)

    assert warn_of_overruns(ELEVEN + minutes(1)) == 0
