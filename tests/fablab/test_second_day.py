"""What runs over midnight says on which day it ends, on every page and in every message about it."""

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from people.models import Person, Site
from reservations.models import Reservation
from reservations.notice_words import words_of as notice_of
from tests.fablab.settings_pages import signed_in, words_of
from tests.factories import NOW, at, give_role, make_machine, make_person, make_site, make_staff, reserve

pytestmark = pytest.mark.django_db

SAID = "22:00 – 02:00 (Thu 12 Mar)"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def holder(site: Site) -> Person:
    person = make_person()
    give_role(person=person, site=site)
    return person


@pytest.fixture
def night(site: Site, holder: Person) -> Reservation:
    machine = make_machine(site=site, name="Laser")
    return reserve(machine=machine, start=at("22:00"), end=at("2026-03-12 02:00"), holder=holder, now=NOW)


@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("holder", "/me/"),
        ("holder", "/reservations/{reference}/"),
        ("holder", "/reserve/confirm/?machine={slug}&day=2026-03-12&start=22:00&end=02:00"
         "&start_at=2026-03-11T21:00:00Z&end_at=2026-03-12T01:00:00Z&moving={reference}"),
        ("team", "/desk/tickets/{reference}/"),
        ("team", "/manage/reservations/?day=2026-03-11"),
        ("team", "/reservations/{reference}/"),
    ],
)  # fmt: skip
def test_page_names_the_second_day(site, holder, night, role, address):
    reader = holder if role == "holder" else make_staff(site=site)

    page = signed_in(reader).get(address.format(reference=night.reference, slug=night.machine.slug))

    assert SAID in words_of(page)


def test_desk_names_the_second_day(site, night):
    with time_machine.travel(at("21:55"), tick=False):
        page = signed_in(make_staff(site=site)).get("/desk/")

    assert SAID in words_of(page)


def test_message_names_the_second_day(night):
    params = {"zone": "Europe/Paris", "start": night.start.isoformat(), "end": night.end.isoformat(), "what": "Laser"}
    with translation.override("en"):
        found = notice_of("%(what)s", "%(moment)s, until %(end)s.")(params)

    assert found.body == "Wednesday 11 March, 22:00, until 02:00 (Thu 12 Mar)."


def test_timeline_keeps_to_the_day_it_shows(holder, night):
    page = signed_in(holder).get(reverse("timeline"), {"day": "2026-03-11"})

    assert "22:00 – 24:00 yours" in words_of(page)
