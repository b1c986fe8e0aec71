"""The settings pages of machines: from a template, with rules of their own, out of service, retired."""

import datetime as dt
import io

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from fablab.unfit import unfit_reservations
from machines.machine_templates import TEMPLATES
from machines.models import Category, Machine, Outage
from people.models import Person, Role
from tests.fablab.settings_pages import coming, words_of
from tests.factories import (
    give_role,
    make_category,
    make_machine,
    make_outage,
    make_room,
    make_site,
)

pytestmark = pytest.mark.django_db


# --- machines ---------------------------------------------------------------------------------------------------


def picture() -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(stream, "PNG")
    stream.seek(0)
    stream.name = "laser.png"
    return stream


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.slug)
def test_machine_from_a_template_brings_its_category(manager_client, site, template):
    url = reverse("settings-machine-new", args=[site.slug]) + f"?template={template.slug}"

    answer = manager_client.post(url, {"name": "The new one", "position": "0", "drawing": template.drawing})

    assert answer.status_code == 302
    machine = Machine.objects.get()
    assert (machine.site, machine.category.name_fr) == (
        site, template.names[0]
    )  # fmt: skip
    again = manager_client.post(url, {"name": "A second one", "position": "0"})
    assert (again.status_code, Category.objects.count()) == (302, 1)


def test_machine_refused_makes_no_category(manager_client, site):
    url = reverse("settings-machine-new", args=[site.slug]) + "?template=laser-cutter"

    page = manager_client.post(url, {"name": "", "position": "0"})

    assert "This field is required." in words_of(page)
    assert (Category.objects.count(), Machine.objects.count()) == (0, 0)


def machine_data(machine: Machine, **fields: object) -> dict[str, object]:
    return {"name": machine.name, "category": machine.category.pk, "position": "0"} | fields


def test_machine_overrides_are_shown_beside_what_the_category_says(manager_client, site):
    machine = make_machine(site=site, category=make_category(longest=dt.timedelta(hours=2)))
    url = reverse("settings-machine", args=[machine.slug])

    assert "As the category: 2 h." in words_of(manager_client.get(url))
    manager_client.post(url, machine_data(machine, longest_0="90", longest_1="min"))

    machine.refresh_from_db()
    assert (machine.longest, machine.shortest) == (dt.timedelta(minutes=90), None)
    manager_client.post(url, machine_data(machine, longest_0="", longest_1="min"))
    machine.refresh_from_db()
    assert machine.booking.longest == dt.timedelta(hours=2)


def test_machine_whose_own_rule_contradicts_its_category_is_refused(manager_client, site):
    machine = make_machine(site=site, category=make_category(longest=dt.timedelta(hours=2)))

    page = manager_client.post(
        reverse("settings-machine", args=[machine.slug]), machine_data(machine, shortest_0="3", shortest_1="h")
    )

    assert "at least as long as the shortest" in words_of(page)
    machine.refresh_from_db()
    assert machine.shortest is None


def test_machine_photo_comes_and_goes(manager_client, site, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    machine = make_machine(site=site)
    url = reverse("settings-machine", args=[machine.slug])

    manager_client.post(url, machine_data(machine, new_photo=picture()))

    assert b'alt="' in manager_client.get(url).content
    photo = manager_client.get(reverse("machine-photo", args=[machine.slug]))
    assert b"".join(photo.streaming_content)
    assert photo.headers["content-type"] == "image/jpeg"
    manager_client.post(url, machine_data(machine, without_photo="on"))
    machine.refresh_from_db()
    assert not machine.photo


def test_machine_file_that_is_no_photo_changes_nothing(manager_client, site):
    machine = make_machine(site=site, name="Laser")
    fake = io.BytesIO(b"<svg onload=alert(1)>")
    fake.name = "laser.png"

    page = manager_client.post(
        reverse("settings-machine", args=[machine.slug]), machine_data(machine, name="Renamed", new_photo=fake)
    )

    assert page.status_code == 200
    assert 'value="Renamed"' in page.content.decode()
    machine.refresh_from_db()
    assert machine.name == "Laser"


def test_machine_of_another_place_has_no_room_here(manager_client, site):
    machine, elsewhere = make_machine(site=site), make_room(site=make_site())

    page = manager_client.post(
        reverse("settings-machine", args=[machine.slug]), machine_data(machine, room=elsewhere.pk)
    )

    assert "Select a valid choice." in words_of(page)


def test_retired_machine_is_listed_and_brought_back(manager_client, site):
    machine = make_machine(site=site, name="Old mill")
    coming(machine)

    page = manager_client.post(reverse("settings-machine-retire", args=[machine.slug]), follow=True)

    assert "1 reservation is to be moved." in words_of(page)
    assert "the machine is no longer there" in words_of(manager_client.get(reverse("settings-calls", args=[site.slug])))
    manager_client.post(reverse("settings-machine-return", args=[machine.slug]))
    machine.refresh_from_db()
    assert machine.retired_at is None


def test_labels_carry_each_machine_s_address(manager_client, site, settings):
    settings.ADDRESSES = ["https://lab.example"]
    machine = make_machine(site=site)
    make_machine(name="Elsewhere")

    page = words_of(manager_client.get(reverse("settings-labels", args=[site.slug])))

    assert f"https://lab.example/machines/{machine.slug}/" in page
    assert "Elsewhere" not in page
    assert "opens on this computer only" not in page


def test_labels_warn_of_an_address_that_opens_here_only(manager_client, site, settings):
    settings.ADDRESSES = ["http://127.0.0.1:8000"]
    make_machine(site=site)

    page = manager_client.get(reverse("settings-labels", args=[site.slug]))

    assert "opens on this computer only" in words_of(page)
    assert f'href="{reverse("address")}"' in page.content.decode()


# --- out of service ---------------------------------------------------------------------------------------------


def test_outage_is_declared_in_the_site_s_own_time(manager_client):
    island = make_site(time_zone="Indian/Reunion")
    give_role(person=Person.objects.get(), site=island, role=Role.FAB_MANAGER)
    machine = make_machine(site=island)

    manager_client.post(reverse("settings-outages", args=[island.slug]),
                {"machine": machine.slug, "kind": "maintenance", "start": "2031-05-02T10:00"})  # fmt: skip

    assert Outage.objects.get().start == dt.datetime(2031, 5, 2, 6, 0, tzinfo=dt.UTC)


def test_outage_shows_whom_to_call_and_is_lifted(manager_client, site):
    machine = make_machine(site=site)
    coming(machine)
    url = reverse("settings-outages", args=[site.slug])

    manager_client.post(url, {"machine": machine.slug, "kind": "fault", "reason": "Belt worn"})

    assert "1 reservation no longer fits." in words_of(manager_client.get(url))
    manager_client.post(reverse("settings-outage-lift", args=[Outage.objects.get().pk]))
    assert not Outage.objects.holding_at(timezone.now()).exists()


def test_outage_twice_keeps_what_was_typed(manager_client, site):
    machine = make_machine(site=site)
    make_outage(machine=machine)

    page = manager_client.post(
        reverse("settings-outages", args=[site.slug]), {"machine": machine.slug, "kind": "fault", "reason": "Smoke"}
    )

    assert "lift that outage first" in words_of(page)
    assert 'value="Smoke"' in page.content.decode()


@pytest.mark.parametrize(
    ("expected_days", "is_unfit"),
    [(None, True), (1, False), (3, True)],
    ids=["nobody knows", "back before", "on the day"],
)
def test_outage_touches_reservations_until_it_is_expected_back(site, expected_days, is_unfit):
    machine, now = make_machine(site=site), timezone.now()
    reservation = coming(machine)
    day = None if expected_days is None else reservation.start.date() + dt.timedelta(days=expected_days - 3)
    make_outage(machine=machine, start=now, expected_end=day)

    assert bool(unfit_reservations(site=site, now=now)) == is_unfit
