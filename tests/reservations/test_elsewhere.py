"""A machine that another calendar takes: what is refused, what is shown, and who is told of what it hits."""

import logging

import pytest

from fablab.lib.secretbox import seal
from fablab.machine_status import State, machine_statuses
from fablab.unfit import unfit_reservations
from machines.calendars_in import add_calendar
from machines.models import ExternalCalendar, Outage
from people.models import Notice, Role
from people.notices.inbox import messages_of
from reservations.elsewhere import collisions_of, read_due_calendars, tell_of_collisions
from reservations.errors import ReservationRefused
from reservations.services import move_reservation
from tests.factories import NOW, at, make_machine, make_outage, make_person, make_site, make_staff, minutes, reserve
from tests.machines.calendar_server import calendar_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

LESSON = "UID:lesson|DTSTART:20260311T130000Z|DURATION:PT1H|SUMMARY:Surgery of Zoe"


@pytest.fixture
def machine():
    return make_machine(site=make_site(), name="Laser")


@pytest.fixture
def manager(machine):
    return make_staff(site=machine.site, role=Role.FAB_MANAGER)


def calendar_of(machine, **fields):
    return ExternalCalendar.objects.create(machine=machine, name="Town hall", sealed_url="x", host="x", **fields)


def take(machine, start="14:00", end="15:00"):
    calendar, _ = ExternalCalendar.objects.get_or_create(machine=machine, defaults={"name": "Town hall", "host": "x"})
    return Outage.objects.create(
        machine=machine, kind="elsewhere", calendar=calendar, uid="u", start=at(start), end=at(end)
    )


def told():
    return list(Notice.objects.filter(kind="taken_elsewhere").values_list("person", flat=True))


def test_time_taken_elsewhere_is_refused_with_a_sentence_that_names_nothing(machine):
    take(machine)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=at("14:30"), end=at("15:30"), holder=make_person())

    (denial,) = refused.value.denials
    assert (denial.code, denial.params["kind"], denial.params["reason"]) == ("machine_unavailable", "elsewhere", "")
    assert reserve(machine=machine, start=at("15:00"), end=at("16:00"), holder=make_person()).pk


def test_machine_is_shown_as_taken_and_not_as_broken(machine):
    take(machine)

    (now,), (later,) = machine_statuses([machine], at("14:10")), machine_statuses([machine], at("15:00"))

    assert (now.state, now.word, now.detail) == (State.RESERVED, "Taken elsewhere", "In another calendar, until 15:00")
    assert later.state == State.FREE


def test_machine_that_is_broken_as_well_is_broken(machine):
    take(machine)
    make_outage(machine=machine)
    take(machine, "13:30", "14:30")

    (status,) = machine_statuses([machine], at("14:10"))

    assert status.state == State.OUT


def test_managers_are_told_once_of_each_reservation_that_is_hit(machine, manager, django_assert_max_num_queries):
    make_staff(site=machine.site, role=Role.MEDIATOR)
    make_staff(site=make_site(), role=Role.FAB_MANAGER)
    hit = reserve(machine=machine, start=at("14:30"), end=at("15:30"), holder=make_person(first_name="Zoe"))
    reserve(machine=machine, start=at("15:30"), end=at("16:00"), holder=make_person())
    reserve(machine=make_machine(site=machine.site), start=at("14:00"), end=at("15:00"), holder=make_person())
    take(machine)

    counts = [tell_of_collisions(machine=machine, now=NOW + minutes(n)) for n in range(3)]

    (message,) = messages_of(person=manager, now=NOW)
    assert counts == [1, 0, 0]
    assert told() == [manager.pk]
    assert list(collisions_of(machine, NOW)) == [hit]
    assert message.words.subject == "Taken in another calendar: Laser, Wednesday 11 March, 14:30"
    assert "Zoe" not in message.words.subject + message.words.body
    assert message.notice.link == f"/manage/settings/places/{machine.site.slug}/calls/"


def test_reservation_that_is_moved_onto_another_event_is_told_anew(machine, manager):
    hit = reserve(machine=machine, start=at("14:30"), end=at("15:30"), holder=make_person())
    take(machine)
    tell_of_collisions(machine=machine, now=NOW)

    move_reservation(reservation=hit, start=at("16:00"), end=at("17:00"), by=hit.holder, now=NOW)
    assert tell_of_collisions(machine=machine, now=NOW) == 0
    take(machine, "16:30", "17:00")

    assert tell_of_collisions(machine=machine, now=NOW) == 1


def test_call_list_says_why(machine):
    hit = reserve(machine=machine, start=at("14:30"), end=at("15:30"), holder=make_person())
    broken = make_machine(site=machine.site)
    other = reserve(machine=broken, start=at("14:30"), end=at("15:30"), holder=make_person())
    for taken in (machine, broken):
        take(taken)
    make_outage(machine=broken)

    found = {row.reservation: row.reason for row in unfit_reservations(site=machine.site, now=NOW)}

    assert found == {
        hit: "the machine is taken in another calendar then",
        other: "the machine is out of service (Belt worn)",
    }


def test_machine_that_no_calendar_takes_costs_one_question(machine, django_assert_num_queries):
    # The savepoint and its release besides.
    with django_assert_num_queries(3):
        assert tell_of_collisions(machine=machine, now=NOW) == 0


def test_one_calendar_that_fails_stops_none_of_the_others(machine, manager, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    hit = reserve(machine=machine, start=at("14:30"), end=at("15:30"), holder=make_person())
    bad = calendar_of(machine, tried_at=None)
    ExternalCalendar.objects.filter(pk=bad.pk).update(sealed_url="\u00e9 nothing that any key opens")
    with calendar_server(tmp_path, monkeypatch) as side:
        side.say(LESSON)
        good = add_calendar(machine=machine, name="School", url=side.url, by=manager, now=NOW)

        counts = [read_due_calendars(clock=lambda n=n: NOW + minutes(n)) for n in (0, 5, 15)]

    bad.refresh_from_db()
    good.refresh_from_db()
    assert counts == [2, 0, 1]
    assert (bool(bad.error), bad.read_at) == (True, None)
    assert (good.error, good.read_at) == ("", NOW + minutes(15))
    assert list(collisions_of(machine, NOW)) == [hit]
    assert told() == [manager.pk]
    assert "secret-word" not in caplog.text


def test_trouble_that_nobody_foresaw_is_noted_without_its_words(machine, monkeypatch, caplog):
    monkeypatch.setenv("FABLAB_CALENDAR_NETWORKS", "no network")
    calendar = calendar_of(machine)
    ExternalCalendar.objects.update(sealed_url=seal("https://8.8.8.8/secret-word"))

    assert read_due_calendars(clock=lambda: NOW) == 1

    calendar.refresh_from_db()
    assert (calendar.error, calendar.tried_at) == ("unintelligible", NOW)
    assert "ValueError" in caplog.text
    assert "secret-word" not in caplog.text
