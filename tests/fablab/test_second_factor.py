"""The team acts with two keys; until the second is there, only the page that asks for it opens."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.urls import reverse

from fablab.second_factor import ENROLLED, GOAL
from people.models import Role
from tests.api.lab import Lab, make_lab, make_token
from tests.factories import give_second_key, make_person, make_staff

pytestmark = pytest.mark.django_db
TEAM = [role for role in Role if role not in (Role.VISITOR, Role.MEMBER)]


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def signed_in(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend="people.sign_in_backends.PersonBackend")
    return client


def without_key(lab: Lab, role: Role) -> Client:
    person = make_staff(site=lab.site, role=role)
    Authenticator.objects.filter(user=person).delete()
    return signed_in(person)


@pytest.mark.parametrize("role", TEAM)
@pytest.mark.parametrize("path", ["/manage/", "/desk/", "/me/", "/machines/", "/admin/", "/reserve/"])
def test_team_without_second_key_is_asked_for_it(lab: Lab, role: Role, path: str) -> None:
    response = without_key(lab, role).get(path)

    assert (response.status_code, response.headers["location"]) == (302, reverse("second-factor"))


def test_superuser_without_second_key_does_not_reach_the_admin(lab: Lab) -> None:
    person = make_person(is_superuser=True, is_staff=True)
    Authenticator.objects.filter(user=person).delete()

    response = signed_in(person).get("/admin/people/person/")

    assert (response.status_code, response.headers["location"]) == (302, reverse("second-factor"))


def test_api_says_so_to_a_browser_of_the_team(lab: Lab) -> None:
    response = without_key(lab, Role.MEDIATOR).get("/api/v1/calendar/")

    assert response.status_code == 403
    assert response.json() == {"detail": "Add your second key first."}


@pytest.mark.parametrize("path", ["/me/second-key/", "/accounts/2fa/", "/accounts/logout/", "/healthz"])
def test_ways_to_the_second_key_and_out_stay_open(lab: Lab, path: str) -> None:
    response = without_key(lab, Role.FAB_MANAGER).get(path)

    assert response.headers.get("location", "") != reverse("second-factor")


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_either_key_opens_the_pages(lab: Lab, kind: str) -> None:
    person = make_staff(site=lab.site, role=Role.MEDIATOR)
    Authenticator.objects.filter(user=person).update(type=kind)

    response = signed_in(person).get("/manage/")

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("asked", "on"),
    [pytest.param("/desk/?site=riverside", "/desk/?site=riverside", id="was going"), pytest.param("", "/", id="home")],
)
def test_page_of_recovery_codes_leads_on(lab: Lab, asked: str, on: str) -> None:
    person = make_staff(site=lab.site, role=Role.MEDIATOR)
    person.set_password("correct-horse-battery")
    person.save()
    Authenticator.objects.filter(user=person).delete()
    client = Client(headers={"accept-language": "en"})
    client.post(reverse("account_login"), {"login": person.card_code, "password": "correct-horse-battery"})
    if asked:
        client.get(asked)
    give_second_key(person)
    RecoveryCodes.activate(person)
    session = client.session
    session[ENROLLED] = True
    session.save()

    page = client.get(reverse("mfa_view_recovery_codes"))
    client.get("/manage/")

    assert re.findall(r'href="([^"]+)">Go on', page.content.decode()) == [on]
    assert GOAL not in client.session


def test_recovery_codes_alone_are_no_second_key(lab: Lab) -> None:
    person = make_staff(site=lab.site, role=Role.MEDIATOR)
    Authenticator.objects.filter(user=person).update(type="recovery_codes")

    assert signed_in(person).get("/manage/").status_code == 302


def test_member_needs_none(lab: Lab) -> None:
    assert lab.client("other").get("/me/").status_code == 200


def test_key_is_asked_for_at_sign_in(lab: Lab) -> None:
    person = make_staff(site=lab.site, role=Role.MEDIATOR)
    person.set_password("correct-horse-battery")
    person.save()
    client = Client()

    response = client.post(reverse("account_login"), {"login": person.card_code, "password": "correct-horse-battery"})

    assert (response.status_code, response.headers["location"]) == (302, reverse("mfa_authenticate"))
    assert "_auth_user_id" not in client.session


def test_demo_asks_for_none(lab: Lab, settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False

    assert without_key(lab, Role.FAB_MANAGER).get("/manage/").status_code == 200


def test_sign_in_page_of_the_admin_is_the_same_as_everybodys(lab: Lab) -> None:
    person = make_person(is_superuser=True, is_staff=True)
    person.set_password("correct-horse-battery")
    person.save()
    client = Client()

    response = client.post("/admin/login/", {"username": person.card_code, "password": "correct-horse-battery"})

    assert response.status_code == 302
    assert response.headers["location"].startswith(reverse("account_login"))
    assert "_auth_user_id" not in client.session


def test_page_of_somebody_signed_in_is_not_kept_by_the_browser(lab: Lab) -> None:
    assert lab.client("holder").get("/me/").headers["Cache-Control"] == "no-store"
    assert lab.client("anonymous").get("/machines/").headers.get("Cache-Control", "") != "no-store"


def test_session_from_before_the_key_is_not_trusted(lab: Lab) -> None:
    person = make_staff(site=lab.site, role=Role.MEDIATOR)
    Authenticator.objects.filter(user=person).delete()
    thief = signed_in(person)
    give_second_key(person)

    response = thief.get("/manage/")
    page = thief.get(reverse("second-factor")).content.decode()

    assert (response.status_code, response.headers["location"]) == (302, reverse("second-factor"))
    assert "Sign in once more" in page


def test_token_of_the_team_needs_the_second_key_too(lab: Lab) -> None:
    person = make_staff(site=lab.site, role=Role.MEDIATOR)
    _row, key = make_token(person, "read")
    program = Client(headers={"authorization": f"Token {key}", "accept-language": "en"})
    with_key = program.get("/api/v1/reservations/")
    Authenticator.objects.filter(user=person).delete()

    without = program.get("/api/v1/reservations/")

    assert with_key.status_code == 200
    assert (without.status_code, without.json()["detail"]) == (401, "Add your second key first.")
