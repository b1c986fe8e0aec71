"""The settings pages of the whole lab: team, places, modules, texts, printers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fablab.urls.settings import urlpatterns
from iot.models import Device
from people.lab import current_lab
from people.models import Role, RoleGrant, Site
from printing.models import Printer
from tests.fablab.rows.settings import PRINTER
from tests.fablab.settings_pages import coming, signed_in, words_of
from tests.factories import (
    give_role,
    make_category,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_room,
    make_staff,
)

pytestmark = pytest.mark.django_db


# --- team, places, modules, texts, printers ---------------------------------------------------------------------


def test_member_found_by_name_joins_the_team(manager_client, site):
    member = make_person(first_name="Ünal")
    give_role(person=member, site=site)

    found = manager_client.get(reverse("settings-roles", args=[site.slug]), {"q": "unal"})
    manager_client.post(
        reverse("settings-role-grant", args=[site.slug]), {"person": member.reference, "role": "mediator"}
    )

    assert member.reference in found.content.decode()
    assert RoleGrant.objects.filter(person=member, site=site, role=Role.MEDIATOR).exists()


@pytest.mark.parametrize("role", ["administrator", "member", "nonsense", "fab\x00manager"])
def test_manager_gives_no_role_above_or_outside_the_team(manager_client, site, role):
    member = make_person()
    give_role(person=member, site=site)

    manager_client.post(reverse("settings-role-grant", args=[site.slug]), {"person": member.reference, "role": role})

    assert [grant.role for grant in member.role_grants.all()] == ["member"]


def test_last_administrator_stays(site):
    administrator = make_staff(site=site, role=Role.ADMINISTRATOR)
    grant = administrator.role_grants.get()

    page = signed_in(administrator).post(reverse("settings-role-revoke", args=[grant.pk]), follow=True)

    assert "last administrator" in words_of(page)
    assert RoleGrant.objects.filter(pk=grant.pk).exists()


def test_new_place_is_its_maker_s(site):
    administrator = make_staff(site=site, role=Role.ADMINISTRATOR)
    data = {"name": "Annexe", "time_zone": "Indian/Reunion", "holiday_country": "FR", "holiday_region": "974"}

    answer = signed_in(administrator).post(reverse("settings-site-new"), data)

    made = Site.objects.get(name="Annexe")
    assert answer.headers["location"] == reverse("settings-hours", args=[made.slug])
    assert administrator.role_grants.get(site=made).role == Role.ADMINISTRATOR


@pytest.mark.parametrize(
    "fields",
    [{"time_zone": "Mars/Olympus"}, {"holiday_country": "XX"}, {"holiday_country": "DE", "holiday_region": "974"}],
    ids=["no such clock", "no such country", "region of another country"],
)
def test_place_that_makes_no_sense_is_refused(site, fields):
    administrator = make_staff(site=site, role=Role.ADMINISTRATOR)
    data = {"name": "Renamed", "time_zone": "Europe/Paris", "holiday_country": "FR"} | fields

    page = signed_in(administrator).post(reverse("settings-site", args=[site.slug]), data)

    assert "Select a valid choice." in words_of(page)
    site.refresh_from_db()
    assert site.name == "Riverside"


def test_modules_unticked_are_off_and_kept_when_ticked_again(site, django_capture_on_commit_callbacks):
    browser = signed_in(make_staff(site=site, role=Role.ADMINISTRATOR))

    browser.post(reverse("settings-modules"), {"board": "on", "devices": "on"})

    assert sorted(current_lab().modules_off) == ["api", "desk", "kiosk", "printing", "teams"]
    page = browser.get(reverse("settings-modules")).content.decode()
    assert page.count("checked") == 2


def test_texts_too_long_are_refused_and_shown_again(site):
    browser = signed_in(make_staff(site=site, role=Role.ADMINISTRATOR))

    page = browser.post(reverse("settings-texts"), {"name": "Kept name", "welcome_fr": "é" * 1001})

    assert page.status_code == 200
    assert 'value="Kept name"' in page.content.decode()
    assert current_lab().name == ""


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://192.168.1.20", "Begin it with http:// or https://."),
        ("http://8.8.8.8", "not on the lab’s own network"),
        ("http://127.0.0.1:5000", "That is this server itself."),
        ("http://169.254.169.254", "No printer can have that address."),
        ("http://user:secret@192.168.1.20", "Leave out the name and password"),
    ],
    ids=["scheme", "internet", "loopback", "metadata", "password in it"],
)
def test_printer_address_that_is_refused_says_why(manager_client, site, settings, url, sentence):
    settings.PRINTER_NETWORKS = ["192.168.0.0/16"]
    machine = make_machine(site=site)

    page = manager_client.post(
        reverse("settings-printer", args=[machine.slug]), PRINTER | {"base_url": url, "api_key": "top-secret"}
    )

    assert sentence in words_of(page)
    assert "top-secret" not in page.content.decode()
    assert not Printer.objects.exists()


@pytest.mark.parametrize(
    ("fields", "icon", "is_connected", "is_offered"),
    [
        ({}, "laser", False, False),
        ({}, "printer-3d", False, True),
        ({"drawing": "printer-3d"}, "tools", False, True),
        ({}, "laser", True, True),
    ],
    ids=["laser", "kind of 3D printers", "drawn as one", "connected already"],
)
def test_octoprint_is_offered_to_what_prints(manager_client, site, fields, icon, is_connected, is_offered):
    machine = make_machine(site=site, category=make_category(icon=icon), **fields)
    if is_connected:
        Printer.objects.create(machine=machine, base_url="http://192.168.1.20")

    page = words_of(manager_client.get(reverse("settings-machine", args=[machine.slug])))
    overview = manager_client.get(reverse("settings-printers"))

    assert ("Its printing: what drives it" in page) is is_offered
    assert ("Another machine prints" in words_of(overview)) is not is_offered
    assert reverse("settings-printer", args=[machine.slug]) in overview.content.decode()


def test_printer_key_is_written_and_never_shown(manager_client, site):
    machine = make_machine(site=site)
    url = reverse("settings-printer", args=[machine.slug])
    data = PRINTER | {"base_url": "http://192.168.1.20/", "api_key": ""}

    assert "Without a key" in words_of(manager_client.post(url, data))
    manager_client.post(url, data | {"api_key": "top-secret"})
    sealed = Printer.objects.get().api_key_sealed
    manager_client.post(url, data | {"base_url": "http://192.168.1.21"})

    printer = Printer.objects.get()
    assert (printer.base_url, printer.api_key_sealed) == ("http://192.168.1.21", sealed)
    assert "top-secret" not in manager_client.get(url).content.decode() + sealed


# --- lists ------------------------------------------------------------------------------------------------------

LISTS = (
    "settings", "settings-rooms", "settings-machines", "settings-labels", "settings-outages", "settings-calls",
    "settings-roles", "settings-categories", "settings-qualifications", "settings-devices", "settings-printers",
)  # fmt: skip


def fill(site: Site, count: int) -> None:
    """So many of everything that a list may show, each with what stands beside it."""
    for _ in range(count):
        wanted = make_qualification()
        machine = make_machine(site=site, room=make_room(site=site), category=make_category(qualification=wanted))
        Printer.objects.create(machine=machine, base_url="http://192.168.1.20")
        Device.objects.create(slug=f"device-{machine.pk}", machine=machine)
        make_outage(machine=machine)
        coming(machine)
        make_staff(site=site)


@pytest.mark.parametrize("name", LISTS)
def test_list_costs_as_many_queries_with_one_as_with_four(manager_client, site, name):
    url = reverse(name, args=[] if "/places/" not in _path(name) else [site.slug])
    fill(site, 1)
    manager_client.get(url)
    with CaptureQueriesContext(connection) as with_one:
        manager_client.get(url)

    fill(site, 3)

    # The first to see somebody on the call list notes it in their file.
    manager_client.get(url)
    with CaptureQueriesContext(connection) as with_four:
        manager_client.get(url)
    assert len(with_four) == len(with_one)


def _path(name: str) -> str:
    return next(f"/{pattern.pattern}" for pattern in urlpatterns if pattern.name == name)
