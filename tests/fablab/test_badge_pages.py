"""Badges: given by tapping, blocked by the team or by their owner."""

import pytest
from django.utils import timezone

from iot.access.who import person_behind
from iot.models import BadgeWanted, Device
from iot.protocol import Access
from machines.models import Machine
from people.badges import badge_digest
from people.models import Badge, Person, Role
from tests.fablab.test_at_machine_pages import browser, page
from tests.factories import give_role, make_machine, make_person, make_site, make_staff, minutes
from tests.iot.builders import make_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def laser() -> Machine:
    return make_machine(site=make_site(), name="Laser")


@pytest.fixture
def reader(laser: Machine) -> Device:
    return make_device("reader-1", laser, is_online=True, last_seen_at=timezone.now())


@pytest.fixture
def camille(laser: Machine) -> Person:
    person = make_person()
    give_role(person=person, site=laser.site)
    return person


def badge_of(person: Person, number: str = "04A2", label: str = "blue key ring") -> Badge:
    return Badge.objects.create(person=person, digest=badge_digest(number), label=label, created_at=timezone.now())


def give(staff: Person, person: Person, reader: Device, label: str = "blue"):
    return browser(staff).post(f"/manage/people/{person.reference}/badges/", {"reader": reader.slug, "label": label})


def test_badge_is_given_by_tapping_it_at_the_chosen_reader(laser: Machine, reader: Device, camille: Person) -> None:
    staff = make_staff(site=laser.site)

    answered = give(staff, camille, reader)
    waiting = page(staff, answered.url)
    person_behind(reader, Access("r1", "04FFAA", "badge"), timezone.now())
    given = browser(staff).get(answered.url, headers={"hx-request": "true"}).content.decode()

    assert "Tap the badge at reader-1 now" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    assert "The badge is given." in given
    assert "hx-trigger" not in given
    assert [badge.label for badge in Badge.objects.filter(person=camille)] == ["blue"]
    assert "04FFAA" not in given


def test_time_that_is_over_says_so_and_offers_another_try(laser: Machine, reader: Device, camille: Person) -> None:
    staff = make_staff(site=laser.site)
    url = give(staff, camille, reader).url
    BadgeWanted.objects.update(expires_at=timezone.now() - minutes(1))

    seen = page(staff, url)

    assert "No new badge was tapped in time." in seen
    assert "hx-trigger" not in seen


def test_supervisor_gives_no_badge_of_somebody_above(laser: Machine, reader: Device) -> None:
    staff, manager = make_staff(site=laser.site), make_staff(site=laser.site, role=Role.FAB_MANAGER)

    assert give(staff, manager, reader).status_code == 403
    assert not BadgeWanted.objects.exists()
    assert "only somebody with a higher role" in page(staff, f"/manage/people/{manager.reference}/badges/")


def test_reader_of_another_site_is_not_offered(laser: Machine, reader: Device, camille: Person) -> None:
    far = make_device("far", make_machine(site=make_site(name="Hilltop")))
    staff = make_staff(site=laser.site)

    assert give(staff, camille, far).status_code == 400
    assert "far" not in page(staff, f"/manage/people/{camille.reference}/badges/").split("<main")[1]


def test_file_lists_badges_and_the_team_blocks_one(laser: Machine, camille: Person) -> None:
    staff, badge = make_staff(site=laser.site), badge_of(camille)
    badge_of(camille, "04B3", "spare")

    on_file = page(staff, f"/manage/people/{camille.reference}/")
    browser(staff).post(f"/manage/people/{camille.reference}/badges/{badge.pk}/block/")

    assert "blue key ring" in on_file
    assert "spare" in on_file
    assert set(Badge.objects.exclude(blocked_at=None).values_list("label", flat=True)) == {"blue key ring"}
    assert "blocked" in page(staff, f"/manage/people/{camille.reference}/")


def test_owner_who_lost_it_blocks_it_at_once(camille: Person) -> None:
    badge = badge_of(camille)

    own = page(camille, "/me/")
    answered = browser(camille).post(f"/me/badges/{badge.pk}/lost/", follow=True).content.decode()

    badge.refresh_from_db()
    assert "I lost it" in own
    assert badge.blocked_at is not None
    assert "Blocked: it opens nothing any more." in answered
    assert "I lost it" not in answered


def test_badge_of_somebody_else_does_not_exist_for_one(camille: Person) -> None:
    badge = badge_of(make_person())

    assert browser(camille).post(f"/me/badges/{badge.pk}/lost/").status_code == 404
