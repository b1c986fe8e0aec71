"""“What can I use, and when?” as people ask it: the form, what is found, and word when something becomes free."""

import datetime as dt
from urllib.parse import parse_qs, urlparse

import pytest
from django.test import Client
from django.utils import timezone, translation

from fablab.lib.intervals import Interval
from fablab.machine_status import machine_statuses
from fablab.next_free import with_next_free
from fablab.views.find import time_words
from machines.models import HouseRules, InductionRequest, Machine, OpeningException
from reservations.models import Reservation, WaitingEntry
from tests.factories import (
    NOW,
    PARIS,
    at,
    every_day,
    grant,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def person():
    return make_person()


@pytest.fixture
def browser(person):
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend="people.sign_in_backends.PersonBackend")
    return client


@pytest.fixture
def site():
    return make_site()


def tomorrow_at(site, hour):
    day = timezone.now().astimezone(site.zone).date() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(hour), site.zone)


def test_find_leads_in_two_taps_to_a_reservation(browser, person, site):
    machine = make_machine(site=site, name="Laser")

    found = browser.get("/find/?minutes=120&when=tomorrow")
    day = found.context["cards"][0].first
    start = day.starts[0]
    confirm = browser.get(start.address)
    asked = {name: values[0] for name, values in parse_qs(urlparse(start.address).query).items()}
    browser.post("/reserve/confirm/", asked)

    made = Reservation.objects.get()
    assert confirm.status_code == 200
    assert (day.words, start.words) == ("Tomorrow", "00:00 – 02:00")
    assert (made.machine, made.holder, made.start, made.end - made.start) == (
        machine, person, tomorrow_at(site, 0), HOUR * 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("14:00", "16:00", "Today, 14:00 – 16:00"),
        ("2026-03-12 22:00", "2026-03-13 00:00", "Tomorrow, 22:00 – 24:00"),
        ("14:00", "2026-03-12 14:00", "Today, 14:00 – 14:00 (tomorrow)"),
        ("2026-03-14 22:00", "2026-03-15 02:00", "Saturday 14 March, 22:00 – 02:00 (Sunday 15 March)"),
    ],
    ids=["today", "until midnight", "a whole day", "over a night"],
)
def test_found_time_names_the_days(start, end, words):
    with translation.override("en"):
        assert time_words(Interval(at(start), at(end)), PARIS, NOW) == words


def test_find_shows_only_what_one_is_qualified_for_unless_asked(browser, person, site):
    qualification = make_qualification()
    make_machine(site=site, name="Laser", qualification=qualification)
    make_machine(site=site, name="Plotter")

    usual = browser.get("/find/")
    asked = browser.get("/find/?others=1")

    assert [card.machine.name for card in usual.context["cards"]] == ["Plotter"]
    assert usual.context["hidden_count"] == 1
    assert [each.machine.name for each in asked.context["missing"]] == ["Laser"]
    assert "This machine needs the qualification" in asked.content.decode()


def test_find_says_to_a_visitor_what_a_machine_wants(site):
    make_machine(site=site, name="Laser", qualification=make_qualification())

    page = Client(headers={"accept-language": "en"}).get("/find/")

    assert "This machine needs the qualification “Laser cutting”." in page.content.decode()
    assert "/accounts/login/?next=/find/" in page.content.decode()
    assert "others" not in page.context["form"].fields


def test_find_narrows_to_kind_and_place(browser, site):
    laser, plotter = make_machine(site=site, name="Laser"), make_machine(name="Plotter")

    of_kind = browser.get("/find/", {"kind": plotter.category.slug})
    at_place = browser.get("/find/", {"place": laser.site.slug})

    assert [card.machine.name for card in of_kind.context["cards"]] == ["Plotter"]
    assert [card.machine.name for card in at_place.context["cards"]] == ["Laser"]


@pytest.mark.parametrize(
    "query",
    ["minutes=7", "when=never", "when=date", "when=date&day=2026-13-40", "when=date&day=0001-01-01", "time=noon",
     "kind=no-such", "minutes=%00"],
)  # fmt: skip
def test_find_asks_again_what_it_cannot_understand(browser, site, query):
    make_machine(site=site)

    page = browser.get(f"/find/?{query}")

    assert page.status_code == 400
    assert "Please look at this again" in page.content.decode()


def test_find_without_result_says_what_to_change(browser, site):
    make_machine(site=site, name="Laser")

    page = browser.get("/find/?minutes=480&when=tomorrow&time=evening")

    # The machine may be had for four hours: six would be no better.
    words = [words for words, _address in page.context["ways"]]
    shorter = dict(page.context["ways"])["A shorter time: 4 h"]
    assert words == ["A shorter time: 4 h", "Look at next week", "Any time of day"]
    assert parse_qs(urlparse(shorter).query) == {"minutes": ["240"], "when": ["tomorrow"], "time": ["evening"]}


def test_find_without_result_offers_no_longer_time_than_the_day_has(browser):
    make_machine(site=make_site(hours=every_day("10:00", "19:00")), name="Laser")

    page = browser.get("/find/?minutes=180&when=tomorrow&time=evening")

    words = [words for words, _address in page.context["ways"]]
    assert words[0] == "A shorter time: 1 h"


@pytest.mark.parametrize(
    ("hours", "title", "said"),
    [(every_day("10:00", "19:00"), "Works", "Closed: Works"), ({}, "", "Closed")],
    ids=["closed for a reason", "never open"],
)
def test_find_on_a_closed_day_says_why_and_advises_nothing_shorter(browser, hours, title, said):
    site = make_site(hours=hours)
    make_machine(site=site, name="Laser")
    if title:
        OpeningException.objects.create(site=site, date=tomorrow_at(site, 0).date(), title=title)

    sign_wanted(site)
    make_machine(site=site, name="Printer", attendance="start", qualification=make_qualification())

    page = browser.get("/find/?minutes=120&when=tomorrow")

    html = page.content.decode()
    assert "We are closed then" in html
    assert ("wait for your yes" in html, "qualification" in html) == (False, False)
    assert f" – {said}" in html
    assert [words for words, _address in page.context["ways"]] == ["Look at next week"]


@pytest.mark.usefixtures("in_english")
def test_find_names_closed_days_among_those_found(browser):
    site = make_site(hours=every_day("10:00", "19:00"))
    make_machine(site=site, name="Laser")
    closed = tomorrow_at(site, 0).date() + dt.timedelta(days=2)
    OpeningException.objects.create(site=site, date=closed, title="Works")

    page = browser.get("/find/")

    assert [(here.closed.day, here.closed.words) for here in page.context["closed"]] == [(closed, "Closed: Works")]
    assert len(page.context["cards"]) == 1


def test_find_offers_other_days_behind_the_first(browser):
    site = make_site(hours=every_day("10:00", "19:00"))
    make_machine(site=site, name="Laser")

    page = browser.get("/find/?minutes=120&when=next-week")

    [card] = page.context["cards"]
    assert [len(day.starts) for day in (card.first, *card.later)] == [3] * 7
    assert [start.words for start in card.later[0].starts] == ["10:00 – 12:00", "12:00 – 14:00", "14:00 – 16:00"]
    assert "6 later days" in page.content.decode()


def sign_wanted(site):
    return HouseRules.objects.create(site=site, version=1, text_fr="a", text_en="a", published_at=NOW)


def test_rules_to_sign_are_said_once(browser, site):
    rules = sign_wanted(site)
    for name in ("Laser", "Plotter", "Lathe"):
        make_machine(site=site, name=name)

    html = browser.get("/find/").content.decode()

    assert html.count(f"/me/rules/{rules.pk}/?next=%2Ffind%2F") == 1
    assert "3 machines are free for you as soon as they are signed." in html
    assert "You have not agreed" not in html
    assert "Laser" not in html


def test_rules_to_sign_leave_what_else_is_missing(browser, site):
    sign_wanted(site)
    make_machine(site=site, name="Laser", qualification=make_qualification())

    page = browser.get("/find/")

    [missing] = page.context["missing"]
    assert [sentence.code for sentence in missing.sentences] == ["qualification_missing"]
    assert page.context["to_sign"].count == 0


def test_unqualified_person_is_led_to_the_induction(browser, person, site):
    wanted, asked = make_qualification(), make_qualification()
    laser = make_machine(site=site, name="Laser", qualification=wanted)
    make_machine(site=site, name="Lathe", qualification=asked)
    InductionRequest.objects.create(person=person, qualification=asked, site=site, asked_at=NOW)

    html = browser.get("/find/?others=1").content.decode()

    assert f'action="/machines/{laser.slug}/induction/?next=%2Ffind%2F%3Fothers%3D1"' in html
    assert "You asked for the induction on Wednesday 11 March." in html
    assert "Choose" not in html


def test_find_without_result_offers_word_of_a_machine_that_is_taken(browser, person):
    site = make_site(hours=every_day("10:00", "12:00"))
    machine = make_machine(site=site, name="Laser")
    reserve(machine=machine, start=tomorrow_at(site, 10), end=tomorrow_at(site, 12), now=timezone.now())

    page = browser.get("/find/?minutes=120&when=tomorrow")
    wait = page.context["waits"][0]
    said = browser.post(
        "/reserve/wait/", {"machine": machine.slug, "start_at": wait.times[0][0], "minutes": "120", "how": "tell"}
    )

    entry = WaitingEntry.objects.get()
    assert [words for _instant, words in wait.times] == ["Tomorrow, 10:00 – 12:00"]
    assert (entry.person, entry.start, entry.end, entry.is_notice_only) == (
        person, tomorrow_at(site, 10), tomorrow_at(site, 12), True,
    )  # fmt: skip
    assert said.status_code == 302


@pytest.mark.parametrize("address", ["/machines/{slug}/?day={day}", "/reserve/?machine={slug}&day={day}&minutes=60"])
def test_taken_time_can_be_asked_about(browser, site, address):
    machine = make_machine(site=site, name="Laser")
    start = tomorrow_at(site, 10)
    reserve(machine=machine, start=start, end=start + HOUR, now=timezone.now())
    where = address.format(slug=machine.slug, day=start.date().isoformat())

    mine = browser.get(where)
    anybody = Client().get(where)

    assert [words for _instant, words in mine.context["times"]] == ["09:30 – 10:30", "10:00 – 11:00", "10:30 – 11:30"]
    assert "Tell me when it is free" in mine.content.decode()
    assert "tell-me" not in anybody.content.decode()


def test_wait_without_an_end_is_asked_again(browser, site):
    machine = make_machine(site=site)

    said = browser.post("/reserve/wait/", {"machine": machine.slug, "start_at": "2030-01-01T10:00:00Z", "how": "tell"})

    assert (said.status_code, said["Location"], WaitingEntry.objects.count()) == (302, f"/machines/{machine.slug}/", 0)


def next_words(now=NOW):
    rows = Machine.objects.with_places().order_by("pk")
    with translation.override("en"):
        return [status.next_free for status in with_next_free(machine_statuses(rows, now), now)]


def test_card_says_when_a_machine_is_free_next():
    site = make_site(hours=every_day("08:00", "18:00"))
    _free, busy, later = (make_machine(site=site) for _ in range(3))
    make_outage(machine=make_machine(site=site))
    reserve(machine=busy, start=at("09:00"), end=at("11:00"), now=NOW - HOUR)
    reserve(machine=later, start=at("09:00"), end=at("13:00"), now=NOW - HOUR)
    reserve(machine=later, start=at("13:00"), end=at("17:00"), now=NOW - HOUR)
    reserve(machine=later, start=at("17:00"), end=at("18:00"), now=NOW - HOUR)

    assert next_words() == [
        "", "Next free: today, 11:00", "Next free: tomorrow, 08:00", "Not free in the next 7 days",
    ]  # fmt: skip


def test_card_keeps_to_the_notice_and_to_opening_hours():
    site = make_site(hours=every_day("08:00", "18:00"))
    make_machine(site=site, notice=HOUR * 2)
    make_machine(site=site, notice=HOUR * 12, attendance="start")
    make_machine(site=site, notice=HOUR * 30, window=minutes(30))

    assert next_words() == [
        "Next free: today, 11:00", "Next free: tomorrow, 08:00", "Not free in the next 7 days",
    ]  # fmt: skip


def test_qualified_person_finds_the_machine(browser, person, site):
    qualification = make_qualification()
    make_machine(site=site, name="Laser", qualification=qualification)
    grant(person=person, qualification=qualification)

    assert [card.machine.name for card in browser.get("/find/").context["cards"]] == ["Laser"]


@pytest.mark.parametrize(
    ("reader", "may_reserve", "said"),
    [("unqualified", False, "First the induction"), ("qualified", True, ""), ("team", True, ""),
     ("visitor", True, "Sign in to see whether you have it")],
)  # fmt: skip
def test_machine_page_says_what_is_missing_before_it_offers_a_time(site, reader, may_reserve, said):
    laser = make_machine(site=site, name="Laser", qualification=make_qualification())
    who = make_staff(site=site) if reader == "team" else make_person()
    if reader == "qualified":
        grant(person=who, qualification=laser.qualification)
    client = Client(headers={"accept-language": "en"})
    if reader != "visitor":
        client.force_login(who, backend="people.sign_in_backends.PersonBackend")

    html = client.get(laser.get_absolute_url()).content.decode()

    times = html.split(">When?</h2>", 1)[1]
    assert (f"/reserve/?machine={laser.slug}" in times, said in times) == (may_reserve, True)
    assert ("First the induction" in html) == (reader == "unqualified")
