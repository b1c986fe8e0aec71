"""The page where a manager has calendars of others read: added, read, removed, and what they hit."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from machines.models import ExternalCalendar, Outage
from people.models import Role
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import make_machine, make_person, make_staff, minutes, reserve
from tests.machines.calendar_server import calendar_server

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def machine():
    return make_machine(site=open_site(), name="Laser")


@pytest.fixture
def browser(machine):
    return signed_in(make_staff(site=machine.site, role=Role.FAB_MANAGER))


@pytest.fixture
def url(machine):
    return reverse("settings-calendars-in", args=[machine.slug])


def soon() -> dt.datetime:
    return (timezone.now() + dt.timedelta(days=2)).replace(hour=13, minute=0, second=0, microsecond=0)


def event(start, **fields):
    lines = {
        "UID": "a",
        "DTSTART": f"{start:%Y%m%dT%H%M%SZ}",
        "DURATION": "PT1H",
        "SUMMARY": "Surgery of Zoé-Lou",
    } | fields
    return "|".join(f"{name}:{value}" for name, value in lines.items())


def test_calendar_is_added_and_read_at_once(machine, browser, url, tmp_path, monkeypatch):
    hit = reserve(machine=machine, start=soon(), end=soon() + minutes(30), holder=make_person(), now=timezone.now())
    with calendar_server(tmp_path, monkeypatch) as side:
        side.say(event(soon()), event(soon() + dt.timedelta(days=7)))

        response = browser.post(url, {"name": "School", "url": side.url}, follow=True)

    words = words_of(response)
    assert "School was read." in words
    assert "takes it 2 times in the next three months" in words
    assert "localhost" in words
    assert reverse("reservation", args=[hit.reference]) in response.content.decode()
    for secret in ("secret-word", "Zoé-Lou"):
        assert secret not in response.content.decode()


def test_wrong_address_stays_in_the_form_with_a_sentence(browser, url):
    response = browser.post(url, {"name": "School", "url": "http://calendar.example/a.ics"})

    assert response.status_code == 400
    assert "beginning with https://" in words_of(response)
    assert not ExternalCalendar.objects.exists()


def test_what_goes_wrong_is_said_in_words(machine, browser, url, tmp_path, monkeypatch):
    with calendar_server(tmp_path, monkeypatch) as side:
        side.say(event(soon()))
        browser.post(url, {"name": "School", "url": side.url})
        side.status = 404
        calendar = ExternalCalendar.objects.get()

        response = browser.post(reverse("settings-calendar-in-read", args=[calendar.pk]), follow=True)

    assert words_of(response).count("The other side refuses the address.") == 2
    assert "takes it once in the next three months" in words_of(response)


def test_removing_frees_what_it_took(machine, browser, url):
    calendar = ExternalCalendar.objects.create(machine=machine, name="School", sealed_url="x", host="x")
    Outage.objects.create(
        machine=machine, kind="elsewhere", calendar=calendar, uid="u", start=soon(), end=soon() + minutes(60)
    )

    response = browser.post(reverse("settings-calendar-in-remove", args=[calendar.pk]), follow=True)

    assert "Removed. What it took is free again." in words_of(response)
    assert not Outage.objects.exists()


def test_team_sees_no_button_for_what_another_calendar_says(machine, browser):
    calendar = ExternalCalendar.objects.create(machine=machine, name="School", sealed_url="x", host="x")
    now = timezone.now()
    row = Outage.objects.create(
        machine=machine, kind="elsewhere", calendar=calendar, uid="u", start=now - minutes(5), end=now + minutes(60)
    )

    page, outages = (
        browser.get(machine.get_absolute_url()),
        browser.get(reverse("settings-outages", args=[machine.site.slug])),
    )
    lifted = browser.post(reverse("settings-outage-lift", args=[row.pk]))

    assert "In another calendar, until" in words_of(page)
    assert "It is back" not in words_of(page) + words_of(outages)
    assert "Everything works." in words_of(outages)
    assert 'value="elsewhere"' not in outages.content.decode()
    assert lifted.status_code == 404


def test_page_asks_as_much_with_many_rows_as_with_few(machine, browser, url):
    now = timezone.now()

    def fill(first: int, last: int) -> int:
        for n in range(first, last):
            row = ExternalCalendar.objects.create(
                machine=machine, name=f"School {n}", sealed_url="x", host="x", read_at=now, tried_at=now
            )
            start = soon() + dt.timedelta(days=n)
            Outage.objects.create(
                machine=machine, kind="elsewhere", calendar=row, uid="u", start=start, end=start + minutes(90)
            )
        browser.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(url).status_code == 200
        return len([row for row in captured.captured_queries if "django_cache" not in row["sql"]])

    for n in range(12):
        start = soon() + dt.timedelta(days=n)
        reserve(machine=machine, start=start, end=start + minutes(30), holder=make_person(), now=now)

    few, many = fill(0, 1), fill(1, 12)

    assert many == few <= 12
