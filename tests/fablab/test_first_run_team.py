"""The team on the first day, and the sheet by which they sign in."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from people.models import Person, Role, RoleGrant
from tests.fablab.first_run_pages import PASSWORD, answer, begun, page
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return begun()


BO = {"first_name": "Bo", "last_name": "Petit", "email": "", "role": "mediator"}


def member(name: str = "Bo") -> RoleGrant:
    return RoleGrant.objects.exclude(role=Role.MEMBER).get(person__first_name=name)


def test_team_member_is_added_once(client: Client) -> None:
    first = answer(client, "team", BO)
    again = answer(client, "team", BO)

    assert first == page("team")
    assert "on the list already" in again
    assert Person.objects.count() == 2
    assert member().role == Role.MEDIATOR


def test_continue_adds_who_was_typed_and_an_empty_form_adds_nobody(client: Client) -> None:
    with_name = answer(client, "team", BO | {"go-on": "1"})
    empty = answer(client, "team", {"role": "mediator", "go-on": "1"})

    assert (with_name, empty) == (page("modules"), page("modules"))
    assert Person.objects.count() == 2


def test_team_member_is_changed_in_place(client: Client) -> None:
    answer(client, "team", BO)
    reference = member().person.reference

    changed = answer(client, "team", BO | {"last_name": "Grand", "role": "supervisor"}, f"?person={reference}")

    assert changed == page("team")
    assert (member().person.last_name, member().role) == ("Grand", Role.SUPERVISOR)
    assert Person.objects.count() == 2


def test_removed_team_member_leaves_no_file(client: Client) -> None:
    answer(client, "team", BO | {"email": "bo@example.org"})

    client.post(reverse("first-run-person-remove", args=[member().person.reference]))

    assert Person.objects.count() == 1
    assert EmailAddress.objects.count() == 1


def test_administrator_cannot_be_removed_or_changed_as_a_team_member(client: Client) -> None:
    reference = Person.objects.get().reference

    removed = client.post(reverse("first-run-person-remove", args=[reference]))
    changed = client.post(page("team") + f"?person={reference}", BO)

    assert (removed.status_code, changed.status_code) == (404, 404)


def test_reference_that_no_text_may_hold_is_nobody(client: Client) -> None:
    assert client.get(page("team") + "?person=%00").status_code == 404


@pytest.mark.parametrize("change", [{"first_name": ""}, {"role": "visitor"}, {"email": "ada@example.org"}])
def test_team_member_that_makes_no_sense_is_asked_again(client: Client, change: dict[str, str]) -> None:
    assert next(iter(change)) in answer(client, "team", BO | change)
    assert Person.objects.count() == 1


def test_sheet_gives_each_a_first_password_that_works(client: Client) -> None:
    answer(client, "team", BO)

    response = client.post(reverse("first-run-sheet"))

    ((grant, password),) = response.context["slips"]
    person = Person.objects.get(pk=grant.person_id)
    assert person.check_password(password)
    assert {person.card_code, password} <= set(response.content.decode().replace("<", ">").split(">"))
    assert response["Cache-Control"].find("no-store") >= 0


def test_sheet_leaves_those_alone_who_have_signed_in(client: Client) -> None:
    answer(client, "team", BO)
    person = member().person
    person.set_password(PASSWORD)
    person.last_login = NOW
    person.save()

    response = client.post(reverse("first-run-sheet"))

    assert response.context["slips"] == []
    assert Person.objects.get(pk=person.pk).check_password(PASSWORD)


def test_sheet_opened_by_its_address_leads_to_the_button_and_changes_no_password(client: Client) -> None:
    answer(client, "team", BO)
    client.post(reverse("first-run-sheet"))
    before = member().person.password

    response = client.get(reverse("first-run-sheet"))

    assert (response.status_code, response["Location"]) == (302, page("team"))
    assert member().person.password == before


@pytest.mark.parametrize(
    ("address", "is_warned"), [("http://127.0.0.1:8000", True), ("https://lab.example", False)], ids=["here", "open"]
)
def test_sheet_warns_of_an_address_that_opens_here_only(
    client: Client, settings, address: str, is_warned: bool
) -> None:
    settings.ADDRESSES = [address]
    answer(client, "team", BO)

    sheet = client.post(reverse("first-run-sheet")).content.decode()

    assert ("This address opens on this computer only" in sheet) is is_warned
