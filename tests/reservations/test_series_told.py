"""A series is one word to each of those whom it concerns, whatever the number of its dates."""

import pytest

from people.models import Notice, Role
from reservations import series_answers
from reservations.errors import WrongState
from reservations.life import approve
from reservations.models import Origin, Reservation
from reservations.series import Scope, cancel_dates, move_dates, reserve_dates
from reservations.series_answers import answer_dates
from reservations.services import cancel_reservation, move_reservation
from reservations.wishes import Wish
from tests.factories import (
    NOW,
    at,
    make_category,
    make_machine,
    make_person,
    make_site,
    make_staff,
    make_team,
    minutes,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

WEEKLY = "FREQ=WEEKLY;COUNT=3"
FIRST, UNTIL = at("2026-03-17 14:00"), at("2026-03-17 16:00")


class Lab:
    """Ana reserves three Tuesdays for her team, with Bo."""

    def __init__(self, **category):
        self.site = make_site()
        self.ana, self.bo = (make_person(first_name=name) for name in ("Ana", "Bo"))
        team = make_team(site=self.site, members=[self.ana, self.bo])
        machine = make_machine(site=self.site, category=make_category(**category))
        self.staff = make_staff(site=self.site, role=Role.FAB_MANAGER)
        wish = Wish(machine, FIRST, UNTIL, self.ana, self.ana, team=team, companions=[self.bo])
        self.dates = reserve_dates(wish, WEEKLY, NOW, is_skipping=False).made

    def answer(self, *, is_yes):
        decision = "" if is_yes else "The extractor is away"
        return answer_dates(reservation=self.dates[0], is_yes=is_yes, by=self.staff, now=NOW, decision=decision)


def told(person):
    """What they read, but for reminders."""
    rows = Notice.objects.filter(person=person).exclude(kind__startswith="reminder").exclude(kind__endswith="reminder")
    return [(row.kind, row.words) for row in rows.order_by("pk")]


def kinds(person):
    return [kind for kind, _ in told(person)]


@pytest.fixture
def asked():
    return Lab(needs_approval=True)


def test_yes_to_many_dates_is_one_word(asked):
    asked.answer(is_yes=True)

    ((kind, words),) = told(asked.ana)
    assert kind == "series_approved"
    assert [day in words for day in ("17 March", "24 March", "31 March")] == [True] * 3
    assert kinds(asked.bo) == ["taking_part_series"]


def test_no_to_many_dates_is_one_word_with_its_reason(asked):
    asked.answer(is_yes=False)

    ((kind, words),) = told(asked.ana)
    assert kind == "series_refused"
    assert words.endswith("They wrote: The extractor is away.")
    assert kinds(asked.bo) == [], "who never heard of a request hears nothing of its end"


def test_team_member_hears_once_of_what_becomes_of_many_dates():
    lab = Lab()
    later = {"start": at("2026-03-17 15:00"), "end": at("2026-03-17 17:00"), "now": NOW}

    move_dates(reservation=lab.dates[0], scope=Scope.ALL, by=lab.ana, **later)
    # One alone, by hand: they know of it by the word about all.
    cancel_reservation(reservation=lab.dates[1], by=lab.ana, now=NOW)
    cancel_dates(reservation=lab.dates[0], scope=Scope.ALL, by=lab.ana, now=NOW)

    assert kinds(lab.bo) == [
        "taking_part_series", "taking_part_series_moved", "taking_part_cancelled", "taking_part_series_cancelled",
    ]  # fmt: skip
    assert "24 March" not in told(lab.bo)[-1][1]
    assert kinds(lab.ana) == []


def test_team_member_who_comes_on_one_date_reads_of_that_one():
    lab = Lab()
    Notice.objects.all().delete()
    first, second, third = Reservation.objects.order_by("start")
    for row in (first, third):
        row.participants.all().delete()

    cancel_dates(reservation=second, scope=Scope.ALL, by=lab.ana, now=NOW)

    assert kinds(lab.bo) == [], "nobody told them that they would"


def test_why_many_dates_are_cancelled_is_said():
    lab = Lab()

    cancel_dates(reservation=lab.dates[0], scope=Scope.ALL, by=lab.staff, now=NOW, why="The roof leaks")

    assert told(lab.ana)[-1][1].endswith("Why: The roof leaks.")


def test_one_date_of_many_that_is_meant_alone_is_not_called_many():
    lab = Lab()
    later = {"start": at("2026-03-17 15:00"), "end": at("2026-03-17 17:00"), "now": NOW}

    move_dates(reservation=lab.dates[0], scope=Scope.THIS, by=lab.staff, **later)

    assert kinds(lab.ana) == ["reservation_moved"]
    assert kinds(lab.bo) == ["taking_part_series", "taking_part_moved"]


def test_one_date_moved_by_the_team_is_told_like_any_other():
    lab = Lab()

    move_reservation(
        reservation=lab.dates[0], start=at("2026-03-17 15:00"), end=at("2026-03-17 17:00"), by=lab.staff, now=NOW
    )

    assert kinds(lab.ana) == ["reservation_moved"]
    assert kinds(lab.bo) == ["taking_part_series", "taking_part_moved"]


def test_date_that_was_moved_alone_before_is_told_with_its_own_machine_and_end(asked):
    other = make_machine(site=asked.site, category=asked.dates[0].machine.category, name="Saw")
    first, second, _third = asked.dates
    move_reservation(reservation=second, start=second.start, end=second.end + minutes(60), by=asked.ana, now=NOW)
    Reservation.objects.filter(pk=first.pk).update(machine=other)
    Notice.objects.all().delete()

    asked.answer(is_yes=True)

    for person in (asked.ana, asked.bo):
        words = dict.fromkeys(("17 March", "24 March", "31 March"), "")
        for _kind, sentence in told(person):
            words |= {day: sentence for day in words if day in sentence}
        assert len(set(words.values())) == 3
        assert "Saw" in words["17 March"]
        assert "17:00" in words["24 March"]
        assert "16:00" in words["31 March"]


def test_dates_of_which_no_end_is_said_are_one_word_whatever_their_ends(asked):
    second = asked.dates[1]
    move_reservation(reservation=second, start=second.start, end=second.end + minutes(60), by=asked.ana, now=NOW)
    Notice.objects.all().delete()

    asked.answer(is_yes=False)

    assert kinds(asked.ana) == ["series_refused"]


def test_answer_tapped_twice_is_told_once_and_reads_as_done(asked, monkeypatch):
    real = series_answers.approve

    def after_oneself(**given):
        approve(**given | {"now": NOW - minutes(1)})
        return real(**given)

    monkeypatch.setattr(series_answers, "approve", after_oneself)
    Notice.objects.all().delete()

    assert len(asked.answer(is_yes=True).made) == 3
    assert kinds(asked.ana) == []


def test_what_another_hand_answered_a_moment_ago_is_told_by_them_alone(asked, monkeypatch):
    real, others = series_answers.approve, make_staff(site=asked.site, role=Role.FAB_MANAGER)

    def after_another(**given):
        approve(reservation=given["reservation"], by=others, now=NOW - minutes(1), origin=Origin.SERIES)
        return real(**given)

    monkeypatch.setattr(series_answers, "approve", after_another)
    Notice.objects.all().delete()

    with pytest.raises(WrongState, match="not_pending"):
        asked.answer(is_yes=True)

    assert kinds(asked.ana) == []
