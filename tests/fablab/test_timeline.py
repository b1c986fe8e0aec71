"""The timeline as words: a day and a week, filters, who reads names, the nights when the clock changes, paper."""

import datetime as dt
import json
import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from machines.models import Machine, OpeningException
from people.lab import lab_for_change, save_lab
from people.models import Module, Person, Role, Site
from reservations.models import Reservation, Status
from tests.api.lab import hold
from tests.fablab.settings_pages import signed_in
from tests.fablab.test_query_counts import is_frame
from tests.factories import (
    NOW,
    at,
    every_day,
    give_role,
    make_category,
    make_exception,
    make_machine,
    make_outage,
    make_person,
    make_site,
    make_staff,
    make_team,
    turn_off,
)

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
TODAY = NOW.astimezone(dt.UTC).date()
DAY = TODAY + dt.timedelta(days=2)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site(name="Riverside", hours=every_day("10:00", "19:00"))


@pytest.fixture
def laser(site: Site) -> Machine:
    return make_machine(site=site, name="Laser 7", category=make_category(name_en="Laser cutter", name_fr="Laser"))


@pytest.fixture
def holder(site: Site) -> Person:
    person = make_person(first_name="Zorobabel", last_name="Quillfeather")
    give_role(person=person, site=site, role=Role.MEMBER)
    return person


def page(client: Client | None = None, **query: str) -> str:
    response = (client or Client()).get(
        reverse("timeline"), {"day": DAY.isoformat()} | query, HTTP_ACCEPT_LANGUAGE="en"
    )
    assert response.status_code == 200
    return response.content.decode()


def stretches(html: str) -> list[str]:
    """The words of each stretch, in order."""
    found = re.findall(r'<li class="stretch[^"]*">(.*?)</li>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in found]


def facts(html: str) -> dict:
    found = re.search(r'<script id="timeline-facts" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def local(text: str, day: dt.date = DAY) -> dt.datetime:
    return at(f"{day} {text}")


def test_day_says_what_is_free_and_taken_and_leads_to_reserving(laser, holder):
    hold(laser, holder, local("12:00"), local("14:00"))

    html = page()

    assert stretches(html) == [
        "10:00 – 12:00 free Reserve", "12:00 – 14:00 taken", "14:00 – 19:00 free Reserve",
    ]  # fmt: skip
    assert f"{reverse('reserve')}?machine={laser.slug}&amp;day={DAY}" in html


def test_week_holds_the_seven_days_of_the_chosen_one(laser, site):
    monday = DAY - dt.timedelta(days=DAY.weekday()) + dt.timedelta(days=7)
    make_exception(site=site, date=str(monday + dt.timedelta(days=1)))

    html = page(view="week", day=str(monday + dt.timedelta(days=3)))

    days = re.findall(r"<h3>(\w{3} \d+ \w{3})</h3>", html)
    assert len(days) == 7
    assert days[0].startswith("Mon")
    assert stretches(html) == ["10:00 – 19:00 free Reserve", "Closed", *["10:00 – 19:00 free Reserve"] * 5]


@pytest.mark.parametrize("view", ["day", "week", "print"])
@pytest.mark.parametrize("attendance", ["throughout", "start"])
def test_closed_day_says_why(laser, site, view, attendance):
    Machine.objects.filter(pk=laser.pk).update(attendance=attendance)
    OpeningException.objects.create(site=site, date=DAY, title="Works")

    html = page(**({"print": "1"} if view == "print" else {"view": view}))

    [said] = re.findall(r'<ul class="timeline-closed">(.*?)</ul>', html, re.DOTALL)
    assert "Closed: Works" in said
    assert "Closed: Works" in stretches(html)
    assert re.findall(rf"/reserve/[^\"]*day={DAY}", html) == []


def test_closed_day_says_why_where_it_is_drawn(laser, site):
    OpeningException.objects.create(site=site, date=DAY, title="Works")

    shades = [shade for shade in facts(page())["shades"] if shade["kind"] == "closed-day"]

    assert [(shade["words"], shade["machines"]) for shade in shades] == [("Closed: Works", [laser.slug])]


def test_time_of_a_team_is_named_to_its_members_only(site, laser, holder):
    mate, stranger = make_person(), make_person()
    team = make_team(site=site, members=[holder, mate])
    held = hold(laser, holder, local("12:00"), local("14:00"))
    Reservation.objects.filter(pk=held.pk).update(team=team)

    readers = [signed_in(person) for person in (holder, mate, stranger)]
    seen = [next(words for words in stretches(page(reader)) if words.startswith("12:00")) for reader in readers]

    assert seen == [
        f"12:00 – 14:00 yours · {team.name}", f"12:00 – 14:00 {team.name}", "12:00 – 14:00 taken",
    ]  # fmt: skip


def test_what_is_taken_looks_unlike_what_is_yours(laser, holder):
    hold(laser, holder, local("12:00"), local("14:00"))

    mine, of_others = page(signed_in(holder)), page()

    assert ("stretch-yours" in mine, "stretch-taken" in mine) == (True, False)
    assert ("stretch-yours" in of_others, "stretch-taken" in of_others) == (False, True)
    assert [re.findall(r'stretch-(?:yours|taken)".*?#i-([-\w]+)', html, re.DOTALL) for html in (mine, of_others)] == [
        ["person"], ["dash-lg"],
    ]  # fmt: skip


def test_machine_out_of_service_says_so(laser):
    make_outage(machine=laser, start=local("09:00"), end=local("15:00"))

    assert stretches(page())[0] == "09:00 – 15:00 out of service"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Laser 7", "Lathe"}),
        ({"category": "LASER"}, {"Laser 7"}),
        ({"machine": "LATHE"}, {"Lathe"}),
        ({"site": "YONDER"}, {"Saw"}),
        ({"machine": "SAW"}, {"Saw"}),
        ({"category": "no-such"}, set()),
    ],
    ids=[
        "all of the first place",
        "one kind",
        "one machine",
        "the other place",
        "a machine of the other place",
        "none",
    ],
)
def test_filters_choose_the_machines(site, laser, query, names):
    lathe = make_machine(site=site, name="Lathe")
    yonder = make_site(name="Yonder")
    saw = make_machine(site=yonder, name="Saw")
    words = {"LASER": laser.category.slug, "LATHE": lathe.slug, "SAW": saw.slug, "YONDER": yonder.slug}

    html = page(**{name: words.get(value, value) for name, value in query.items()})

    assert set(re.findall(r'<h2><a href="/machines/[^"]*">(.*?)</a></h2>', html)) == names
    assert ("No machine matches" in html) == (not names)


@pytest.mark.parametrize("view", ["day", "week"])
@pytest.mark.parametrize("reader", ["anonymous", "member", "team of another place"])
def test_nobody_else_reads_who_it_is(laser, holder, reader, view):
    held = hold(laser, holder, local("12:00"), local("14:00"))
    client = None
    if reader == "member":
        client = signed_in(make_person())
    elif reader == "team of another place":
        client = signed_in(make_staff(site=make_site(name="Hilltop")))

    html = page(client, view=view)

    assert "12:00 – 14:00 taken" in stretches(html)
    assert [word for word in ("Zorobabel", "Quillfeather", held.reference, "wedding") if word in html] == []


def test_team_reads_names_and_the_holder_what_is_theirs(site, laser, holder):
    held = hold(laser, holder, local("12:00"), local("14:00"), Status.PENDING)

    seen_by_team, seen_by_holder = page(signed_in(make_staff(site=site))), page(signed_in(holder))

    assert "12:00 – 14:00 Zorobabel Quillfeather · asked for" in stretches(seen_by_team)
    assert "12:00 – 14:00 yours · asked for" in stretches(seen_by_holder)
    assert all(reverse("reservation", args=[held.reference]) in html for html in (seen_by_team, seen_by_holder))


@pytest.mark.parametrize(
    ("day", "hours", "first"),
    [("2026-03-29", 23, "00:00 – 24:00 free Reserve"), ("2026-10-25", 25, "00:00 – 02:30 free Reserve")],
    ids=["spring", "autumn"],
)
def test_night_when_the_clock_changes_is_whole(day, hours, first):
    with time_machine.travel(at(f"{day} 00:00") - dt.timedelta(days=3), tick=False):
        laser = make_machine(site=make_site())
        if hours == 25:
            # The second half past two.
            start = dt.datetime.fromisoformat(f"{day}T00:30:00+00:00")
            hold(laser, make_person(), start, start + dt.timedelta(hours=1))
        html = page(day=day)

    drawn = facts(html)
    assert stretches(html)[0] == first
    assert drawn["hours"] == [0, hours]
    assert [piece["lasts"] for piece in drawn["pieces"]] == [hours * 3600_000]


def test_drawing_holds_no_reservation_and_knows_where_nothing_can_be_reserved(laser, holder):
    hold(laser, holder, local("12:00"), local("14:00"))

    drawn = facts(page(signed_in(holder)))

    assert drawn["hours"] == [10, 19]
    assert [(shade["kind"], shade["machines"]) for shade in drawn["shades"]] == [("closed", [laser.slug])] * 2
    assert drawn["machines"] == [{"id": laser.slug, "title": "Laser 7", "url": reverse("machine", args=[laser.slug])}]
    assert drawn["may_reserve"] is True


def test_lab_without_the_api_has_the_words_alone(laser):
    turn_off(Module.API)

    html = page()

    assert "timeline-facts" not in html
    assert stretches(html) == ["10:00 – 19:00 free Reserve"]


def test_paper_has_no_drawing_and_no_filters(laser):
    html = page(print="1")

    assert "timeline-facts" not in html
    assert "timeline-filters" not in html
    assert stretches(html) == ["10:00 – 19:00 free Reserve"]


@pytest.mark.parametrize("day", ["", "9999-12-31", "yesterday"])
def test_day_that_is_none_is_today(laser, day):
    assert f'value="{TODAY}"' in page(day=day)


def test_lab_without_a_place_says_what_comes_first():
    lab = lab_for_change()
    lab.set_up_at = NOW
    save_lab(lab)

    assert "This lab has no place yet" in page()


@pytest.mark.parametrize("view", ["day", "week"])
@pytest.mark.parametrize("role", ["anonymous", "manager"])
def test_page_takes_few_queries_however_many_machines(site, holder, view, role):
    client = (
        Client(headers={"accept-language": "en"})
        if role == "anonymous"
        else signed_in(make_staff(site=site, role=Role.FAB_MANAGER))
    )
    counts = []
    for many in (3, 37):
        for n in range(many):
            machine = make_machine(site=site, name=f"{many}-{n}")
            hold(machine, holder, local("12:00"), local("13:00"))
            make_outage(machine=machine, start=local("15:00"), end=local("16:00"))
        page(client, view=view)
        with CaptureQueriesContext(connection) as captured:
            page(client, view=view)
        asked = [query["sql"] for query in captured.captured_queries if not is_frame(query["sql"])]
        counts.append(len(asked))

    assert counts[0] == counts[1], asked
    assert counts[1] <= MOST_QUERIES, asked
