"""A person's own prints and files; and how much the pages of prints ask of the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from machines.models import Machine, Unit
from people.lab import current_lab, is_new
from people.models import Person, Site
from printing.file_removal import GONE_SHA256
from printing.models import JobState, Outcome, Printer, PrintFile, PrintJob
from tests.fablab.print_rows import browser, ended, make_file, make_job, page, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

MOST = 12


def test_own_prints_begin_with_drafts_and_are_found_by_name(printer: Printer, ada: Person, bo: Person) -> None:
    make_job(printer, bo, name="bo-secret.gcode")
    make_job(printer, ada, JobState.FINISHED, name="vase.gcode")
    make_job(printer, ada, JobState.DRAFT, name="boat.gcode")

    everything, found = page(ada, "/me/prints/"), page(ada, "/me/prints/?q=VAS")

    assert "bo-secret" not in everything
    assert everything.index("boat.gcode") < everything.index("vase.gcode")
    assert "Hand it in" in everything
    assert "vase.gcode" in found
    assert "boat.gcode" not in found


def test_own_prints_are_read_page_by_page(printer: Printer, ada: Person) -> None:
    file, now = make_file(ada), timezone.now()
    PrintJob.objects.bulk_create(
        PrintJob(machine=printer.machine, file=file, person=ada, state=JobState.FINISHED, created_at=now)
        for _ in range(45)
    )
    client, address, seen = browser(ada), "/me/prints/", []

    while True:
        context = client.get(address).context
        seen += [job.reference for job in context["jobs"]]
        if not context["following"]:
            break
        address = f"/me/prints/?before={context['following']}"

    assert len(seen) == len(set(seen)) == 45


def test_own_files_are_told_once_each(printer: Printer, ada: Person, bo: Person) -> None:
    make_file(ada, "old-name.gcode")
    latest = make_file(ada, "new-name.gcode")
    make_file(bo, "bo-secret.gcode")
    make_file(ada, "gone.gcode", sha256=GONE_SHA256)
    ended(printer, ada, outcome=Outcome.GOOD, file=latest)

    shown = page(ada, "/me/prints/files/")

    assert "new-name.gcode" in shown
    assert "1 print, 1 came out well" in shown
    assert not [word for word in ("old-name", "bo-secret", "gone.gcode") if word in shown]


def test_file_is_printed_again_as_a_draft(printer: Printer, ada: Person) -> None:
    file = make_file(ada)

    answer = browser(ada).post(f"/me/prints/files/{file.reference}/again/", {"machine": printer.machine.slug})

    job = PrintJob.objects.get()
    assert (job.file, job.machine, job.person, job.state) == (file, printer.machine, ada, JobState.DRAFT)
    assert answer.headers["Location"] == job.get_absolute_url()


def test_file_that_does_not_fit_is_not_printed_again(printer: Printer, ada: Person) -> None:
    Printer.objects.update(nozzle_mm=0.6)
    file = make_file(ada, nozzle_mm=0.4)

    answer = browser(ada).post(
        f"/me/prints/files/{file.reference}/again/", {"machine": printer.machine.slug}, follow=True
    )

    assert not PrintJob.objects.exists()
    assert "0.6 mm is mounted" in told(answer)


def test_files_of_others_are_nobodys_business(printer: Printer, ada: Person, team: Person) -> None:
    file = make_file(ada)
    address = f"/me/prints/files/{file.reference}/"

    answers = [
        browser(team).post(f"{address}{what}/", {"machine": printer.machine.slug}) for what in ("again", "delete")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert PrintFile.objects.get().sha256 == file.sha256


def test_file_goes_with_its_copies_unless_a_print_needs_it(printer: Printer, ada: Person, bo: Person) -> None:
    file, copy, others = make_file(ada, "one.gcode"), make_file(ada, "two.gcode"), make_file(bo, "bo.gcode")
    job = make_job(printer, ada, file=copy)
    address = f"/me/prints/files/{file.reference}/delete/"

    refused = browser(ada).post(address, follow=True)
    kept = PrintFile.objects.filter(uploaded_by=ada).exclude(sha256=GONE_SHA256).count()
    PrintJob.objects.update(state=JobState.FINISHED)
    browser(ada).post(address)

    others.refresh_from_db()
    job.file.refresh_from_db()
    assert "has not ended" in told(refused)
    assert kept == 2
    assert list(PrintFile.objects.filter(uploaded_by=ada)) == [copy]
    assert (job.file.sha256, job.file.name) == (GONE_SHA256, "two.gcode")
    assert others.sha256 != GONE_SHA256


# --- how much they ask of the database -------------------------------------------------------------------------


def add_printers(site: Site, person: Person, count: int) -> None:
    """Each with one print that runs, one that waits, one that asks and one that has ended; all files differ."""
    units = Unit.objects.bulk_create(Unit(site=site) for _ in range(count))
    category, known = Machine.objects.first().category, Machine.objects.count()
    machines = Machine.objects.bulk_create(
        Machine(unit=unit, category=category, name=f"P {known + n}", slug=f"p-{known + n}")
        for n, unit in enumerate(units)
    )
    Printer.objects.bulk_create(Printer(machine=machine, is_bed_clear=False) for machine in machines)
    now = timezone.now()
    for machine in machines:
        file = make_file(person, f"{machine.slug}.gcode", sha256=f"{machine.pk:064x}")
        for state in (JobState.PRINTING, JobState.QUEUED, JobState.AWAITING_APPROVAL, JobState.FINISHED):
            PrintJob.objects.create(
                machine=machine, file=file, person=person, state=state, created_at=now, queued_at=now,
                started_at=now, ended_at=now, concerns=[{"code": "approval_wanted", "params": {}}],
            )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "is_team"),
    [
        ("/machines/{slug}/prints/", False),
        ("/machines/{slug}/prints/", True),
        ("/manage/prints/", True),
        ("/me/prints/", False),
        ("/me/prints/?q=gcode", False),
        ("/me/prints/files/", False),
    ],
    ids=["queue", "queue, team", "farm", "own prints", "own prints, found", "own files"],
)
def test_page_takes_few_queries_however_many(
    printer: Printer, ada: Person, team: Person, site: Site, address: str, is_team: bool
) -> None:
    reader = team if is_team else ada
    counts = []
    Machine.objects.update(model_name="MK4")
    for more in (3, 27):
        add_printers(site, ada, more)
        for _ in range(more):
            make_job(printer, ada)
        client = browser(reader)
        # Kept by the process, not asked for by each page.
        current_lab()
        is_new()
        client.get("/manage/" if is_team else "/me/")
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address.format(slug=printer.machine.slug))
        assert answer.status_code == 200
        asked = [query["sql"] for query in captured.captured_queries]
        counts.append([sql for sql in asked if "django_cache" not in sql and "SAVEPOINT" not in sql])

    assert len(counts[0]) == len(counts[1]), "\n".join(counts[1])
    assert len(counts[1]) <= MOST, "\n".join(counts[1])
