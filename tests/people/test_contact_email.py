"""A contact address may be shared by a family: it opens nobody's account. A login address does."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from people.models import Person
from tests.factories import make_person, make_site

pytestmark = pytest.mark.django_db
ADDRESS, PASSWORD = "family@home.example", "correct-horse-battery"


@pytest.fixture
def child() -> Person:
    make_site()
    person = make_person(contact_email=ADDRESS)
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(login: str) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": login, "password": PASSWORD})
    return client


def test_contact_address_signs_nobody_in(child: Person) -> None:
    assert "_auth_user_id" not in sign_in(ADDRESS).session


def test_contact_address_receives_no_way_in(child: Person) -> None:
    Client().post(reverse("account_reset_password"), {"email": ADDRESS})

    assert all("reset/key" not in message.body for message in mail.outbox)


def test_login_address_signs_in(child: Person) -> None:
    EmailAddress.objects.create(user=child, email=ADDRESS, verified=True, primary=True)

    assert sign_in(ADDRESS).session["_auth_user_id"] == str(child.pk)


def test_card_code_signs_in(child: Person) -> None:
    assert sign_in(child.card_code).session["_auth_user_id"] == str(child.pk)


def test_address_of_a_new_account_is_its_contact_too() -> None:
    make_site()

    Client().post(
        reverse("account_signup"),
        {"first_name": "Ana", "last_name": "Diaz", "email": "ana@home.example", "password1": PASSWORD},
    )

    person = Person.objects.get()
    assert person.contact_email == "ana@home.example"
    assert EmailAddress.objects.get().user == person
