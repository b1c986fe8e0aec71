"""Calendars for other programs: what they tell, to whom, and until when."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from people.access import reset_card
from people.models import Role
from people.services import grant_role
from reservations.feed_events import events_of
from reservations.feeds import MOST, feed_with, make_feed, revoke_feed
from reservations.models import CalendarFeed, Participant, Reservation, Status
from reservations.services import cancel_reservation, move_reservation
from tests.api.lab import hold, make_lab
from tests.fablab.planted import SURNAME, plant
from tests.factories import make_machine, make_person, make_site, make_staff, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def soon() -> dt.datetime:
    return (timezone.now() + dt.timedelta(days=2)).replace(minute=0, second=0, microsecond=0)


def told(feed: CalendarFeed) -> list[tuple[str, str]]:
    return [(event.status, event.summary) for event in events_of(feed, now=timezone.now())]


def read(token: str, **headers: str):
    return Client(headers=headers).get(f"/calendar/{token}.ics")


def events_in(response) -> list:
    return list(Calendar.from_ical(response.content).walk("VEVENT"))


def test_own_calendar_tells_what_waits_and_what_is_gone(soon):
    person, machine = make_person(), make_machine(name="Laser")
    states = (Status.CONFIRMED, Status.PENDING, Status.HELD, Status.CANCELLED, Status.EXPIRED)
    for hour, status in enumerate(states):
        made = hold(machine, person, soon + minutes(60 * hour), soon + minutes(60 * hour + 60))
        gone = {"cancelled_at": timezone.now()} if status == Status.CANCELLED else {}
        Reservation.objects.filter(pk=made.pk).update(status=status, expires_at=timezone.now(), **gone)
    feed, _token = make_feed(person=person, by=person, now=timezone.now())

    assert told(feed) == [
        ("CONFIRMED", "Laser"),
        ("TENTATIVE", "Asked for: Laser"),
        ("TENTATIVE", "Offered: Laser"),
        ("CANCELLED", "Cancelled: Laser"),
        ("CANCELLED", "Cancelled: Laser"),
    ]


def test_own_calendar_holds_what_one_takes_part_in_and_nothing_of_others(soon):
    person, other, machine = make_person(), make_person(), make_machine(name="Laser")
    shared = hold(machine, other, soon, soon + minutes(60))
    Participant.objects.create(reservation=shared, person=person)
    hold(machine, other, soon + minutes(60), soon + minutes(120))
    feed, _token = make_feed(person=person, by=person, now=timezone.now())

    found = events_of(feed, now=timezone.now())

    assert [event.start for event in found] == [soon]
    assert found[0].url.endswith(f"/reservations/{shared.reference}/")


def test_window_is_thirty_days_back_and_four_hundred_ahead():
    now, person, machine = timezone.now(), make_person(), make_machine()
    days = (-32, -29, 399, 402)
    for day in days:
        start = now + dt.timedelta(days=day)
        hold(machine, person, start, start + minutes(60))
    feed, _token = make_feed(person=person, by=person, now=now)

    found = [round((event.start - now) / dt.timedelta(days=1)) for event in events_of(feed, now=now)]

    assert found == [-29, 399]


def test_cancelled_long_ago_is_told_no_more(soon):
    person = make_person()
    made = hold(make_machine(), person, soon, soon + minutes(60))
    long_ago = timezone.now() - dt.timedelta(days=31)
    Reservation.objects.filter(pk=made.pk).update(status=Status.CANCELLED, cancelled_at=long_ago)
    feed, _token = make_feed(person=person, by=person, now=timezone.now())

    assert told(feed) == []


def test_change_keeps_the_uid_and_raises_the_sequence(soon):
    now, person = timezone.now(), make_person()
    made = hold(make_machine(), person, soon, soon + minutes(60))
    feed, _token = make_feed(person=person, by=person, now=now)
    before = events_of(feed, now=now)[0]

    move_reservation(reservation=made, start=soon + minutes(60), end=soon + minutes(120), by=person, now=now)
    moved = events_of(feed, now=now)[0]
    made.refresh_from_db()
    cancel_reservation(reservation=made, by=person, now=now)
    cancelled = events_of(feed, now=now)[0]

    assert {before.uid, moved.uid, cancelled.uid} == {before.uid}
    assert before.sequence < moved.sequence < cancelled.sequence
    assert (moved.start, cancelled.status) == (soon + minutes(60), "CANCELLED")


@pytest.mark.parametrize("of_what", ["machine", "site"])
def test_feed_of_a_place_names_nobody(of_what, settings, tmp_path):
    settings.DATA_DIR, settings.MEDIA_ROOT, settings.LANGUAGE_CODE = tmp_path, tmp_path / "files", "en"
    lab = make_lab()
    plant(lab)
    Reservation.objects.exclude(title="").update(title="Sewing, every Tuesday")
    thing = {"machine": lab.printer_machine} if of_what == "machine" else {"site": lab.site}
    _feed, token = make_feed(by=lab.people["manager"], now=timezone.now(), label="Screen", **thing)

    text = read(token).content.decode()

    assert SURNAME.lower() not in text.lower()
    assert "Zorobabel" not in text
    assert lab.running.reference not in text
    assert "Sewing" in text
    assert ("Laser: taken" in text) is (of_what == "site")


def test_machine_is_taken_by_a_group_that_has_its_room(soon):
    site = make_site()
    machine, other = make_machine(site=site), make_machine(site=site)
    group = hold(machine, None, soon, soon + minutes(60))
    Reservation.objects.filter(pk=group.pk).update(machine=None, title="School visit")
    hold(other, make_person(), soon, soon + minutes(60))
    feed, _token = make_feed(machine=machine, by=make_person(), now=timezone.now())

    assert told(feed) == [("CONFIRMED", "School visit")]


def test_calendar_is_read_by_a_program(soon):
    person = make_person(language="fr")
    hold(make_machine(name="Laser, grand"), person, soon, soon + minutes(90))
    _feed, token = make_feed(person=person, by=person, now=timezone.now())

    response = read(token)
    event = events_in(response)[0]

    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert (event["SUMMARY"], event.start, event.end) == ("Laser, grand", soon, soon + minutes(90))
    assert f"DTSTART:{soon:%Y%m%dT%H%M%SZ}".encode() in response.content
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H" in response.content
    assert all(len(line) <= 75 for line in response.content.split(b"\r\n"))


def test_program_that_has_it_already_is_told_so(soon):
    person, machine = make_person(), make_machine()
    hold(machine, person, soon, soon + minutes(60))
    _feed, token = make_feed(person=person, by=person, now=timezone.now())
    mark = read(token)["ETag"]

    same = read(token, if_none_match=mark)
    hold(machine, person, soon + minutes(60), soon + minutes(120))
    changed = read(token, if_none_match=mark)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", mark)
    assert (changed.status_code, len(events_in(changed))) == (200, 2)


def test_revoked_address_and_that_of_somebody_who_left_answer_nobody():
    make_site()
    person, now = make_person(), timezone.now()
    feed, token = make_feed(person=person, by=person, now=now)
    _left, other_token = make_feed(person=make_person(is_active=False), by=person, now=now)

    first = read(token).status_code
    revoke_feed(feed=feed, by=person, now=now)

    assert (first, read(token).status_code, read(other_token).status_code) == (200, 404, 404)
    assert read("x" * 43).status_code == 404


def test_new_card_ends_the_addresses_made_with_the_lost_one_and_no_others():
    person, now, site = make_person(), timezone.now(), make_site()
    staff = make_staff(site=site)
    _own, token = make_feed(person=person, by=person, now=now)
    _others, other_token = make_feed(person=staff, by=staff, now=now)
    _sites, site_token = make_feed(site=site, by=person, now=now)

    reset_card(person=person, by=staff, now=now)

    assert [read(each).status_code for each in (token, other_token, site_token)] == [404, 200, 200]
    assert CalendarFeed.objects.get(person=person).revoked_at == now


def test_whoever_joins_the_team_keeps_their_calendar():
    person, now, site = make_person(), timezone.now(), make_site()
    _own, token = make_feed(person=person, by=person, now=now)

    grant_role(person=person, site=site, role=Role.MEDIATOR, by=make_staff(site=site, role=Role.FAB_MANAGER), now=now)

    assert read(token).status_code == 200


def test_secret_is_not_kept_and_reading_is_written_now_and_then():
    person, now = make_person(), timezone.now()
    feed, token = make_feed(person=person, by=person, now=now)

    times = [feed_with(token, now=now + minutes(number)).read_at for number in (0, 5, 11)]

    assert token not in str(CalendarFeed.objects.filter(pk=feed.pk).values().get())
    assert times == [now, now, now + minutes(11)]


def test_too_many_addresses_are_refused_and_a_revoked_one_makes_room():
    person, now = make_person(), timezone.now()
    feeds = [make_feed(person=person, by=person, now=now)[0] for _number in range(MOST)]

    with pytest.raises(ValidationError):
        make_feed(person=person, by=person, now=now)
    revoke_feed(feed=feeds[0], by=person, now=now)

    assert make_feed(person=person, by=person, now=now)[0].pk


@pytest.mark.parametrize("of_what", ["person", "machine", "site"])
def test_queries_do_not_grow_with_the_calendar(of_what, soon, django_assert_num_queries):
    person, machine = make_person(), make_machine()
    thing = {"person": person, "machine": machine, "site": machine.site}[of_what]
    _feed, token = make_feed(by=person, now=timezone.now(), **{of_what: thing})
    for hour in range(12):
        hold(machine, person, soon + minutes(60 * hour), soon + minutes(60 * hour + 60))
    feed = feed_with(token, now=timezone.now())

    with django_assert_num_queries(2):
        assert len(events_of(feed, now=timezone.now())) == 12


def test_new_address_is_shown_once_on_the_page():
    make_site()
    person = make_person()
    client = Client()
    client.force_login(person, backend="people.sign_in_backends.PersonBackend")

    made = client.post("/me/calendar/", {"label": "Telephone"})
    later = client.get("/me/calendar/")

    url = made.context["fresh"]["url"]
    assert url in made.content.decode()
    assert "webcal://" in made.content.decode()
    assert url not in later.content.decode()
    assert "Telephone" in later.content.decode()
    assert Client().get(f"/calendar/{url.partition('/calendar/')[2]}").status_code == 200
