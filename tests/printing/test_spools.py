"""Filament and prices: what is left, which printer a spool hangs in, and what a print costs."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from fablab.lib.secretbox import unseal
from people.errors import PeopleError
from people.models import Role
from printing.accounting import cost_cents
from printing.forms_printer import PrinterForm
from printing.models import BackendKind, JobState, Printer, PrintFile, PrintJob, PrintPrice
from printing.money import EurosField
from printing.print_prices import example_cents, prices_at, remove_price, set_price
from printing.printer_services import save_printer
from printing.queue import ask_start
from printing.spools import (
    create_spool,
    entries_of,
    hang_spool,
    keeps_spools,
    low_spools,
    restore_spool,
    retire_spool,
    retired_at,
    spools_at,
    take_off,
    update_spool,
    weigh,
)
from tests.factories import NOW, make_category, make_machine, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db
WRITTEN = {
    "material": "PLA", "colour": "black", "maker": "Prusament", "weight_g": 1000, "low_g": 100,
    "price_cents_per_kg": 0, "opened_at": dt.date(2026, 11, 1),
}  # fmt: skip
KEY = "abc123"
MAKERS = "http://192.168.1.20"


@pytest.fixture(autouse=True)
def _own_network(settings):
    settings.PRINTER_NETWORKS = ["192.168.0.0/16"]


@pytest.fixture
def site():
    return make_site()


def make_spool(site, left_g=None, **fields):
    return create_spool(site=site, left_g=left_g, by=None, **WRITTEN | fields)


def make_printer(site, **fields):
    return Printer.objects.create(machine=make_machine(site=site), base_url=MAKERS, next_poll_at=NOW, **fields)


def in_printers(spool):
    return list(Printer.objects.filter(spool=spool).values_list("machine_id", flat=True))


# --- spools -----------------------------------------------------------------------------------------------------


def test_new_spool_is_full_and_a_begun_one_is_not(site):
    assert make_spool(site).left_g == 1000
    assert make_spool(site, 420.5).left_g == 420.5


@pytest.mark.parametrize("left_g", [-1, 1200], ids=["less than nothing", "the empty spool weighed along"])
def test_weight_that_cannot_be_is_refused(site, left_g):
    spool = make_spool(site)

    with pytest.raises(PeopleError):
        make_spool(site, left_g)
    with pytest.raises(PeopleError):
        weigh(spool=spool, left_g=left_g, by=None, now=NOW)

    spool.refresh_from_db()
    assert (spool.left_g, spool.entries.count()) == (1000, 0)


def test_weighing_keeps_the_difference(site):
    spool = make_spool(site, 500)

    weigh(spool=spool, left_g=430, by=None, now=NOW)
    weigh(spool=spool, left_g=450, by=None, now=NOW + dt.timedelta(hours=1))

    spool.refresh_from_db()
    assert spool.left_g == 450
    assert [(entry.kind, entry.grams) for entry in entries_of(spool)] == [("weighed", 20), ("weighed", -70)]


def test_what_runs_low_comes_first(site):
    full, low = make_spool(site), make_spool(site, 99, material="PETG")
    retire_spool(spool=make_spool(site), by=None, now=NOW)
    make_spool(make_site(name="Elsewhere"))

    assert list(spools_at([site])) == [low, full]
    assert low_spools([site]) == (2, 1)


def test_spool_hangs_in_one_printer_only(site):
    first, second = make_printer(site), make_printer(site)
    spool, before = make_spool(site), make_spool(site, colour="red")
    hang_spool(spool=before, machine=second.machine, by=None, now=NOW)

    hang_spool(spool=spool, machine=first.machine, by=None, now=NOW)
    hang_spool(spool=spool, machine=second.machine, by=None, now=NOW + dt.timedelta(hours=1))

    assert in_printers(spool) == [second.machine_id]
    assert in_printers(before) == []
    # The worker looks whether what waits fits now.
    assert set(Printer.objects.values_list("next_poll_at", flat=True)) == {NOW + dt.timedelta(hours=1)}


def test_spool_is_taken_off_once_and_again(site):
    printer, spool = make_printer(site), make_spool(site)
    hang_spool(spool=spool, machine=printer.machine, by=None, now=NOW)

    take_off(spool=spool, by=None, now=NOW)
    take_off(spool=spool, by=None, now=NOW)

    assert in_printers(spool) == []


@pytest.mark.parametrize("where", ["no printer", "another place"])
def test_spool_hangs_only_in_a_printer_of_its_place(site, where):
    machine = make_machine(site=site) if where == "no printer" else make_printer(make_site(name="Far")).machine
    spool = make_spool(site)

    with pytest.raises(PeopleError):
        hang_spool(spool=spool, machine=machine, by=None, now=NOW)

    assert in_printers(spool) == []


def test_refused_spool_stays_where_it_hangs(site):
    printer, spool = make_printer(site), make_spool(site)
    hang_spool(spool=spool, machine=printer.machine, by=None, now=NOW)

    with pytest.raises(PeopleError):
        hang_spool(spool=spool, machine=make_machine(site=site), by=None, now=NOW)

    assert in_printers(spool) == [printer.machine_id]


def test_retired_spool_leaves_its_printer_and_comes_back(site):
    printer, spool = make_printer(site), make_spool(site)
    hang_spool(spool=spool, machine=printer.machine, by=None, now=NOW)

    retire_spool(spool=spool, by=None, now=NOW)

    assert in_printers(spool) == []
    assert (list(spools_at([site])), retired_at([site])) == ([], [spool])
    with pytest.raises(PeopleError):
        hang_spool(spool=spool, machine=printer.machine, by=None, now=NOW)
    with pytest.raises(PeopleError):
        weigh(spool=spool, left_g=1, by=None, now=NOW)
    restore_spool(spool=spool, by=None)
    assert list(spools_at([site])) == [spool]


def test_change_does_not_touch_what_is_left(site):
    spool = make_spool(site, 500)

    update_spool(spool=spool, by=None, **WRITTEN | {"colour": "blue", "low_g": 600})

    spool.refresh_from_db()
    assert (spool.colour, spool.left_g, spool.is_low) == ("blue", 500, True)
    with pytest.raises(PeopleError):
        update_spool(spool=spool, by=None, **WRITTEN | {"weight_g": 250})


@pytest.mark.parametrize(
    ("role", "keeps"),
    [(Role.MEDIATOR, False), (Role.SUPERVISOR, True), (Role.FAB_MANAGER, True), (Role.ADMINISTRATOR, True)],
)
def test_spools_are_kept_by_who_answers_for_machines(site, role, keeps):
    person = make_staff(site=site, role=role)

    assert keeps_spools(person, make_spool(site)) is keeps
    assert not keeps_spools(person, make_spool(make_site(name="Far")))


# --- prices -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("2.50", 250), ("2,50", 250), ("€2", 200), ("12,5 €", 1250), ("0.29", 29), ("", 0), ("0", 0)],
)
def test_euros_are_typed_as_people_write_them(typed, cents):
    assert EurosField(label="x", most_euros=100, required=False).clean(typed) == cents


@pytest.mark.parametrize("typed", ["-1", "1.005", "two", "nan", "1e9", "101", "Infinity"])
def test_what_is_no_sum_is_refused(typed):
    with pytest.raises(ValidationError):
        EurosField(label="x", most_euros=100, required=False).clean(typed)


@pytest.mark.parametrize(("language", "shown"), [("en", "2.50"), ("fr", "2,50")])
def test_kept_cents_are_shown_as_euros(language, shown):
    with translation.override(language):
        assert EurosField(label="x", most_euros=100).prepare_value(250) == shown


def test_kind_has_its_own_price_or_that_of_all(site):
    kind = make_category(name_en="3D printers")
    machine = make_machine(site=site, category=kind)
    Printer.objects.create(machine=machine, base_url=MAKERS)
    make_machine(site=site, category=make_category())

    set_price(site=site, category=None, base_cents=50, hour_cents=0, kg_cents=0, by=None)
    set_price(site=site, category=kind, base_cents=0, hour_cents=60, kg_cents=2250, by=None)
    priced = prices_at(site)
    remove_price(site=site, category=kind, by=None)
    remove_price(site=site, category=kind, by=None)

    assert [(row.category, row.example_cents) for row in priced] == [(None, 50), (kind, 210)]
    assert PrintPrice.objects.count() == 1


def test_price_set_twice_is_one(site):
    for cents in (50, 70):
        set_price(site=site, category=None, base_cents=cents, hour_cents=0, kg_cents=0, by=None)

    assert PrintPrice.objects.get().base_cents == 70


def test_example_is_what_such_a_print_costs(site):
    machine, person = make_machine(site=site), make_person()
    price = set_price(site=site, category=None, base_cents=33, hour_cents=47, kg_cents=2199, by=None)
    file = PrintFile(sha256="ab" * 32, size_bytes=1, name="a", uploaded_by=person, uploaded_at=NOW)
    printed, grams = dt.timedelta(hours=1, minutes=25), 71.3
    job = PrintJob(machine=machine, file=file, person=person, state=JobState.FINISHED, printed=printed, grams=grams)

    assert cost_cents(job) == example_cents(price, printed, grams)
    assert Decimal(example_cents(price)) == 33 + 94 + 88


# --- the printer's settings -------------------------------------------------------------------------------------


def save(machine, **fields):
    values = {"base_url": MAKERS, "api_key": KEY, "is_enabled": True, "by": None, "now": NOW} | fields
    return save_printer(machine=machine, **values)


def test_what_is_not_named_stays_as_it_was(site):
    machine = make_machine(site=site)
    save(machine, nozzle_mm=0.6, is_unattended=True, circuit="left", camera_url=f"{MAKERS}/?action=snapshot")

    printer = save(machine, api_key="", base_url="http://192.168.1.21")

    assert (printer.kind, printer.base_url) == (BackendKind.OCTOPRINT, "http://192.168.1.21")
    assert (printer.nozzle_mm, printer.is_unattended, printer.circuit) == (0.6, True, "left")
    assert unseal(printer.api_key_sealed) == KEY


def test_machine_run_by_hand_keeps_neither_address_nor_key(site):
    machine = make_machine(site=site)
    save(machine)

    printer = save(machine, kind=BackendKind.BY_HAND, base_url=MAKERS, api_key="")

    printer.refresh_from_db()
    assert (printer.is_run_by_hand, printer.base_url, printer.api_key_sealed) == (True, "", "")


def test_key_of_one_program_is_not_shown_to_another(site):
    machine = make_machine(site=site)
    save(machine)

    with pytest.raises(ValidationError) as refused:
        save(machine, kind=BackendKind.MOONRAKER, api_key="")

    assert "api_key" in refused.value.message_dict
    assert save(machine, kind=BackendKind.MOONRAKER).kind == BackendKind.MOONRAKER


def test_another_program_waits_for_the_end_of_a_print(site):
    machine, person = make_machine(site=site), make_person()
    save(machine)
    file = PrintFile.objects.create(sha256="ab" * 32, size_bytes=1, name="a", uploaded_by=person, uploaded_at=NOW)
    PrintJob.objects.create(machine=machine, file=file, person=person, state=JobState.PRINTING, created_at=NOW)

    with pytest.raises(ValidationError) as refused:
        save(machine, kind=BackendKind.PRUSALINK)

    assert "kind" in refused.value.message_dict
    assert save(machine, nozzle_mm=0.4).nozzle_mm == 0.4


def test_spool_named_in_the_settings_leaves_the_other_printer(site):
    other, machine = make_printer(site), make_machine(site=site)
    Printer.objects.update(base_url="http://192.168.1.21")
    spool = make_spool(site)
    hang_spool(spool=spool, machine=other.machine, by=None, now=NOW)

    save(machine, spool=spool)

    assert in_printers(spool) == [machine.pk]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("camera_url", "http://8.8.8.8/still"),
        ("camera_url", "http://127.0.0.1/still"),
        ("camera_url", "file:///etc/passwd"),
        ("camera_url", f"{MAKERS}/#part"),
        ("base_url", ""),
        ("api_key", ""),
        ("bed_x_mm", 200.0),
        ("most_bed_c", 201),
        ("nozzle_mm", 3.0),
        ("heat_answer", "perhaps"),
        ("kind", "magic"),
    ],
)
def test_setting_that_cannot_be_is_refused(site, field, value):
    machine = make_machine(site=site)

    with pytest.raises(ValidationError):
        save(machine, **{field: value})

    assert not Printer.objects.exists()


def test_spool_of_another_place_is_refused(site):
    spool = make_spool(make_site(name="Far"))

    with pytest.raises(ValidationError) as refused:
        save(make_machine(site=site), spool=spool)

    assert "spool" in refused.value.message_dict


def test_form_asks_for_no_address_by_hand(site):
    machine = make_machine(site=site)
    values = PrinterForm(machine=machine, known=None).initial | {"base_url": "", "api_key": ""}
    data = {name: value for name, value in values.items() if value not in (None, False, "")}

    by_hand = PrinterForm(data | {"kind": "by_hand"}, machine=machine, known=None)
    driven = PrinterForm(data | {"kind": "moonraker"}, machine=machine, known=None)

    assert by_hand.is_valid()
    assert list(driven.errors) == ["base_url"]


def test_other_filament_wants_to_be_looked_at_before_a_print_starts(lab):
    job = lab.queue()
    ask_start(job=job, by=lab.person, now=lab.now)
    spool = make_spool(lab.machine.site)

    hang_spool(spool=spool, machine=lab.machine, by=None, now=lab.now)

    job.refresh_from_db()
    assert job.start_asked_at is None


@pytest.mark.parametrize(
    ("changes", "is_forgotten"),
    [({"nozzle_mm": 0.6}, True), ({"slicer_model": "MK4"}, True), ({"most_bed_c": 90}, False)],
)
def test_other_nozzle_in_the_settings_wants_to_be_looked_at_too(lab, changes, is_forgotten):
    job = lab.queue()
    ask_start(job=job, by=lab.person, now=lab.now)

    save_printer(machine=lab.machine, is_enabled=True, by=None, now=lab.now, base_url=lab.server.url, **changes)

    job.refresh_from_db()
    assert (job.start_asked_at is None) == is_forgotten
