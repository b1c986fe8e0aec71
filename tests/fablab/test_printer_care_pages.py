"""What is done at a printer: its bed cleared by whoever stands there, its maintenance noted, its key given to it."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from fablab.lib.secretbox import seal
from people.models import Person, Site
from printing.models import BackendKind, Intervention, JobState, KeyRequest, Printer, PrintJobEvent
from reservations.models import Reservation, Status
from tests.api.lab import hold
from tests.fablab.print_rows import HOUR, browser, ended, make_job, member, page
from tests.fablab.rows.settings import PRINTER
from tests.factories import make_site, make_staff, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


# --- the bed, by the square on the machine ---------------------------------------------------------------------


def leave_on_bed(printer: Printer, person: Person) -> None:
    """A print of this person has ended, and lies there."""
    now = timezone.now()
    job = make_job(printer, person, JobState.FINISHED, name="vase.gcode", started_at=now, ended_at=now)
    PrintJobEvent.objects.create(job=job, old=JobState.UPLOADED, new=JobState.STARTING, at=timezone.now())
    Printer.objects.filter(pk=printer.pk).update(is_bed_clear=False)


def clear(person: Person, printer: Printer) -> str:
    return browser(person).post(reverse("machine-bed-clear", args=[printer.machine.slug])).headers["location"]


def test_whose_print_lies_there_clears_the_bed_and_is_asked_how_it_came_out(printer: Printer, ada: Person) -> None:
    leave_on_bed(printer, ada)

    shown = page(ada, printer.machine.get_absolute_url())
    leads_to = clear(ada, printer)

    assert "Your print lies on the bed" in shown
    printer.refresh_from_db()
    assert printer.is_bed_clear
    assert leads_to == ada.print_jobs.get().get_absolute_url()


def test_who_has_the_machine_now_clears_what_another_left(printer: Printer, ada: Person, site: Site) -> None:
    leave_on_bed(printer, member(site, "Bo"))
    now = timezone.now()
    held = hold(printer.machine, ada, now - minutes(5), now + HOUR)
    Reservation.objects.filter(pk=held.pk).update(status=Status.IN_USE)

    shown = page(ada, printer.machine.get_absolute_url())
    leads_to = clear(ada, printer)

    assert "A print lies on the bed" in shown
    assert "vase.gcode" not in shown
    printer.refresh_from_db()
    assert printer.is_bed_clear
    assert leads_to == printer.machine.get_absolute_url()


def test_member_without_business_there_clears_nothing(printer: Printer, ada: Person, site: Site) -> None:
    leave_on_bed(printer, member(site, "Bo"))

    shown = page(ada, printer.machine.get_absolute_url())
    clear(ada, printer)

    assert "lies on the bed" not in shown
    printer.refresh_from_db()
    assert not printer.is_bed_clear


def test_bed_of_a_printer_that_prints_is_not_cleared(printer: Printer, ada: Person, team: Person) -> None:
    make_job(printer, ada, JobState.PRINTING, started_at=timezone.now())
    Printer.objects.update(is_bed_clear=False)

    clear(team, printer)

    printer.refresh_from_db()
    assert not printer.is_bed_clear


# --- maintenance -----------------------------------------------------------------------------------------------


def note(person: Person, printer: Printer, words: str = "New nozzle") -> int:
    data = {"act": "maintained", "machine": printer.machine.slug, "note": words}
    return browser(person).post(reverse("manage-prints-act"), data).status_code


def test_maintenance_falls_due_by_hours_of_printing_and_is_counted_anew(
    printer: Printer, ada: Person, team: Person
) -> None:
    Printer.objects.update(maintenance_every_h=2)
    ended(printer, ada)
    before = page(team, reverse("manage-prints"))
    ended(printer, ada)
    due = page(team, reverse("manage-prints"))

    note(team, printer)

    after = page(team, reverse("manage-prints"))
    assert ["maintenance is due" in shown for shown in (before, due, after)] == [False, True, False]
    assert "0 h since the maintenance of" in after
    done = Intervention.objects.get()
    assert (done.note, done.done_by, done.printed) == ("New nozzle", team, dt.timedelta(hours=2))


def test_maintenance_is_noted_by_the_team_there_alone(printer: Printer, ada: Person, site: Site) -> None:
    elsewhere = make_staff(site=make_site(name="Hill"), first_name="Otto")

    assert [note(ada, printer), note(elsewhere, printer)] == [403, 404]
    assert not Intervention.objects.exists()


# --- the key ---------------------------------------------------------------------------------------------------


def wish(manager: Person, printer: Printer) -> str:
    data = PRINTER | {"api_key": "", "asks_key": "on"}
    address = reverse("settings-printer", args=[printer.machine.slug])
    return str(browser(manager).post(address, data, follow=True).content.decode())


def test_key_is_wished_for_instead_of_typed(printer: Printer, manager: Person) -> None:
    shown = wish(manager, printer)

    assert "Now click “Allow” in OctoPrint" in shown
    assert 'href="http://192.168.1.20"' in shown
    made = KeyRequest.objects.get()
    printer.refresh_from_db()
    assert (made.printer, made.asked_by, made.enables, printer.is_enabled) == (printer, manager, True, False)


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("granted", "", "OctoPrint gave its key"),
        ("denied", "", "somebody clicked “Deny”"),
        ("late", "", "Nobody clicked “Allow” within ten minutes"),
        ("failed", "printer_unreachable", "The printer did not answer."),
        ("failed", "printer_rejected", "It gives no keys itself"),
    ],
)
def test_how_the_asking_ended_is_said(printer: Printer, manager: Person, state: str, code: str, words: str) -> None:
    wish(manager, printer)
    KeyRequest.objects.update(state=state, error_code=code)

    address = reverse("settings-printer-key", args=[printer.machine.slug])
    shown = browser(manager).get(address, headers={"hx-request": "true"}).content.decode()

    assert words in shown
    assert "hx-get" not in shown


def test_asking_is_stopped_and_the_key_that_was_there_stays(printer: Printer, manager: Person) -> None:
    Printer.objects.update(kind=BackendKind.OCTOPRINT, api_key_sealed=seal("a-key-that-is-there"))
    wish(manager, printer)

    browser(manager).post(reverse("settings-printer-key", args=[printer.machine.slug]))

    assert not KeyRequest.objects.exists()
    assert Printer.objects.get().api_key_sealed
