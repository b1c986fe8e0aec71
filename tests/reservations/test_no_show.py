"""Nobody came: asked, answered, given to others, and only on evidence."""

import pytest

from people.models import Notice
from reservations import evidence
from reservations.errors import WrongState
from reservations.evidence import Use
from reservations.life import check_in, close_ended_reservations
from reservations.models import Status
from reservations.no_show import answer, ask_where_they_are, is_past, left_to_the_desk, release_no_shows
from tests.factories import at, make_machine, make_outage, make_person, minutes, reserve

pytestmark = pytest.mark.django_db

TEN, TWELVE = at("10:00"), at("12:00")


@pytest.fixture
def told(monkeypatch):
    """What the machine tells; changed by the test."""
    answers = {"use": Use.IDLE}
    monkeypatch.setattr(evidence, "_witnesses", [lambda machine, start, end: answers["use"]])
    return answers


@pytest.fixture
def booked(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    holder = make_person(contact_email="zoe@example.org")
    return reserve(machine=make_machine(), start=TEN, end=TWELVE, holder=holder)


def status_of(reservation):
    reservation.refresh_from_db()
    return reservation.status


def test_asked_after_five_minutes_once(booked):
    counts = [ask_where_they_are(TEN + minutes(m)) for m in (4, 5, 6)]

    assert counts == [0, 1, 0]
    assert Notice.objects.filter(kind="reservation_nobody_came").count() == 1


def test_given_to_others_after_fifteen_minutes(booked, told):
    ask_where_they_are(TEN + minutes(5))

    counts = [release_no_shows(TEN + minutes(m)) for m in (14, 15, 16)]

    assert counts == [0, 1, 0]
    assert status_of(booked) == Status.NO_SHOW
    assert reserve(machine=booked.machine, start=TEN + minutes(30), end=TWELVE, now=TEN + minutes(16)).pk


@pytest.mark.parametrize("use", [Use.USED, Use.UNKNOWN])
def test_silence_and_use_are_no_absence(booked, told, use):
    told["use"] = use
    ask_where_they_are(TEN + minutes(5))

    assert release_no_shows(TEN + minutes(30)) == 0
    booked.refresh_from_db()
    assert left_to_the_desk(TEN + minutes(30), [booked]) == [booked]


def test_broken_machine_suspends_the_rule(booked, told):
    ask_where_they_are(TEN + minutes(5))
    make_outage(machine=booked.machine, start=TEN)

    assert release_no_shows(TEN + minutes(30)) == 0


def test_person_whom_nothing_reaches_is_left_to_the_desk(told):
    unreached = reserve(machine=make_machine(), start=TEN, end=TWELVE, holder=make_person())
    ask_where_they_are(TEN + minutes(5))

    assert release_no_shows(TEN + minutes(30)) == 0
    assert status_of(unreached) == Status.CONFIRMED


def test_coming_gives_ten_more_minutes(booked, told):
    ask_where_they_are(TEN + minutes(5))
    answer(reservation=booked, by=booked.holder, now=TEN + minutes(12))

    counts = [release_no_shows(TEN + minutes(m)) for m in (21, 22)]

    assert counts == [0, 1]


def test_sweep_that_comes_late_still_leaves_time_to_answer(booked, told):
    ask_where_they_are(TEN + minutes(40))

    counts = [release_no_shows(TEN + minutes(m)) for m in (49, 50)]

    assert counts == [0, 1]


def test_without_any_sweep_the_end_judges_by_the_same_facts(booked, told):
    close_ended_reservations(now=TWELVE)

    assert status_of(booked) == Status.NO_SHOW


def test_where_nobody_knows_it_counts_as_used(booked):
    close_ended_reservations(now=TWELVE)

    assert status_of(booked) == Status.COMPLETED


def test_who_came_is_not_asked(booked, told):
    check_in(reservation=booked, now=TEN)

    assert ask_where_they_are(TEN + minutes(5)) == 0
    assert release_no_shows(TEN + minutes(30)) == 0


def test_machine_may_be_left_alone_by_the_rule(told):
    machine = make_machine()
    machine.category.no_show_min = None
    machine.category.save()
    booked = reserve(machine=machine, start=TEN, end=TWELVE, holder=make_person(contact_email="a@example.org"))
    ask_where_they_are(TEN + minutes(5))
    booked.refresh_from_db()

    assert not is_past(booked, TEN + minutes(60))
    assert release_no_shows(TEN + minutes(60)) == 0


def test_answer_after_the_end_is_too_late(booked):
    with pytest.raises(WrongState, match="not_open"):
        answer(reservation=booked, by=booked.holder, now=TWELVE)
