"""Machines, calendars and free time: public, hence without anybody's name."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.lab import Lab
from tests.factories import grant, make_machine, make_outage, make_qualification, make_site

KNOWN_TO_ALL = {"start", "end"}
KNOWN_TO_SOME = {"start", "end", "status", "reference", "name"}


@pytest.mark.parametrize(
    ("role", "keys"),
    [
        ("anonymous", KNOWN_TO_ALL), ("visitor", KNOWN_TO_ALL), ("other", KNOWN_TO_ALL), ("elsewhere", KNOWN_TO_ALL),
        ("holder", KNOWN_TO_SOME | {"is_own"}), ("supervisor", KNOWN_TO_SOME), ("manager", KNOWN_TO_SOME),
        ("administrator", KNOWN_TO_SOME),
    ],
)  # fmt: skip
def test_calendar_names_people_to_the_holder_and_the_team_only(lab: Lab, role: str, keys: set[str]) -> None:
    client = lab.client(role)

    one = client.get(f"/api/v1/machines/{lab.laser.slug}/calendar/").json()["blocks"]
    week = {m["machine"]: m["blocks"] for m in client.get("/api/v1/calendar/").json()["machines"]}

    assert [set(block) for block in one] == [keys]
    assert week[lab.laser.slug] == one


def test_availability_offers_only_what_can_be_reserved(lab: Lab, program: Client) -> None:
    make_outage(machine=lab.laser, start=timezone.now(), end=timezone.now() + dt.timedelta(days=1))
    query = {"category": lab.laser.category.slug, "duration": "PT1H"}

    found = program.get("/api/v1/availability/", query).json()["results"]

    made = program.post("/api/v1/reservations/", found[0], content_type="application/json")
    assert {row["machine"] for row in found} == {lab.laser.slug}
    assert made.status_code == 201


def test_availability_counts_notice_and_how_far_ahead(lab: Lab, program: Client) -> None:
    lab.laser.notice, lab.laser.window = dt.timedelta(hours=30), dt.timedelta(hours=40)
    lab.laser.save()
    now = timezone.now()
    window = {"start": now.isoformat(), "end": (now + dt.timedelta(days=5)).isoformat()}

    found = program.get("/api/v1/availability/", {"category": lab.laser.category.slug} | window).json()["results"]

    starts = [dt.datetime.fromisoformat(row["start"]) for row in found]
    assert now + dt.timedelta(hours=30) <= min(starts) <= max(starts) <= now + dt.timedelta(hours=41)


def test_availability_leaves_out_what_the_person_may_not_have(lab: Lab, program: Client) -> None:
    qualification = make_qualification()
    lab.laser.qualification = qualification
    lab.laser.save()
    query = {"category": lab.laser.category.slug, "site": lab.site.slug}
    address = "/api/v1/availability/"

    before = program.get(address, query).json()["results"]
    anybody = lab.client("anonymous").get(address, query).json()["results"]
    grant(person=lab.people["holder"], qualification=qualification)
    after = program.get(address, query).json()["results"]

    assert (before, anybody, bool(after)) == ([], [], True)


def test_availability_of_another_site_is_its_own(lab: Lab, program: Client) -> None:
    other = make_machine(site=make_site(name="Elsewhere"))

    found = program.get("/api/v1/availability/", {"site": other.site.slug}).json()["results"]

    assert {row["machine"] for row in found} == {other.slug}


def test_availability_of_an_unknown_kind_is_empty(lab: Lab, program: Client) -> None:
    assert program.get("/api/v1/availability/?category=no-such").json() == {"results": []}


def test_machine_shows_what_it_does(lab: Lab) -> None:
    machine = lab.client("anonymous").get(f"/api/v1/machines/{lab.printer_machine.slug}/").json()

    shown = {name: machine[name] for name in ("state", "state_text", "progress_pct", "power_w", "site")}
    assert shown == {
        "state": "in-use", "state_text": "Printing", "progress_pct": 40.0, "power_w": 84.0, "site": lab.site.slug,
    }  # fmt: skip


@pytest.mark.parametrize("path", ["", "no-such/", "machines/no-such/", "reservations/no/such/"])
def test_unknown_address_is_answered_404_in_the_shape_of_every_error(lab: Lab, path: str) -> None:
    response = lab.client("manager").get(f"/api/v1/{path}")

    assert (response.status_code, response["Content-Type"].partition(";")[0]) == (404, "application/json")
    assert response.json()["code"] == "not_found"
    assert set(response.json()) == {"code", "detail"}


def test_address_without_its_last_slash_leads_to_the_whole_one(lab: Lab) -> None:
    assert lab.client("anonymous").get("/api/v1/machines")["Location"] == "/api/v1/machines/"


def test_unknown_page_for_people_is_a_page(lab: Lab) -> None:
    response = lab.client("anonymous").get("/no-such/")

    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_retired_machine_is_not_there(lab: Lab) -> None:
    lab.laser.retired_at = timezone.now()
    lab.laser.save()
    client = lab.client("anonymous")

    slugs = {row["slug"] for row in client.get("/api/v1/machines/").json()["results"]}

    assert lab.laser.slug not in slugs
    assert client.get(f"/api/v1/machines/{lab.laser.slug}/").status_code == 404
    assert client.get(f"/api/v1/machines/{lab.laser.slug}/calendar/").status_code == 404


def test_too_many_questions_are_answered_429(lab: Lab) -> None:
    client = lab.client("anonymous")

    statuses = [client.get("/api/v1/machines/no-such/").status_code for _ in range(125)]

    assert (statuses[0], statuses[-1]) == (404, 429)
