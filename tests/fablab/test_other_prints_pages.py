"""What people read while a printer prints what was not sent from here: nobody is asked to clear a bed in use."""

import html

import pytest
from django.urls import reverse

from fablab import troubles
from fablab.troubles import Facts
from people.models import Person, Site
from printing.models import JobState, Printer, PrintJob
from tests.fablab.print_rows import browser, make_job, make_printer, member, page
from tests.factories import make_site, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

OTHER = "rints something that was not sent from here"
BUSY = {"connection": "printing", "has_other_print": True, "is_bed_clear": False}


@pytest.fixture(autouse=True)
def _well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(troubles, "_facts", Facts)


@pytest.fixture
def site() -> Site:
    return make_site(name="Riverside")


@pytest.fixture
def printer(site: Site) -> Printer:
    made = make_printer(site, "Prusa")
    Printer.objects.filter(pk=made.pk).update(**BUSY)
    made.refresh_from_db()
    return made


@pytest.fixture
def ada(site: Site) -> Person:
    return member(site, "Ada")


@pytest.fixture
def team(site: Site) -> Person:
    return make_staff(site=site)


@pytest.fixture
def waiting(printer: Printer, ada: Person) -> PrintJob:
    return make_job(printer, ada)


def read(person: Person, address: str) -> str:
    return " ".join(html.unescape(page(person, address)).split())


def now_over(printer: Printer) -> None:
    Printer.objects.filter(pk=printer.pk).update(connection="operational")


def test_machine_page_says_so_and_asks_nobody_to_clear_the_bed(printer: Printer, ada: Person) -> None:
    during = read(ada, printer.machine.get_absolute_url())
    now_over(printer)
    after = read(ada, printer.machine.get_absolute_url())

    assert f"P{OTHER}" in during
    assert "Clear the bed" not in during
    assert "Clear the bed" in after


def test_farm_has_no_clear_bed_step_before_it_has_ended(printer: Printer, team: Person) -> None:
    during = read(team, "/manage/prints/")
    now_over(printer)
    after = read(team, "/manage/prints/")

    assert f"It p{OTHER}.</strong> Leave it: its bed is cleared when it has ended." in during
    assert "The bed is clear" not in during
    assert "in use" in during.partition("<dt>Bed</dt>")[2].partition("</dd>")[0]
    assert "The bed is clear" in after
    assert OTHER not in after


@pytest.mark.parametrize("address", ["manage-prints-act", "manage-bed-clear"])
def test_old_page_is_not_thanked_for_a_bed_that_is_in_use(printer: Printer, team: Person, address: str) -> None:
    where = reverse(address, args=[printer.machine.slug] if "bed" in address else [])
    answer = browser(team).post(where, {"act": "bed-clear", "machine": printer.machine.slug}, follow=True)

    assert "Thank you. The next print may start." not in answer.content.decode()
    assert "The printer prints something that was not sent from here." in answer.content.decode()


def test_overview_shows_it_and_waits_with_the_bed(printer: Printer, team: Person) -> None:
    during = read(team, "/manage/")
    now_over(printer)
    after = read(team, "/manage/")

    assert f"Prusa p{OTHER}" in during
    assert "The beds are clear" not in during
    assert "a print waits on the bed" not in during
    assert "Prusa: a print waits on the bed" in after


def test_queue_says_what_has_the_printer_and_promises_no_time(waiting: PrintJob, printer: Printer, ada: Person) -> None:
    address = reverse("machine-prints", args=[printer.machine.slug])

    during = read(ada, address)
    now_over(printer)
    after = read(ada, address)

    assert f"It p{OTHER}. What waits here has its turn once" in during
    assert "The last print is still on the bed" not in during
    assert "The last print is still on the bed" in after


def test_waiting_job_reads_its_own_reason_and_no_bed_step(waiting: PrintJob, printer: Printer, team: Person) -> None:
    reader = waiting.person
    assert reader is not None

    theirs, by_team = read(reader, waiting.get_absolute_url()), read(team, waiting.get_absolute_url())

    assert f"The printer p{OTHER}." in theirs
    assert "Yours keeps its place" in theirs
    assert "The printer is not ready yet" not in theirs
    assert not [words for words in (theirs, by_team) if "Is the bed clear?" in words]


def test_button_of_an_old_page_clears_no_bed_in_use(waiting: PrintJob, printer: Printer, team: Person) -> None:
    browser(team).post(reverse("manage-bed-clear", args=[printer.machine.slug]))
    browser(team).post("/manage/prints/act/", {"act": "bed-clear", "machine": printer.machine.slug})

    printer.refresh_from_db()
    assert (printer.is_bed_clear, printer.has_other_print) == (False, True)


def test_print_of_ours_is_shown_as_ours(waiting: PrintJob, printer: Printer, team: Person) -> None:
    """The flag may stand while one of ours begins: its printer had not named it yet."""
    PrintJob.objects.update(state=JobState.PRINTING)

    shown = read(team, "/manage/prints/") + read(team, printer.machine.get_absolute_url())

    assert OTHER not in shown
    assert "cube.gcode" in shown


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"connection": "paused"}, "Paused"), ({"connection": "printing"}, "Printing")],
    ids=["paused", "printing"],
)
def test_paused_is_told_from_printing(printer: Printer, ada: Person, fields: dict[str, str], words: str) -> None:
    Printer.objects.filter(pk=printer.pk).update(**fields)

    shown = read(ada, printer.machine.get_absolute_url())

    assert f"<span>{words}</span>" in shown or f">{words}<" in shown
    assert OTHER in shown
