"""Runs without a name: asked of those who may have been it, told to the team, and nothing to anybody else."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from iot.models import StopReason, UsageSession
from machines.models import Machine
from people.models import Person
from tests.fablab.test_at_machine_pages import browser, page
from tests.factories import give_role, make_machine, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def loom() -> Machine:
    return make_machine(site=make_site(), name="Loom")


def member(machine: Machine, name: str) -> Person:
    person = make_person(first_name=name, last_name=f"{name}son")
    give_role(person=person, site=machine.site)
    return person


def ran(machine: Machine, minutes_ago: int, person: Person | None = None) -> UsageSession:
    end = timezone.now() - minutes(minutes_ago)
    return UsageSession.objects.create(
        machine=machine, person=person, start=end - minutes(20), end=end, last_busy_at=end,
        stop_reason=StopReason.NORMAL,
    )  # fmt: skip


@pytest.fixture
def run(loom: Machine) -> UsageSession:
    return ran(loom, 60)


@pytest.fixture
def ada(loom: Machine, run: UsageSession) -> Person:
    """She used it before."""
    person = member(loom, "Ada")
    ran(loom, 120, person)
    return person


@pytest.fixture
def bo(loom: Machine, run: UsageSession) -> Person:
    """He too."""
    person = member(loom, "Bo")
    ran(loom, 180, person)
    return person


def claim(client: Client, run: UsageSession) -> int:
    return client.post(f"/runs/{run.reference}/mine/").status_code


def test_likely_one_is_asked_and_one_tap_makes_it_theirs(run: UsageSession, ada: Person, bo: Person) -> None:
    asked = page(ada, "/me/")
    answered = browser(ada).post(f"/runs/{run.reference}/mine/", follow=True).content.decode()

    run.refresh_from_db()
    assert "Was it you?" in asked
    assert run.reference in asked
    # Who else is likely is nobody's business.
    assert "Bo" not in asked
    assert run.person == ada
    assert "Thank you. It counts as yours." in answered
    assert f"/runs/{run.reference}/undo/" in answered
    assert run.reference not in page(bo, "/me/")


def test_hours_count_it_once_it_is_claimed(run: UsageSession, ada: Person) -> None:
    before = page(ada, "/me/")
    claim(browser(ada), run)

    assert "30 days: 20 min" in before
    assert "30 days: 40 min" in page(ada, "/me/")


def test_undo_makes_it_nobodys_again(run: UsageSession, ada: Person, bo: Person) -> None:
    claim(browser(ada), run)

    refused = browser(bo).post(f"/runs/{run.reference}/undo/").status_code
    browser(ada).post(f"/runs/{run.reference}/undo/")

    run.refresh_from_db()
    assert (refused, run.person) == (404, None)


def test_second_to_claim_reads_a_sentence(run: UsageSession, ada: Person, bo: Person) -> None:
    claim(browser(ada), run)

    answered = browser(bo).post(f"/runs/{run.reference}/mine/", follow=True).content.decode()

    assert "Somebody has claimed this run already." in answered
    assert "Ada" not in answered


def test_others_learn_nothing(loom: Machine, run: UsageSession) -> None:
    stranger = member(loom, "Cy")

    assert run.reference not in page(stranger, "/me/")
    assert claim(browser(stranger), run) == 404
    for reader in (stranger, None):
        assert "without a name" not in page(reader, f"/machines/{loom.slug}/")


def test_team_sees_it_on_the_machine_and_says_who_it_was(
    loom: Machine, run: UsageSession, ada: Person, bo: Person
) -> None:
    staff = make_staff(site=loom.site)

    on_machine, listed = page(staff, f"/machines/{loom.slug}/"), page(staff, "/manage/runs/")
    answered = browser(staff).post(f"/manage/runs/{run.reference}/", {"person": bo.reference}, follow=True)

    run.refresh_from_db()
    assert "One run without a name" in on_machine
    assert listed.index("Ada Adason") < listed.index("Bo Boson")
    assert (run.person, run.claimed_by) == (bo, staff)
    assert "Just said" in answered.content.decode()


def test_team_finds_somebody_else_by_name(loom: Machine, run: UsageSession) -> None:
    staff, cy = make_staff(site=loom.site), member(loom, "Cy")

    found = page(staff, f"/manage/runs/{run.reference}/?q=cyson")

    assert cy.reference in found
    assert "It was them" in found


def test_team_of_another_site_sees_none(loom: Machine, run: UsageSession) -> None:
    elsewhere = make_staff(site=make_site(name="Hilltop"))

    assert run.reference not in page(elsewhere, "/manage/runs/")
    assert browser(elsewhere).get(f"/manage/runs/{run.reference}/").status_code == 404
    assert claim(browser(elsewhere), run) == 404


def test_old_runs_are_asked_of_nobody(loom: Machine, ada: Person) -> None:
    old = ran(loom, 8 * 24 * 60)
    ran(loom, 8 * 24 * 60 + 60, ada)

    assert old.reference not in page(ada, "/me/")
    assert old.reference not in page(make_staff(site=loom.site), "/manage/runs/")


def test_timeline_tells_the_team_only(loom: Machine, run: UsageSession, ada: Person) -> None:
    day = run.start.astimezone(loom.site.zone).date().isoformat()

    team, own = (page(who, f"/timeline/?day={day}") for who in (make_staff(site=loom.site), ada))

    assert f"/manage/runs/{run.reference}/" in team
    assert run.reference not in own


def test_list_takes_few_queries_however_many(
    loom: Machine, ada: Person, bo: Person, django_assert_max_num_queries
) -> None:
    for n in range(30):
        ran(loom, 200 + 30 * n)
    staff = browser(make_staff(site=loom.site))
    staff.get("/manage/runs/")

    with django_assert_max_num_queries(12 + 4):
        # The counter of requests is among them.
        assert staff.get("/manage/runs/").status_code == 200


def test_running_one_is_asked_too(loom: Machine, ada: Person) -> None:
    now = timezone.now()
    running = UsageSession.objects.create(machine=loom, start=now - dt.timedelta(minutes=9), last_busy_at=now)

    assert running.reference in page(ada, "/me/")
    assert claim(browser(ada), running) == 302
