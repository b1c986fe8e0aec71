"""What the admin may not do: delete what history hangs on; and what it must: let somebody without e-mail in."""

import re

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from tests.factories import NOW, make_machine, make_person, make_site

pytestmark = pytest.mark.django_db
BACKEND = "people.sign_in_backends.PersonBackend"


@pytest.fixture
def admin(client: Client) -> Client:
    make_site()
    client.force_login(make_person(is_superuser=True, is_staff=True), backend=BACKEND)
    return client


@pytest.mark.parametrize(
    "page", ["iot/device", "iot/usagesession", "printing/printjob", "machines/outage", "machines/qualificationgrant"]
)
def test_history_is_not_deleted_in_the_admin(admin: Client, page: str):
    answer = admin.get(f"/admin/{page}/")

    assert (answer.status_code, "delete_selected" in answer.content.decode()) == (200, False)


def test_machine_is_retired_and_not_deleted(admin: Client):
    machine = make_machine()

    assert admin.post(f"/admin/machines/machine/{machine.pk}/delete/", {"post": "yes"}).status_code == 403


def test_person_without_email_is_given_a_password_that_signs_in(admin: Client):
    person = make_person(contact_email="")

    answer = admin.post("/admin/people/person/", {"action": "make_password", "_selected_action": [person.pk]})
    said = str(next(iter(get_messages(answer.wsgi_request))))
    password = re.findall(r"[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}", said)[0]
    entered = Client().post("/accounts/login/", {"login": person.card_code, "password": password})

    assert (entered.status_code, entered.url) == (302, "/me/")


def test_file_that_was_erased_while_its_page_was_open_is_not_written_again(admin: Client):
    person = make_person(first_name="", is_active=False, erased_at=NOW)
    page = f"/admin/people/person/{person.pk}/change/"

    seen, sent = admin.get(page), admin.post(page, {"first_name": "Odile", "last_name": "Faure"})

    person.refresh_from_db()
    assert (seen.status_code, sent.status_code) == (200, 403)
    assert 'name="first_name"' not in seen.content.decode()
    assert person.first_name == ""
