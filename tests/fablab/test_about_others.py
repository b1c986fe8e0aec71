"""What the team is told about somebody who may not reserve, and about pages that are for another role."""

import pytest
from django.test import Client
from django.utils import timezone

from machines.models import Machine
from people.models import Person
from reservations.models import Reservation
from tests.api.lab import Lab, make_lab, slot
from tests.factories import make_category, make_machine, make_qualification, minutes, suspend

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def desk(lab: Lab) -> Client:
    return lab.client("mediator")


@pytest.fixture
def seat(lab: Lab) -> Machine:
    return make_machine(site=lab.site, name="PC 1", category=make_category(is_seat=True))


@pytest.fixture
def suspended(lab: Lab) -> Person:
    person = lab.people["other"]
    assert person is not None
    suspend(person=person, start=timezone.now() - minutes(5))
    return person


def read(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_desk_says_who_is_suspended_and_offers_no_seat(desk: Client, seat: Machine, suspended: Person) -> None:
    page = read(desk, f"/desk/people/{suspended.reference}/")

    assert "May not reserve until somebody lifts it" in page
    assert f'href="/manage/people/{suspended.reference}/"' in page
    assert "Left the laser alone" not in page
    assert "PC 1" not in page
    assert "/reserve/?for=" not in page


def test_desk_offers_seats_to_whoever_may(lab: Lab, desk: Client, seat: Machine) -> None:
    page = read(desk, f"/desk/people/{lab.people['other'].reference}/")

    assert "PC 1" in page
    assert "May not reserve" not in page


def test_refused_seat_speaks_of_the_person(desk: Client, seat: Machine, suspended: Person) -> None:
    refused = desk.post(f"/desk/seats/{seat.slug}/start/", {"for": suspended.reference, "minutes": "60"})

    page = refused.content.decode()
    assert refused.status_code == 409
    assert f"{suspended} may not reserve for now." in page
    assert "You may not" not in page
    assert f'href="/manage/people/{suspended.reference}/"' in page


@pytest.mark.parametrize("path", ["/reserve/", "/reserve/confirm/"], ids=["times", "last look"])
def test_reserving_for_the_suspended_leads_to_their_file(lab: Lab, desk: Client, suspended: Person, path: str) -> None:
    when = {"day": slot()[0][:10], "start": "10:00", "end": "11:00"}

    response = desk.get(path, {"machine": lab.laser.slug, "for": suspended.reference} | when)

    page = response.content.decode()
    assert f"{suspended} may not reserve for now." in page
    assert f'href="/manage/people/{suspended.reference}/"' in page
    assert "talk to the team" not in page


def test_suspended_member_is_still_spoken_to(lab: Lab, suspended: Person) -> None:
    page = read(lab.client("other"), f"/reserve/?machine={lab.laser.slug}")

    assert "You may not reserve for now: Left the laser alone." in page
    assert "/manage/people/" not in page


@pytest.fixture
def guarded(lab: Lab) -> Machine:
    return make_machine(site=lab.site, name="Lathe", category=make_category(qualification=make_qualification()))


def test_times_are_not_offered_to_the_unqualified(lab: Lab, desk: Client, guarded: Machine) -> None:
    other = lab.people["other"]

    for_them = read(desk, f"/reserve/?machine={guarded.slug}&for={other.reference}")
    own = read(lab.client("other"), f"/reserve/?machine={guarded.slug}")

    assert f'href="/manage/people/qualify/?person={other.reference}"' in for_them
    assert "/manage/people/qualify/" not in own
    assert "/reserve/confirm/" not in own


def test_times_after_a_suspension_are_offered(lab: Lab) -> None:
    now = timezone.now()
    suspend(person=lab.people["other"], start=now - minutes(5), end=now + minutes(3 * 24 * 60))
    client, path = lab.client("other"), f"/reserve/?machine={lab.laser.slug}"

    tomorrow = read(client, f"{path}&day={slot(1)[0][:10]}")
    later = read(client, f"{path}&day={slot(5)[0][:10]}")

    assert '<span class="slot-action">' not in tomorrow
    assert "Try a later day." in tomorrow
    assert '<span class="slot-action">' in later


@pytest.mark.parametrize(
    ("role", "path", "heading"),
    [
        ("visitor", "/manage/settings/", "This page is for the team"),
        ("mediator", "/manage/settings/", "This page is for fab managers"),
        ("mediator", "/manage/kiosks/", "This page is for fab managers"),
        ("mediator", "/manage/people/import/", "This page is for fab managers"),
        ("mediator", "/admin/login/", "Your role does not open this page"),
        ("elsewhere", "/manage/devices/{device}/", "Your role does not open this page"),
    ],
)
def test_closed_page_says_for_whom_it_is(lab: Lab, role: str, path: str, heading: str) -> None:
    response = lab.client(role).get(path.format(device=lab.device.slug))

    assert response.status_code == 403
    assert heading in response.content.decode()


def test_reservation_moves_to_another_machine(lab: Lab) -> None:
    client = lab.client("holder")

    machines = read(client, f"/reserve/?moving={lab.coming.reference}")
    wish = {"machine": lab.printer_machine.slug, "day": slot()[0][:10], "start": "10:00", "end": "11:00"}
    client.post("/reserve/confirm/", wish | {"moving": lab.coming.reference})

    assert f"machine={lab.printer_machine.slug}&amp;moving={lab.coming.reference}" in machines
    assert Reservation.objects.get(pk=lab.coming.pk).machine == lab.printer_machine
