"""Inductions on pages: asked for where one is refused, answered in a list, counted on the overview; the API's way."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.models import InductionRequest, QualificationGrant
from people.models import Role
from reservations.next_steps import NextStep, RefusedPerson, next_step_of, register_next_step
from tests.api.lab import ALL_SCOPES, api_client, make_token
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import give_role, grant, make_machine, make_person, make_qualification, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return open_site()


@pytest.fixture
def person(site):
    who = make_person(first_name="Ines", last_name="Moreau", phone="+33 1 23 45", contact_email="ines@example.org")
    give_role(person=who, site=site)
    return who


@pytest.fixture
def machine(site):
    return make_machine(site=site, qualification=make_qualification(), name="Laser")


@pytest.fixture
def asked(machine, person):
    return InductionRequest.objects.create(
        person=person, qualification=machine.qualification, site=machine.site, asked_at=timezone.now()
    )


def tomorrow(machine):
    day = timezone.now().astimezone(machine.site.zone).date() + dt.timedelta(days=1)
    return f"?machine={machine.slug}&day={day.isoformat()}&start=10:00&end=11:00"


def test_refusal_offers_the_induction_and_leads_back(machine, person):
    browser, url = signed_in(person), reverse("reserve-confirm") + tomorrow(machine)

    way = browser.get(url).context["denials"][0].way
    answer = browser.post(way.url)
    again = browser.get(url).context["denials"][0].way

    assert (way.words, way.is_posted, answer.headers["Location"]) == ("Ask for the induction", True, url)
    assert InductionRequest.objects.get().person == person
    assert again.words.startswith("You asked for the induction on")
    assert again.url == ""


def test_address_of_the_button_asks_first_when_it_is_read(machine, person):
    page = signed_in(person).get(reverse("induction-ask", args=[machine.slug]))

    assert "Ask for the induction?" in words_of(page)
    assert not InductionRequest.objects.exists()


def test_machine_page_offers_it_to_whoever_does_not_hold_it(machine, person):
    url, browser = machine.get_absolute_url(), signed_in(person)

    offered = words_of(browser.get(url))
    anonymous = words_of(browser.__class__(headers={"accept-language": "en"}).get(url))
    grant(person=person, qualification=machine.qualification)
    held = words_of(browser.get(url))

    assert ["Ask for the induction" in page for page in (offered, anonymous, held)] == [True, False, False]


def test_machine_that_asks_for_nothing_has_no_induction(site, person):
    answer = signed_in(person).get(reverse("induction-ask", args=[make_machine(site=site).slug]))

    assert answer.status_code == 404


def test_list_shows_how_to_reach_them_and_overview_counts(asked, site):
    browser = signed_in(make_staff(site=site, role=Role.SUPERVISOR))

    page = words_of(browser.get(reverse("manage-inductions")))
    overview = words_of(browser.get(reverse("manage")))

    assert "Ines Moreau" in page
    assert "+33 1 23 45" in page
    assert "ines@example.org" in page
    assert "Somebody waits for an induction Laser cutting" in overview


def test_team_of_another_place_sees_none_and_answers_none(asked):
    browser = signed_in(make_staff(site=make_site(), role=Role.FAB_MANAGER))

    page = words_of(browser.get(reverse("manage-inductions")))
    answer = browser.post(reverse("manage-induction-answer", args=[asked.pk, "close"]), {"words": ""})

    assert "Ines Moreau" not in page
    assert answer.status_code == 403


def test_done_grants_the_qualification(asked, manager_client):
    answer = manager_client.post(
        reverse("manage-induction-answer", args=[asked.pk, "grant"]), {"level": "2", "lasts": "never"}
    )

    assert answer.status_code == 302
    assert QualificationGrant.objects.get().person == asked.person
    assert "Nobody waits for an induction" in words_of(manager_client.get(reverse("manage-inductions")))


def test_what_is_wrong_is_said_in_the_open_card(asked, manager_client):
    answer = manager_client.post(
        reverse("manage-induction-answer", args=[asked.pk, "grant"]), {"level": "2", "lasts": "other"}
    )

    assert answer.status_code == 400
    assert "Choose the last day" in words_of(answer)


def test_second_answer_is_told_so(asked, manager_client):
    url = reverse("manage-induction-answer", args=[asked.pk, "close"])
    manager_client.post(url, {"words": "Come on Thursday"})

    again = manager_client.post(url, {"words": ""}, follow=True)

    assert "has answered this already" in words_of(again)


def test_me_shows_what_was_asked_for(asked, person):
    page = words_of(signed_in(person).get(reverse("me")))

    assert "Laser cutting asked on" in page


def test_api_gives_the_way_on(machine, person, settings):
    _row, key = make_token(person, *ALL_SCOPES)
    start = (timezone.now() + dt.timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    data = {"machine": machine.slug, "start": start.isoformat(), "end": (start + dt.timedelta(hours=1)).isoformat()}

    answer = api_client(key).post(reverse("api-reservations"), data, content_type="application/json")

    denial = next(each for each in answer.json()["denials"] if each["code"] == "qualification_missing")
    url = settings.PUBLIC_URL + reverse("induction-ask", args=[machine.slug])
    assert denial["next"] == {"words": "Ask for the induction", "url": url}


def test_upper_apps_register_steps_of_their_own(machine, person):
    from fablab.lib.denials import Denial

    register_next_step("of_tomorrow", lambda denial, refused: NextStep(f"Go on, {refused.person}", "/there/"))

    found = next_step_of(Denial("of_tomorrow"), RefusedPerson(machine, person))
    nothing = next_step_of(Denial("closed"), RefusedPerson(machine, person))

    assert (found, nothing) == (NextStep("Go on, Ines Moreau", "/there/"), None)


def test_team_is_led_to_the_person_not_to_themselves(machine, person):
    from fablab.lib.denials import Denial

    unsigned, missing = Denial("rules_unsigned", {"rules": 1, "of": "x"}), Denial("qualification_missing")
    told = RefusedPerson(machine, person, is_told_to_team=True)

    assert next_step_of(unsigned, told).url == reverse("people-rules", args=[person.reference])
    assert next_step_of(missing, told) is None
