"""After a form with errors the keyboard is at what is wrong: at the summary, or at the field that the page chose."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from people.models import Role
from tests.fablab.settings_pages import signed_in
from tests.factories import give_role, make_machine, make_person, make_qualification

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name",
    ["desk-welcome", "desk-groups", "settings-hours", "settings-closures", "settings-outages", "people-qualify",
     "manage-kiosk-enrol", "people-import", "team-new", "people-new", "account_login", "account_signup"],
)  # fmt: skip
def test_errors_take_the_keyboard(site, manager, manager_client, name):
    make_machine(site=site)
    make_qualification()
    client = Client() if name.startswith("account") else manager_client
    args = [site.slug] if name.startswith("settings") else []
    answer = {"opens_1_0": "25:00", "person": manager.reference}

    page = client.post(reverse(name, args=args), answer).content.decode()

    assert page.count(" autofocus") == 1
    assert re.search(r'<section class="denials"[^>]* tabindex="-1" autofocus', page)


def test_page_without_errors_leaves_the_keyboard_at_its_top(manager_client):
    assert " autofocus" not in manager_client.get(reverse("desk-groups")).content.decode()


def test_somebody_of_the_team_is_found_as_such(site, manager, manager_client):
    helper = make_person(first_name="Odile", last_name="Brun")
    give_role(person=helper, site=site, role=Role.MEDIATOR)
    page = manager_client.get(reverse("settings-roles", args=[site.slug]), {"q": "Odile"}).content.decode()

    assert "already of the team: digital mediator" in page
    assert " checked" not in page


def test_somebody_who_has_every_role_cannot_be_chosen(site, manager_client):
    helper = make_person(first_name="Odile", last_name="Brun")
    for role in (Role.SUPERVISOR, Role.MEDIATOR, Role.FAB_MANAGER, Role.ADMINISTRATOR):
        give_role(person=helper, site=site, role=role)

    page = manager_client.get(reverse("settings-roles", args=[site.slug]), {"q": "Odile"}).content.decode()

    assert re.search(r'name="person"[^>]*disabled', page)


def test_newcomer_found_alone_is_chosen_already(site, manager_client):
    newcomer = make_person(first_name="Odile", last_name="Brun")
    give_role(person=newcomer, site=site, role=Role.MEMBER)
    client = signed_in(newcomer)

    page = manager_client.get(reverse("settings-roles", args=[site.slug]), {"q": "Odile"}).content.decode()

    assert re.search(r'name="person"[^>]*checked', page)
    assert client.get(reverse("settings-roles", args=[site.slug])).status_code == 403
