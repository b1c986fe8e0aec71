"""Days at the ends of the calendar, and days that are none, get a sentence on every page that asks for a day."""

from collections.abc import Callable

import pytest
from django.urls import reverse

from machines.models import Machine, OpeningException, Outage, QualificationGrant
from people.models import Person, Role, Suspension
from reservations.models import Reservation
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import give_role, make_machine, make_person, make_qualification, make_staff

pytestmark = pytest.mark.django_db

Question = tuple[str, str, dict[str, object]]


def call_list(machine: Machine, person: Person, day: str) -> Question:
    return "get", reverse("desk-calls"), {"first": day, "last": day}


def group(machine: Machine, person: Person, day: str) -> Question:
    fields = {"title": "Sewing", "day": day, "opens": "10:00", "closes": "12:00", "machines": machine.pk}
    return "post", reverse("desk-groups"), fields | {"every_weeks": 0}


def qualification(machine: Machine, person: Person, day: str) -> Question:
    learnt = make_qualification()
    fields = {"qualification": learnt.pk, "level": 2, "lasts": "other", "until": day, "person": person.reference}
    return "post", f"{reverse('people-qualify')}?person={person.reference}", fields


def suspension(machine: Machine, person: Person, day: str) -> Question:
    return "post", reverse("people-suspend", args=[person.reference]), {"reason": "Left running", "last_day": day}


def outage_start(machine: Machine, person: Person, day: str) -> Question:
    fields = {"machine": machine.slug, "kind": "fault", "start": f"{day}T23:59"}
    return "post", reverse("settings-outages", args=[machine.site.slug]), fields


def outage_end(machine: Machine, person: Person, day: str) -> Question:
    fields = {"machine": machine.slug, "kind": "fault", "end": f"{day}T00:00", "expected_end": day}
    return "post", reverse("settings-outages", args=[machine.site.slug]), fields


def closure(machine: Machine, person: Person, day: str) -> Question:
    fields = {"first": day, "last": day, "kind": "closed"}
    return "post", reverse("settings-closures", args=[machine.site.slug]), fields


def reservation(machine: Machine, person: Person, day: str) -> Question:
    fields = {"machine": machine.slug, "day": day, "start": "10:00", "end": "11:00"}
    return "get", reverse("reserve-confirm"), fields


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30"])
@pytest.mark.parametrize(
    "ask",
    [call_list, group, qualification, suspension, outage_start, outage_end, closure, reservation],
    ids=lambda ask: ask.__name__,
)
def test_day_nobody_means_gets_a_sentence(ask: Callable[[Machine, Person, str], Question], day: str) -> None:
    site = open_site()
    machine, person = make_machine(site=site), make_person()
    give_role(person=person, site=site)
    browser = signed_in(make_staff(site=site, role=Role.FAB_MANAGER))
    method, path, fields = ask(machine, person, day)

    response = getattr(browser, method)(path, fields)

    assert response.status_code in (200, 400)
    if ask is not reservation:
        assert any(words in words_of(response) for words in ("of our century", "Enter a valid date"))
    kept = (Reservation, QualificationGrant, Suspension, Outage, OpeningException)
    assert not any(model.objects.exists() for model in kept)
