"""Pages about somebody who is erased while the form is on its way say so in a sentence, and write nothing."""

import pytest
from django.test import Client
from django.urls import reverse

from people.group_services import create_group
from people.models import Person
from tests.fablab.erased_meanwhile import erased_once_read
from tests.factories import NOW, give_role, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db
SAID = "This person&#x27;s file was erased a moment ago."
PAGES = {
    "people-edit": {"first_name": "Odile", "last_name": "Faure", "language": "fr"},
    "people-household": {"person": "{other}"},
    "people-guardian": {"person": "{other}"},
    "people-card": {"with_code": "1"},
    "people-code": {},
    "people-email": {"email": "odile@lab.example"},
    "people-suspend": {"reason": "Noise"},
    "people-role": {"role": "member"},
    "people-groups": {"group": "{group}", "start": "2030-05-01"},
    "people-credits-give": {"amount": "5"},
}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def person() -> Person:
    return make_person(first_name="Odile", last_name="Faure")


@pytest.fixture
def desk(person: Person) -> Client:
    """A manager's browser, at a place that knows the person."""
    site = make_site()
    give_role(person=person, site=site)
    client = Client(headers={"accept-language": "en"})
    manager = make_staff(site=site, role="fab_manager")
    client.force_login(manager, backend="people.sign_in_backends.PersonBackend")
    return client


def told(client: Client, url: str, form: dict[str, str]) -> str:
    """What is read after sending the form: on the page it came from, else on the next that is open to them."""
    response = client.post(url, form)
    assert response.status_code in (302, 400)
    here = response.content.decode()
    if response.status_code == 400:
        return here
    page = client.get(response.headers["location"])
    assert page.status_code == 200
    return page.content.decode()


@pytest.mark.parametrize(("name", "form"), PAGES.items(), ids=PAGES.keys())
def test_page_says_that_the_file_is_gone(desk: Client, person: Person, name: str, form: dict[str, str]) -> None:
    other = make_person(first_name="Ana")
    give_role(person=other, site=person.role_grants.get().site)
    group = create_group(kind="plan", name_fr="Mensuel", name_en="Monthly", by=None, now=NOW)
    filled = {key: value.format(other=other.reference, group=group.pk) for key, value in form.items()}

    with erased_once_read(person):
        text = told(desk, reverse(name, args=[person.reference]), filled)

    person.refresh_from_db()
    assert SAID in text
    assert (person.first_name, person.last_name) == ("", "")


@pytest.mark.parametrize("deed", ["leave-household", "take-email", "new-card"])
def test_deed_on_a_file_says_that_it_is_gone(desk: Client, person: Person, deed: str) -> None:
    with erased_once_read(person):
        text = told(desk, reverse("people-act", args=[person.reference, deed]), {})

    assert SAID in text


def test_desk_says_it_of_somebody_who_comes_in(desk: Client, person: Person) -> None:
    with erased_once_read(person):
        text = told(desk, reverse("desk-arrives"), {"person": person.reference})

    assert SAID in text
