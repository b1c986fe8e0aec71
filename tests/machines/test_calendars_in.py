"""Calendars of others: added through the guard, read over HTTPS, and never trusted."""

import datetime as dt
import logging

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from fablab.lib.secretbox import unseal
from machines.calendar_words import WORDS, calendar_words
from machines.calendars_in import (
    BYTES_MOST,
    MOST,
    PAUSE,
    PAUSE_MOST,
    PAUSE_NEVER_READ,
    ReadReport,
    add_calendar,
    calendars_due,
    read_calendar,
    remove_calendar,
)
from machines.closing_services import declare_outage, lift_outage
from machines.models import ExternalCalendar, Outage
from machines.permissions import may_lift
from people.models import Role
from tests.factories import NOW, at, make_machine, make_site, make_staff, minutes
from tests.machines.calendar_server import calendar_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

LESSON = "UID:lesson|DTSTART;TZID=Europe/Paris:20260311T140000|DURATION:PT1H|SUMMARY:Surgery of Zoe"
WEEKLY = f"{LESSON}|RRULE:FREQ=WEEKLY"


@pytest.fixture
def machine():
    return make_machine(site=make_site(), name="Laser")


@pytest.fixture
def manager(machine):
    return make_staff(site=machine.site, role=Role.FAB_MANAGER)


@pytest.fixture
def other_side(tmp_path, monkeypatch):
    with calendar_server(tmp_path, monkeypatch) as side:
        yield side


@pytest.fixture
def calendar(machine, manager, other_side):
    return add_calendar(machine=machine, name="Town hall", url=other_side.url, by=manager, now=NOW)


def read(calendar, now=NOW):
    calendar.refresh_from_db()
    return read_calendar(calendar=calendar, now=now)


def taken(calendar):
    return list(Outage.objects.filter(calendar=calendar).order_by("start").values_list("start", "end"))


def test_address_is_sealed_and_shown_by_its_host_only(calendar, other_side, caplog):
    kept = ExternalCalendar.objects.get()

    assert "secret-word" not in str(kept.__dict__)
    assert unseal(kept.sealed_url) == other_side.url
    assert (kept.host, kept.read_at, kept.error) == ("localhost", None, "")
    assert other_side.asked == []


def test_what_a_calendar_program_would_subscribe_to_is_read_over_https(machine, manager, other_side):
    url = other_side.url.replace("https://", " webcal://")

    made = add_calendar(machine=machine, name="Town hall", url=url, by=manager, now=NOW)

    assert unseal(made.sealed_url) == other_side.url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://calendar.example/a.ics", "scheme"),
        ("calendar.example/a.ics", "scheme"),
        ("ftp://calendar.example/a.ics", "scheme"),
        ("https://me:word@calendar.example/a.ics", "userinfo"),
        ("https://no-such-calendar.invalid/a.ics", "unknown_name"),
        ("https://127.0.0.1/a.ics", "loopback"),
        ("https://192.168.1.1/a.ics", "network"),
        ("https://169.254.169.254/latest", "forbidden"),
        ("https://8.8.8.8:0/", "port"),
        ("https:///a.ics", "host"),
        ("https://8.8.8.8/" + "a" * 1000, "too_long"),
    ],
)
def test_wrong_address_gets_a_sentence(machine, manager, url, code):
    with pytest.raises(ValidationError) as refused:
        add_calendar(machine=machine, name="Town hall", url=url, by=manager, now=NOW)

    assert refused.value.message_dict == {"url": [str(WORDS[code])]}
    assert not ExternalCalendar.objects.exists()


def test_address_inside_is_refused_however_often_it_is_read(calendar, monkeypatch):
    monkeypatch.delenv("FABLAB_CALENDAR_NETWORKS")

    assert read(calendar) == ReadReport("loopback")


def test_five_are_enough(machine, manager, other_side):
    for n in range(MOST):
        add_calendar(machine=machine, name=f"Calendar {n}", url=other_side.url, by=manager, now=NOW)

    with pytest.raises(ValidationError, match="Five"):
        add_calendar(machine=machine, name="One more", url=other_side.url, by=manager, now=NOW)


@pytest.mark.parametrize("role", [None, Role.MEMBER, Role.MEDIATOR, Role.SUPERVISOR])
def test_only_a_manager_of_the_site_adds_and_removes(machine, calendar, other_side, role):
    elsewhere = make_staff(site=make_site(), role=Role.FAB_MANAGER)
    by = elsewhere if role is None else make_staff(site=machine.site, role=role)

    with pytest.raises(PermissionDenied):
        add_calendar(machine=machine, name="Mine", url=other_side.url, by=by, now=NOW)
    with pytest.raises(PermissionDenied):
        remove_calendar(calendar=calendar, by=by, now=NOW)

    assert ExternalCalendar.objects.count() == 1


def test_events_make_the_machine_taken_and_nothing_of_their_words_is_kept(calendar, other_side):
    other_side.say(LESSON)

    report = read(calendar)

    (row,) = Outage.objects.all()
    calendar.refresh_from_db()
    assert report == ReadReport("", 1, has_changed=True)
    assert (row.kind, row.reason, row.reported_by, row.machine) == ("elsewhere", "", None, calendar.machine)
    assert (row.start, row.end) == (at("14:00"), at("15:00"))
    assert (calendar.read_at, calendar.tried_at, calendar.error) == (NOW, NOW, "")
    assert "Zoe" not in str(row.__dict__)
    assert "lesson" not in row.uid


def test_series_stays_by_the_clock_over_its_change(calendar, other_side):
    other_side.say(WEEKLY)

    read(calendar)

    found = [start for start, _end in taken(calendar)]
    assert found[0] == at("14:00")
    assert found[3] == at("2026-04-01 14:00")
    assert found[3] - found[0] == dt.timedelta(days=21, hours=-1)
    assert found[-1] == at("2026-06-03 14:00")


def test_reading_again_keeps_changes_and_removes(calendar, other_side):
    other_side.say(
        LESSON, "UID:b|DTSTART:20260312T090000Z|DURATION:PT1H", "UID:c|DTSTART:20260313T090000Z|DURATION:PT1H"
    )
    read(calendar)
    keys = dict(Outage.objects.values_list("start", "pk"))

    same = read(calendar)
    other_side.say(
        LESSON, "UID:b|DTSTART:20260312T090000Z|DURATION:PT2H", "UID:d|DTSTART:20260314T090000Z|DURATION:PT1H"
    )
    other = read(calendar)

    assert (same.has_changed, other.has_changed, other.taken) == (False, True, 3)
    rows = {row.start: row for row in Outage.objects.all()}
    assert [row.pk for start, row in sorted(rows.items())][:2] == [keys[at("14:00")], keys[at("2026-03-12 10:00")]]
    assert rows[at("2026-03-12 10:00")].end == at("2026-03-12 12:00")
    assert at("2026-03-13 10:00") not in rows


def test_calendar_of_another_is_left_alone(calendar, machine, manager, other_side):
    other_side.say(LESSON)
    second = add_calendar(machine=machine, name="School", url=other_side.url, by=manager, now=NOW)
    read(calendar)
    read(second)
    other_side.say()

    read(calendar)

    assert (len(taken(calendar)), len(taken(second))) == (0, 1)


def test_unchanged_is_said_by_the_other_side_and_once_a_day_all_is_read(calendar, other_side):
    other_side.say(WEEKLY, etag='"v1"')
    reports = [read(calendar, now) for now in (NOW, NOW + minutes(15), NOW + dt.timedelta(days=7))]

    marks = [asked.get("If-None-Match") for asked in other_side.asked]
    assert marks == [None, '"v1"', None]
    assert [report.has_changed for report in reports] == [True, False, True]
    assert taken(calendar)[-1][0] == at("2026-06-10 14:00")


@pytest.mark.parametrize("etag", ['"' + "x" * 300 + '"', ""], ids=["too long", "none"])
def test_mark_that_cannot_be_kept_is_none(calendar, other_side, etag):
    other_side.say(LESSON, etag=etag)

    read(calendar)
    read(calendar)

    assert [asked.get("If-None-Match") for asked in other_side.asked] == [None, None]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"<html>Please sign in</html>", "no_calendar"),
        (200, b"", "no_calendar"),
        (200, b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "no_calendar"),
        (200, b"x" * (BYTES_MOST + 1), "too_large"),
        (301, b"", "redirect"),
        (404, b"", "status"),
        (500, b"", "status"),
    ],
    ids=["a page", "nothing", "half", "too large", "moved", "gone", "broken"],
)
def test_rubbish_leaves_what_was_known_and_says_why(calendar, other_side, status, body, code):
    other_side.say(LESSON)
    read(calendar)
    other_side.status, other_side.body = status, body

    report = read(calendar, NOW + minutes(15))

    calendar.refresh_from_db()
    assert report == ReadReport(code, 1)
    assert (calendar.error, calendar.read_at, calendar.tried_at) == (code, NOW, NOW + minutes(15))
    assert taken(calendar) == [(at("14:00"), at("15:00"))]
    assert calendar_words(code)


def test_certificate_that_nobody_vouches_for_is_an_error(calendar, monkeypatch):
    monkeypatch.delenv("FABLAB_CALENDAR_CA")

    assert read(calendar).error == "certificate"


def test_key_that_is_gone_is_said(calendar):
    ExternalCalendar.objects.update(sealed_url="nothing that any key opens")

    assert read(calendar).error == "key_lost"


def test_some_events_that_make_no_sense_are_said_and_stay_said(calendar, other_side):
    other_side.say(LESSON, "UID:b|DTSTART:rubbish", etag='"1"')

    reports = [read(calendar), read(calendar, NOW + minutes(15))]

    assert reports == [ReadReport("some_unread", 1, has_changed=True), ReadReport("some_unread", 1)]


def test_address_is_in_no_log(calendar, other_side, caplog):
    caplog.set_level(logging.DEBUG)
    other_side.status = 404

    read(calendar)

    assert "secret-word" not in caplog.text


def test_removed_calendar_takes_its_times_along(calendar, machine, manager, other_side):
    other_side.say(LESSON)
    read(calendar)

    remove_calendar(calendar=calendar, by=manager, now=NOW)

    assert not Outage.objects.exists()
    assert not ExternalCalendar.objects.exists()


def test_calendar_removed_while_it_is_read_stays_removed(calendar, other_side):
    other_side.say(LESSON)
    stale = ExternalCalendar.objects.select_related("machine__unit__site").get()
    calendar.delete()

    assert read_calendar(calendar=stale, now=NOW) == ReadReport()
    assert not Outage.objects.exists()


@pytest.mark.parametrize(
    ("tried", "read_before", "due_after"),
    [
        (None, None, dt.timedelta(0)),
        (NOW, None, PAUSE_NEVER_READ),
        (NOW, dt.timedelta(0), PAUSE),
        (NOW, minutes(15), minutes(15)),
        (NOW, minutes(60), minutes(60)),
        (NOW, dt.timedelta(days=3), PAUSE_MOST),
    ],
    ids=["new", "never answered", "well", "failed once", "fails for an hour", "fails for days"],
)
def test_one_that_fails_is_asked_less_and_less_often(machine, tried, read_before, due_after):
    read_at = None if read_before is None else NOW - read_before
    row = ExternalCalendar.objects.create(
        machine=machine, name="x", sealed_url="x", host="x", tried_at=tried, read_at=read_at
    )

    early = calendars_due(now=NOW + due_after - minutes(2)) if tried else []
    late = calendars_due(now=NOW + due_after)

    assert (early, late) == ([], [row])


def test_calendar_of_a_retired_machine_is_not_read(calendar, machine):
    type(machine).objects.filter(pk=machine.pk).update(retired_at=NOW)

    assert calendars_due(now=NOW) == []


def test_nobody_lifts_what_another_calendar_says(calendar, manager, other_side):
    other_side.say(LESSON)
    read(calendar)
    row = Outage.objects.get()

    lift_outage(outage=row, by=manager, now=at("14:30"))

    row.refresh_from_db()
    assert not may_lift(manager, row)
    assert (row.end, row.lifted_by) == (at("15:00"), None)


def test_machine_may_break_while_it_is_taken_elsewhere(calendar, machine, manager, other_side):
    other_side.say(LESSON)
    read(calendar)

    made = declare_outage(machine=machine, kind="fault", reason="Belt", start=at("14:30"), by=manager, now=NOW)

    assert list(Outage.objects.declared()) == [made]
