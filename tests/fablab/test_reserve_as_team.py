"""Reserving in the name of a team: offered to its members only, and asked for at one place for page and API."""

import datetime as dt
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from people.lab import lab_for_change, save_lab
from people.models import Module, Team, TeamMembership
from reservations.errors import NotOfTheTeam
from reservations.models import Reservation
from tests.api.web import Web, environment, url_of_test_database
from tests.chromium import chromium_path, running_browser
from tests.conftest import skip_or_fail
from tests.factories import make_machine, make_person, make_site, make_staff, make_team, reserve

pytestmark = pytest.mark.django_db
PARIS = ZoneInfo("Europe/Paris")
BACKEND = "people.sign_in_backends.PersonBackend"


class Lab:
    """A machine, somebody signed in, and a team of theirs."""

    def __init__(self):
        self.machine = make_machine(site=make_site())
        self.person = make_person(language="en")
        self.team = make_team(site=self.machine.site, members=[self.person])
        self.client = Client(headers={"accept-language": "en"})
        self.client.force_login(self.person, backend=BACKEND)
        self.day = dt.datetime.now(PARIS).date() + dt.timedelta(days=1)
        self.asked = {"machine": self.machine.slug, "day": str(self.day), "start": "10:00", "end": "11:00"}

    def look(self, **more):
        return self.client.get(f"/reserve/confirm/?{urlencode(self.asked | more)}")

    def post(self, **more):
        return self.client.post("/reserve/confirm/", self.asked | more)


@pytest.fixture
def lab():
    return Lab()


def without_teams(_lab):
    kept = lab_for_change()
    kept.modules_off = [Module.TEAMS]
    save_lab(kept)


def test_member_chooses_between_their_own_name_and_the_teams(lab):
    elsewhere = make_team(site=make_site(), members=[lab.person])
    strangers = make_team(site=lab.machine.site, members=[make_person()])

    page = lab.look().content.decode()

    assert '<option value="" selected>In my own name</option>' in page
    assert f'<option value="{lab.team.slug}">Bike repair</option>' in page
    assert elsewhere.slug not in page
    assert strangers.slug not in page


@pytest.mark.parametrize(
    "change",
    [
        lambda lab: TeamMembership.objects.all().delete(),
        lambda lab: Team.objects.update(archived_at=timezone.now()),
        without_teams,
    ],
    ids=["in no team", "archived", "no teams in this lab"],
)
def test_nothing_is_asked_where_there_is_no_choice(lab, change):
    change(lab)

    page = lab.look().content.decode()

    assert "In whose name?" not in page


@pytest.mark.parametrize(("named", "kept"), [(True, "Bike repair"), (False, None)], ids=["team", "oneself"])
def test_choice_is_kept(lab, named, kept):
    response = lab.post(team=lab.team.slug if named else "")

    made = Reservation.objects.get()
    assert response.status_code == 302
    assert (made.holder, made.team and made.team.name) == (lab.person, kept)


@pytest.fixture
def desk(lab):
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_staff(site=lab.machine.site), backend=BACKEND)
    return client


def test_team_at_the_desk_reserves_for_somebody_and_those_who_come(lab, desk):
    bo = make_person(first_name="Bo")
    TeamMembership.objects.create(team=lab.team, person=bo)
    asked = lab.asked | {"for": lab.person.reference}

    page = desk.get(f"/reserve/confirm/?{urlencode(asked)}").content.decode()
    answer = desk.post("/reserve/confirm/", asked | {
        "team": lab.team.slug, "asked": lab.team.slug, f"comes-{lab.team.slug}": [lab.person.reference, bo.reference],
    })  # fmt: skip

    assert '<option value="" selected>In their own name</option>' in page
    assert "(you)" not in page
    made = Reservation.objects.get()
    assert answer.status_code == 302
    assert (made.holder, made.team, made.holder_takes_part) == (lab.person, lab.team, True)
    assert list(made.participants.values_list("person", flat=True)) == [bo.pk]


@pytest.mark.parametrize("is_ticket", [True, False], ids=["ticket", "somebody in no team"])
def test_nothing_is_asked_at_the_desk_where_nobody_is_in_a_team(lab, desk, is_ticket):
    make_team(site=lab.machine.site, members=[make_person()])
    asked = lab.asked | {"for": "ticket" if is_ticket else make_person().reference}

    page = desk.get(f"/reserve/confirm/?{urlencode(asked)}").content.decode()
    refused = desk.post("/reserve/confirm/", asked | {"team": lab.team.slug})

    assert "In whose name?" not in page
    assert (refused.status_code, "They are in no such team." in refused.content.decode()) == (400, True)


def test_series_at_the_desk_keeps_the_team_and_who_comes(lab, desk):
    bo = make_person(first_name="Bo")
    TeamMembership.objects.create(team=lab.team, person=bo)

    desk.post("/reserve/repeat/", lab.asked | {
        "for": lab.person.reference, "team": lab.team.slug, "who": bo.reference, "every": "week", "times": "2",
    })  # fmt: skip

    rows = Reservation.objects.values_list("holder", "team", "holder_takes_part", "participants__person")
    assert list(rows) == [(lab.person.pk, lab.team.pk, False, bo.pk)] * 2


@pytest.mark.parametrize("ask", ["look", "post"])
@pytest.mark.parametrize("is_in_another", [True, False], ids=["member of another", "member of none"])
def test_team_of_others_is_refused_and_not_told_from_one_that_is_not(lab, ask, is_in_another):
    strangers = make_team(site=lab.machine.site, members=[make_person()])
    if not is_in_another:
        TeamMembership.objects.filter(person=lab.person).delete()

    answers = [getattr(lab, ask)(team=slug) for slug in (strangers.slug, "no-such-team")]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert all("You are in no such team." in answer.content.decode() for answer in answers)
    assert not Reservation.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda lab: TeamMembership.objects.all().delete(),
        lambda lab: Team.objects.update(archived_at=timezone.now()),
        lambda lab: Team.objects.update(site=make_site()),
        without_teams,
    ],
    ids=["in no team", "archived", "of another site", "no teams in this lab"],
)
def test_service_and_api_refuse_what_the_page_does_not_offer(lab, change):
    start = dt.datetime.combine(lab.day, dt.time(10), PARIS)
    asked = {"machine": lab.machine.slug, "start": start.isoformat(),
             "end": (start + dt.timedelta(hours=1)).isoformat(), "project": lab.team.slug}  # fmt: skip
    change(lab)

    answer = lab.client.post("/api/v1/reservations/", asked, content_type="application/json")

    assert (answer.status_code, answer.json()) == (400, {"project": ["You are in no such team."]})
    with pytest.raises(NotOfTheTeam):
        reserve(machine=lab.machine, start=start, end=start + dt.timedelta(hours=1), holder=lab.person,
                now=timezone.now(), team=lab.team)  # fmt: skip
    assert not Reservation.objects.exists()


def test_api_reserves_as_a_team_of_ones_own(lab):
    start = dt.datetime.combine(lab.day, dt.time(10), PARIS)
    asked = {"machine": lab.machine.slug, "start": start.isoformat(),
             "end": (start + dt.timedelta(hours=1)).isoformat(), "project": lab.team.slug}  # fmt: skip

    answer = lab.client.post("/api/v1/reservations/", asked, content_type="application/json")

    assert (answer.status_code, answer.json()["project"]) == (201, lab.team.slug)


def test_choice_outlives_the_end_of_the_session_and_a_refusal(lab):
    first = lab.post(team=lab.team.slug)
    refused = lab.post(team=lab.team.slug)
    lab.client.logout()

    sent_away = lab.post(team=lab.team.slug)

    assert (first.status_code, refused.status_code) == (302, 409)
    assert f"&amp;team={lab.team.slug}" in refused.content.decode()
    assert f"team%3D{lab.team.slug}" in sent_away.url


def test_team_is_named_to_holder_and_staff_and_to_nobody_else(lab):
    lab.post(team=lab.team.slug)
    made = Reservation.objects.get()
    staff = Client(headers={"accept-language": "en"})
    staff.force_login(make_staff(site=lab.machine.site), backend=BACKEND)
    stranger = Client()
    stranger.force_login(make_person(), backend=BACKEND)

    own, mine, seen = (
        client.get(path).content.decode()
        for client, path in (
            (lab.client, made.get_absolute_url()),
            (lab.client, "/me/"),
            (staff, made.get_absolute_url()),
        )
    )

    assert "In the name of “Bike repair”" in own
    assert "Bike repair" in mine
    assert "In the name of “Bike repair”" in seen
    assert stranger.get(made.get_absolute_url()).status_code == 404
    public = (
        "/",
        "/machines/",
        f"/machines/{lab.machine.slug}/",
        f"/reserve/?machine={lab.machine.slug}&day={lab.day}",
    )
    assert not [path for path in public if "Bike repair" in Client().get(path).content.decode()]
    assert Client().get(made.get_absolute_url()).status_code == 302


def test_team_is_not_named_while_the_lab_has_no_teams(lab):
    lab.post(team=lab.team.slug)
    made = Reservation.objects.get()
    without_teams(lab)

    pages = [lab.client.get(path).content.decode() for path in (made.get_absolute_url(), "/me/")]

    assert not [page for page in pages if "Bike repair" in page]


@pytest.mark.serial
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_choice_without_javascript_on_the_narrowest_screen(tmp_path):
    if chromium_path() is None:
        skip_or_fail("Chromium is not installed: the page is not walked through (apt-get install chromium).")
    lab = Lab()
    Team.objects.update(name="The friends of the bicycle repair workshop on the other side of the river")
    session = lab.client.cookies[settings.SESSION_COOKIE_NAME].value
    env = environment(url_of_test_database(), tmp_path, SECRET_KEY=settings.SECRET_KEY)
    with Web(env, tmp_path / "web.log") as web, running_browser() as browser:
        url = f"http://127.0.0.1:{web.port}"
        context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640}, locale="en-GB")
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/reserve/confirm/?{urlencode(lab.asked)}")
        choice = page.get_by_label("In whose name?")
        box = choice.bounding_box()

        choice.select_option(lab.team.slug)
        page.get_by_role("button", name="Reserve 10:00").click()

        page.get_by_text("In the name of “The friends").wait_for()
        assert box["height"] >= 44
        assert box["x"] + box["width"] <= 320
        context.close()
