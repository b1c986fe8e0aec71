"""The list of people as a file: who may take it away, what stands in it, and that it is noted."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import timezone

from people.models import FileAccess, Person, Role, Site
from tests.fablab.settings_pages import signed_in as browser
from tests.factories import give_role, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site(name="Riverside")


@pytest.fixture
def mediator(site) -> Person:
    return make_staff(site=site, role=Role.MEDIATOR)


def member(site: Site, **fields: object) -> Person:
    person = make_person(**fields)
    give_role(person=person, site=site)
    return person


def test_list_is_taken_away_by_managers_noted_and_harmless_in_a_spreadsheet(site, mediator):
    person, manager = member(site, first_name="=1+1", last_name="Faure"), make_staff(site=site, role=Role.FAB_MANAGER)
    foreign = make_person(first_name="Foreign")
    give_role(person=foreign, site=make_site())

    refused = browser(mediator).get(reverse("people-csv"))
    response = browser(manager).get(reverse("people-csv"))

    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))
    assert refused.status_code == 403
    assert ["'=1+1", "Faure"] in [row[:2] for row in rows]
    assert "Foreign" not in response.content.decode()
    assert FileAccess.objects.filter(person=person, by=manager, deed="exported").count() == 1


def test_list_names_the_adult_of_a_child_by_file_or_by_hand(site):
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    ana = member(site, first_name="Ana", last_name="Roy", phone="06 11 22 33 44")
    child = {"last_name": "Roy", "birth_year": timezone.now().year - 10}
    member(site, first_name="Nino", guardian=ana, **child)
    member(site, first_name="Lou", guardian_name="Max Roy", guardian_phone="06 55 66 77 88", **child)

    content = browser(manager).get(reverse("people-csv")).content.decode("utf-8-sig")

    rows = {row["First name"]: row for row in csv.DictReader(io.StringIO(content), delimiter=";")}
    adults = {
        name: (rows[name]["Responsible adult"], rows[name]["Telephone of the responsible adult"])
        for name in ("Ana", "Nino", "Lou")
    }
    assert adults == {"Ana": ("", ""), "Nino": ("Ana Roy", "06 11 22 33 44"), "Lou": ("Max Roy", "06 55 66 77 88")}


def test_list_as_a_file_takes_the_same_queries_however_many_children(site, django_assert_max_num_queries):
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    for number in range(20):
        adult = member(site, first_name=f"Adult {number}")
        member(site, first_name=f"Child {number}", guardian=adult, birth_year=timezone.now().year - 10)
    client = browser(manager)
    client.get(reverse("people-csv"))

    with django_assert_max_num_queries(15):
        client.get(reverse("people-csv"))
