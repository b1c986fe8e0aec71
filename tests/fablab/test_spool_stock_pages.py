"""Filament and prices on pages: the stock, weighing, hanging, prices, and the printer's settings in groups."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from people.models import Role
from printing.models import Printer, PrintPrice, Spool, SpoolEntry
from printing.spools import create_spool, hang_spool
from tests.fablab.rows.settings import PRINTER
from tests.fablab.settings_pages import signed_in, words_of
from tests.factories import give_role, make_category, make_machine, make_site, make_staff

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12
SPOOL = {"material": "PETG", "colour": "red", "weight_g": "1000", "low_g": "100", "opened_at": "2026-11-02"}


@pytest.fixture
def keeper(site):
    return signed_in(make_staff(site=site, role=Role.SUPERVISOR))


@pytest.fixture(autouse=True)
def _own_network(settings):
    settings.PRINTER_NETWORKS = ["192.168.0.0/16"]


def make_printer(site, name="Prusa"):
    machine = make_machine(site=site, name=name, category=make_category(icon="printer-3d"))
    return Printer.objects.create(machine=machine, base_url="http://192.168.1.20")


def make_spool(site, left_g=500.0, **fields):
    values = {
        "material": "PLA", "colour": "black", "maker": "Prusament", "weight_g": 1000, "low_g": 100,
        "price_cents_per_kg": 0, "opened_at": dt.date(2026, 11, 1),
    }  # fmt: skip
    return create_spool(site=site, left_g=left_g, by=None, **values | fields)


def url_of(spool, name="manage-spool", *args):
    return reverse(name, args=[spool.reference, *args])


def test_first_visit_says_what_to_do(keeper, site):
    reader = signed_in(make_staff(site=site, role=Role.MEDIATOR))

    assert "No spool yet. Add the first one" in words_of(keeper.get(reverse("manage-spools")))
    assert "Whoever answers for the machines" in words_of(reader.get(reverse("manage-spools")))


def test_spool_is_added_hung_weighed_changed_and_retired(keeper, site):
    printer = make_printer(site)

    keeper.post(reverse("manage-spool-new"), SPOOL | {"price_cents_per_kg": "24,90", "left_g": ""})
    spool = Spool.objects.get()
    keeper.post(url_of(spool, "manage-spool-hang"), {"machine": printer.machine.slug})
    keeper.post(url_of(spool, "manage-spool-weigh"), {"left_g": "82.4"})
    keeper.post(url_of(spool, "manage-spool-edit"), SPOOL | {"colour": "blue", "price_cents_per_kg": "20"})

    listed = words_of(keeper.get(reverse("manage-spools")))
    assert "1 spool runs low." in listed
    assert "PETG blue" in listed
    assert "82 g of 1,000 g left · hangs in Prusa" in listed
    assert "-917.6 g" in words_of(keeper.get(url_of(spool)))
    spool.refresh_from_db()
    assert (spool.site, spool.price_cents_per_kg, spool.left_g) == (site, 2000, 82.4)

    keeper.post(url_of(spool, "manage-spool-act", "retire"))

    assert "No spool yet" in words_of(keeper.get(reverse("manage-spools")))
    assert "Bring it back" in words_of(keeper.get(url_of(spool)))


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("manage-spool-weigh", {"left_g": "1300"}, "It held 1,000 g when it was new."),
        ("manage-spool-weigh", {"left_g": "-4"}, "greater than or equal to 0"),
        ("manage-spool-weigh", {"left_g": "nan"}, "Enter a number."),
        ("manage-spool-weigh", {}, "This field is required."),
        ("manage-spool-hang", {"machine": "elsewhere"}, "Select a valid choice."),
        ("manage-spool-edit", SPOOL | {"weight_g": "0"}, "greater than or equal to 1"),
        ("manage-spool-edit", SPOOL | {"weight_g": "300"}, "More is left of it: weigh it first."),
        ("manage-spool-edit", SPOOL | {"price_cents_per_kg": "dear"}, "Write it in euros, like 2.50."),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(keeper, site, name, data, sentence):
    make_printer(site)
    spool = make_spool(site)

    page = keeper.post(url_of(spool, name), data)

    assert page.status_code == 400
    assert words_of(page).count(sentence) == 2
    spool.refresh_from_db()
    assert (spool.left_g, SpoolEntry.objects.count()) == (500, 0)


def test_mediator_reads_and_changes_nothing(site):
    reader = signed_in(make_staff(site=site, role=Role.MEDIATOR))
    spool = make_spool(site)

    page = reader.get(url_of(spool)).content.decode()

    assert "What is left" in page
    assert f'action="{url_of(spool, "manage-spool-weigh")}"' not in page
    assert reader.post(url_of(spool, "manage-spool-weigh"), {"left_g": "1"}).status_code == 403


def test_supervisor_of_one_place_keeps_no_spools_of_another(keeper, site):
    far = make_site(name="Far")
    give_role(person=keeper_of(keeper), site=far, role=Role.MEDIATOR)
    there = make_spool(far)

    page = words_of(keeper.get(reverse("manage-spools")))

    assert "Far" in page
    assert keeper.get(url_of(there)).status_code == 200
    assert keeper.post(url_of(there, "manage-spool-act", "retire")).status_code == 403


def keeper_of(browser):
    from people.models import Person

    return Person.objects.get(pk=browser.session["_auth_user_id"])


def test_place_is_asked_only_where_there_are_several(site):
    person = make_staff(site=site, role=Role.SUPERVISOR)
    browser = signed_in(person)
    assert 'name="site"' not in browser.get(reverse("manage-spool-new")).content.decode()

    second = make_site(name="Annexe")
    give_role(person=person, site=second, role=Role.FAB_MANAGER)
    browser.post(reverse("manage-spool-new"), SPOOL | {"site": second.pk})

    assert Spool.objects.get().site == second


# --- prices -----------------------------------------------------------------------------------------------------


def test_price_is_typed_in_euros_and_told_by_an_example(manager_client, site):
    printer = make_printer(site)
    url = reverse("manage-print-price", args=[site.slug])
    data = {"base_cents": "0,50", "hour_cents": "0.40", "kg_cents": "20"}

    before = words_of(manager_client.get(reverse("manage-print-prices")))
    preview = words_of(manager_client.post(url, data | {"preview": "1"}))
    kept_by_preview = PrintPrice.objects.exists()
    manager_client.post(url, data)
    own = reverse("manage-print-price-kind", args=[site.slug, printer.machine.category.slug])
    manager_client.post(own, {"base_cents": "1"})
    after = words_of(manager_client.get(reverse("manage-print-prices")))

    assert "No price yet: nothing is said of cost." in before
    assert "not saved yet A print of 2 h and 40 g costs €2.10." in preview
    assert not kept_by_preview
    assert "All machines A print of 2 h and 40 g costs €2.10." in after
    assert "A print of 2 h and 40 g costs €1.00." in after

    manager_client.post(reverse("manage-print-price-remove", args=[site.slug, printer.machine.category.slug]))

    assert "as for all machines" in words_of(manager_client.get(reverse("manage-print-prices")))


def test_price_that_is_no_sum_is_refused(manager_client, site):
    page = manager_client.post(reverse("manage-print-price", args=[site.slug]), {"base_cents": "-1", "hour_cents": "x"})

    assert page.status_code == 400
    assert "Write it in euros, like 2.50." in words_of(page)
    assert not PrintPrice.objects.exists()


def test_settings_lead_to_filament_and_prices(manager_client, site):
    make_spool(site, 5.0)

    page = words_of(manager_client.get(reverse("settings")))

    assert "Filament What hangs in which printer, and what is left of it. 1 spool runs low" in page
    assert "Prices of prints" in page


# --- the printer's settings -------------------------------------------------------------------------------------


def test_printer_settings_are_in_groups_and_kept(manager_client, site):
    machine, spool = make_machine(site=site), make_spool(site)
    url = reverse("settings-printer", args=[machine.slug])
    shown = words_of(manager_client.get(url))
    data = PRINTER | {
        "kind": "prusalink", "nozzle_mm": "0.4", "spool": str(spool.pk), "slicer_model": "MK4", "bed_x_mm": "250",
        "bed_y_mm": "210", "bed_z_mm": "220", "most_nozzle_c": "290", "most_bed_c": "120", "heat_answer": "approve",
        "is_approval_needed": "on", "is_start_asked": "on", "is_unattended": "on", "circuit": "left",
        "camera_url": "http://192.168.1.20/webcam/?action=snapshot",
    }  # fmt: skip

    manager_client.post(url, data)

    groups = ("What drives it", "What hangs in it", "Its size and heat", "What becomes of files", "Around it")
    assert [shown.index(group) for group in groups] == sorted(shown.index(group) for group in groups)
    printer = Printer.objects.get()
    assert (printer.kind, printer.spool, printer.slicer_model, printer.bed_y_mm) == ("prusalink", spool, "MK4", 210)
    assert (printer.commands_answer, printer.heat_answer, printer.reach_answer) == ("block", "approve", "approve")
    assert (printer.is_approval_needed, printer.is_start_asked, printer.is_unattended) == (True, True, True)
    again = manager_client.get(url).content.decode()
    assert 'value="250.0"' in again
    assert 'value="http://192.168.1.20/webcam/?action=snapshot"' in again


def test_machine_run_by_hand_needs_neither_address_nor_key(manager_client, site):
    machine = make_machine(site=site)
    data = PRINTER | {"kind": "by_hand", "base_url": "", "api_key": ""}

    manager_client.post(reverse("settings-printer", args=[machine.slug]), data)

    assert Printer.objects.get().is_run_by_hand
    assert "run by hand" in words_of(manager_client.get(reverse("settings-printers")))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"base_url": ""}, "Write its address, or choose “by hand”."),
        ({"bed_x_mm": "250"}, "Write both: its width and its depth."),
        ({"nozzle_mm": "4"}, "less than or equal to 2"),
        ({"camera_url": "http://8.8.8.8/"}, "not on the lab’s own network"),
        ({"spool": "999999"}, "Select a valid choice."),
        ({"heat_answer": ""}, "This field is required."),
    ],
)
def test_setting_that_cannot_be_is_said_beside_the_field(manager_client, site, fields, sentence):
    page = manager_client.post(reverse("settings-printer", args=[make_machine(site=site).slug]), PRINTER | fields)

    assert words_of(page).count(sentence) == 2
    assert not Printer.objects.exists()


# --- queries ----------------------------------------------------------------------------------------------------


def fill(site, count):
    for number in range(count):
        printer, spool = make_printer(site, f"Prusa {number}"), make_spool(site)
        hang_spool(spool=spool, machine=printer.machine, by=None, now=timezone.now())
        SpoolEntry.objects.create(spool=spool, kind="weighed", grams=1, at=timezone.now())
        PrintPrice.objects.create(site=site, category=printer.machine.category)


@pytest.mark.parametrize("name", ["manage-spools", "manage-spool", "manage-print-prices", "settings-printer"])
def test_page_takes_few_queries_however_many_spools(manager_client, site, name):
    fill(site, 1)
    spool, machine = Spool.objects.get(), Printer.objects.get().machine
    args = {"manage-spool": [spool.reference], "settings-printer": [machine.slug]}.get(name, [])
    counts = []
    for more in (0, 20):
        fill(site, more)
        manager_client.get(reverse(name, args=args))
        with CaptureQueriesContext(connection) as asked:
            manager_client.get(reverse(name, args=args))
        counts.append(len([row for row in asked.captured_queries if "django_cache" not in row["sql"]]))

    assert counts[0] == counts[1]
    assert counts[1] <= MOST_QUERIES
