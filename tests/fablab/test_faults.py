"""Whoever of the team stands before a broken machine says so, and lifts what they said."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from machines.models import Machine, Outage
from people.models import Role
from tests.api.lab import Lab, make_lab
from tests.factories import make_outage, make_staff

pytestmark = pytest.mark.django_db
SEEN = {"kind": "fault", "reason": "It makes a loud noise"}


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def shown(client: Client, machine: Machine) -> str:
    return client.get(machine.get_absolute_url()).content.decode()


@pytest.mark.parametrize("role", ["mediator", "supervisor", "manager"])
@pytest.mark.parametrize("kind", ["fault", "to_check"])
def test_team_says_that_a_machine_is_broken_and_that_it_is_back(lab: Lab, role: str, kind: str) -> None:
    client = lab.client(role)

    client.post(reverse("fault-report"), SEEN | {"machine": lab.laser.slug, "kind": kind})
    outage = Outage.objects.get()
    page = shown(client, lab.laser)
    client.post(reverse("fault-lift", args=[outage.pk]))

    lifted = Outage.objects.get()
    assert (outage.kind, outage.reported_by, outage.end) == (kind, lab.people[role], None)
    assert reverse("fault-lift", args=[outage.pk]) in page
    assert "It makes a loud noise" in page
    assert (lifted.lifted_by, lifted.end is not None) == (lab.people[role], True)
    assert "It is broken" in shown(client, lab.laser)


def test_mediator_lifts_only_what_they_reported(lab: Lab) -> None:
    colleague = make_staff(site=lab.site, role=Role.MEDIATOR)
    outage = make_outage(machine=lab.laser, start=timezone.now(), reported_by=colleague)
    client = lab.client("mediator")

    page = shown(client, lab.laser)
    response = client.post(reverse("fault-lift", args=[outage.pk]))

    outage.refresh_from_db()
    assert reverse("fault-lift", args=[outage.pk]) not in page
    assert "Whoever reported it says when it is back" in page
    assert (response.status_code, outage.end) == (403, None)


def test_manager_lifts_what_somebody_else_reported(lab: Lab) -> None:
    outage = make_outage(machine=lab.laser, start=timezone.now(), reported_by=lab.people["mediator"])

    lab.client("manager").post(reverse("fault-lift", args=[outage.pk]))

    outage.refresh_from_db()
    assert outage.lifted_by == lab.people["manager"]


def test_nobody_outside_the_team_reads_what_was_seen(lab: Lab) -> None:
    make_outage(machine=lab.laser, start=timezone.now(), reason="It makes a loud noise")

    pages = [shown(lab.client(role), lab.laser) for role in ("anonymous", "other", "elsewhere")]

    assert all("loud noise" not in page and "For the team" not in page for page in pages)


def test_reason_is_asked_for_and_what_was_typed_stays(lab: Lab) -> None:
    response = lab.client("mediator").post(reverse("fault-report"), {"machine": lab.laser.slug, "kind": "to_check"})

    page = response.content.decode()
    assert response.status_code == 400
    assert f'value="{lab.laser.slug}" selected' in page
    assert not Outage.objects.exists()


def test_machine_that_is_out_already_is_told_so(lab: Lab) -> None:
    make_outage(machine=lab.laser, start=timezone.now())

    response = lab.client("mediator").post(reverse("fault-report"), SEEN | {"machine": lab.laser.slug})

    assert response.status_code == 400
    assert "out of service then already" in response.content.decode()


def test_desk_leads_to_it(lab: Lab) -> None:
    assert reverse("fault-report") in lab.client("mediator").get(reverse("desk")).content.decode()
