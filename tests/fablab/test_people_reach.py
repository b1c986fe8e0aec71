"""How far one may go with somebody's file: the data of every site at once, decisions of another place, second keys."""

import datetime as dt

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from machines.qualification_services import revoke_qualification
from people.errors import NotAllowed
from people.models import ApiToken, FileAccess, Person, Role, Site
from people.services import grant_role, lift_suspension, suspend_person
from people.sign_in import take_email_sign_in, take_second_keys
from tests.factories import (
    NOW,
    give_role,
    give_second_key,
    grant,
    make_person,
    make_qualification,
    make_site,
    make_staff,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> Site:
    return make_site(name="Riverside")


@pytest.fixture
def there() -> Site:
    return make_site(name="Hilltop")


def browser(person: Person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend="people.sign_in_backends.PersonBackend")
    return client


def member(*sites: Site) -> Person:
    person = make_person()
    for site in sites:
        give_role(person=person, site=site)
    return person


BUTTONS = ("lift-suspension", "revoke-qualification")


@pytest.mark.parametrize(("decided_here", "shown"), [(True, 2), (False, 0)], ids=["here", "at another place"])
def test_buttons_stand_where_the_deed_is_allowed(here: Site, there: Site, decided_here: bool, shown: int) -> None:
    person, me = member(here, there), make_staff(site=here, role=Role.MEDIATOR)
    decider = make_staff(site=here if decided_here else there, role=Role.MEDIATOR)
    suspend_person(person=person, reason="Left alone", by=decider, now=timezone.now() - dt.timedelta(days=1))
    held = grant(person=person, qualification=make_qualification())
    held.granted_by = decider
    held.save()

    page = browser(me).get(reverse("people-person", args=[person.reference])).content.decode()

    assert sum(reverse("people-act", args=[person.reference, deed]) in page for deed in BUTTONS) == shown
    assert ("of the team that decided this" in page) is not decided_here


def test_nobody_is_shown_a_button_to_lift_their_own_suspension(here: Site) -> None:
    me = make_staff(site=here, role=Role.MEDIATOR)
    manager = make_staff(site=here, role=Role.FAB_MANAGER)
    suspend_person(person=me, reason="Left alone", by=manager, now=timezone.now() - dt.timedelta(days=1))

    page = browser(me).get(reverse("people-person", args=[me.reference])).content.decode()

    assert reverse("people-act", args=[me.reference, "lift-suspension"]) not in page


@pytest.mark.parametrize("page", ["people-export", "people-erase"])
def test_data_of_every_site_is_taken_by_who_manages_them_all(here: Site, there: Site, page: str) -> None:
    person, manager = member(here, there), make_staff(site=here, role=Role.FAB_MANAGER)
    url, client = reverse(page, args=[person.reference]), browser(manager)

    refused = client.post(url, {"name": str(person)})
    give_role(person=manager, site=there, role=Role.FAB_MANAGER)
    done = browser(Person.objects.get(pk=manager.pk)).post(url, {"name": str(person)})

    assert (refused.status_code, "a place that you do not manage" in refused.content.decode()) == (403, True)
    assert done.status_code == (200 if page == "people-export" else 302)


def test_data_of_a_higher_role_and_ones_own_file_are_out_of_reach(here: Site) -> None:
    manager, boss = make_staff(site=here, role=Role.FAB_MANAGER), make_staff(site=here, role=Role.ADMINISTRATOR)
    client = browser(manager)

    answers = [client.post(reverse("people-export", args=[boss.reference])),
               client.get(reverse("people-erase", args=[manager.reference]))]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403, 403]


def test_names_of_another_places_team_are_not_read_in_a_file(here: Site, there: Site) -> None:
    person, far = member(here, there), make_staff(site=there, first_name="Faraway")
    held = grant(person=person, qualification=make_qualification())
    held.granted_by = far
    held.save()
    suspend_person(person=person, reason="Noise", by=far, now=timezone.now())
    url = reverse("people-person", args=[person.reference])

    shown = browser(make_staff(site=here)).get(url).content.decode()

    assert "Faraway" not in shown
    assert shown.count("another place") == 3
    assert "Faraway" in browser(make_staff(site=there)).get(url).content.decode()


def test_what_another_place_decided_is_ended_by_its_own_team(here: Site, there: Site) -> None:
    person, far, near = member(here, there), make_staff(site=there), make_staff(site=here)
    suspension = suspend_person(person=person, reason="Noise", by=far, now=NOW)
    held = grant(person=person, qualification=make_qualification())
    held.granted_by = far
    held.save()
    later = NOW + dt.timedelta(hours=1)

    for end in (lambda by: lift_suspension(suspension=suspension, by=by, now=later),
                lambda by: revoke_qualification(grant=held, by=by, now=later)):  # fmt: skip
        with pytest.raises(NotAllowed) as refused:
            end(near)
        assert refused.value.code == "of_another_place"
        end(make_staff(site=there))

    suspension.refresh_from_db()
    held.refresh_from_db()
    assert (suspension.end, held.expires_at) == (later, later)


# --- second keys and programs' keys -----------------------------------------------------------------------------


def test_lost_second_key_is_taken_away_and_every_browser_with_it(here: Site) -> None:
    mediator, boss = make_staff(site=here, role=Role.MEDIATOR), make_staff(site=here, role=Role.ADMINISTRATOR)
    open_browser, client = browser(mediator), browser(boss)

    shown = client.get(reverse("people-person", args=[mediator.reference])).content.decode()
    client.post(reverse("people-act", args=[mediator.reference, "new-second-key"]))

    assert "The second key is lost" in shown
    assert list(Authenticator.objects.values_list("user", flat=True)) == [boss.pk]
    assert reverse("account_login") in open_browser.get("/me/").url
    assert FileAccess.objects.filter(person=mediator, by=boss, deed="changed").count() == 1


@pytest.mark.parametrize("who", ["a manager", "of another site", "oneself"])
def test_second_key_is_not_taken_by(here: Site, there: Site, who: str) -> None:
    mediator = make_staff(site=here, role=Role.MEDIATOR)
    boss = make_staff(site=here, role=Role.ADMINISTRATOR)
    by = {
        "a manager": make_staff(site=here, role=Role.FAB_MANAGER),
        "of another site": make_staff(site=there, role=Role.ADMINISTRATOR),
        "oneself": boss,
    }[who]

    with pytest.raises(NotAllowed):
        take_second_keys(person=boss if who == "oneself" else mediator, by=by, now=NOW)


def give_program_key(person: Person) -> None:
    ApiToken.objects.create(user=person, expiry=dt.timedelta(days=1), name="script")


@pytest.mark.parametrize(("role", "stays"), [(Role.MEMBER, True), (Role.MEDIATOR, False)], ids=["member", "team"])
def test_role_of_the_team_does_not_grow_on_what_is_open(here: Site, role: Role, stays: bool) -> None:
    person, manager = make_person(), make_staff(site=here, role=Role.FAB_MANAGER)
    give_program_key(person)
    client = browser(person)

    grant_role(person=person, site=here, role=role, by=manager, now=timezone.now())

    assert ApiToken.objects.exists() == stays
    assert (client.get("/me/").status_code == 200) == stays


def test_email_sign_in_is_taken_with_passkeys_and_programs_keys(here: Site) -> None:
    person = member(here)
    give_program_key(person)
    give_second_key(person)
    Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={})

    take_email_sign_in(person=person, by=make_staff(site=here), now=NOW)

    assert not ApiToken.objects.filter(user=person).exists()
    assert not Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN).exists()


# --- what makes no sense ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", ["-5", "0", "1899", "2101", "99999"])
def test_year_of_birth_that_makes_no_sense_is_told_beside_its_field(here: Site, year: str) -> None:
    sent = {"first_name": "Odile", "last_name": "Faure", "birth_year": year, "town": ""}

    response = browser(make_staff(site=here)).post(reverse("people-new"), sent)

    assert (response.status_code, list(response.context["form"].errors)) == (400, ["birth_year"])
