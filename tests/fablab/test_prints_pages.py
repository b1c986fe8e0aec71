"""Queues of machines as members and the team read them; and the farm, where the team acts on many prints at once."""

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone

from fablab.print_words import rounded
from machines.models import Machine, Outage
from people.models import Person, Role, Site
from printing.models import JobState, Outcome, Printer, PrintJob, Spool
from printing.overview import queue_of
from printing.turns import next_job
from reservations.models import Status
from tests.api.lab import hold
from tests.fablab.print_rows import HOUR, browser, ended, make_file, make_job, make_printer, page, told
from tests.factories import make_site, make_staff, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


# --- the queue of a machine ------------------------------------------------------------------------------------


def test_queue_tells_owners_theirs_and_the_team_all(printer: Printer, ada: Person, bo: Person, team: Person) -> None:
    first = make_job(printer, bo, name="bo-secret.gcode")
    mine = make_job(printer, ada, name="ada-ring.gcode")
    address = f"/machines/{printer.machine.slug}/prints/"

    read_by_ada, read_by_team = page(ada, address), page(team, address)

    assert "ada-ring.gcode" in read_by_ada
    assert mine.reference in read_by_ada
    assert "somebody" in read_by_ada
    assert "after about 1 h" in read_by_ada
    assert not [word for word in ("bo-secret", "Boson", first.reference) if word in read_by_ada]
    assert all(word in read_by_team for word in ("bo-secret.gcode", "Boson", "ada-ring.gcode", first.reference))


def test_queue_begins_after_what_runs_and_what_waits(printer: Printer, ada: Person) -> None:
    make_job(printer, ada, JobState.PRINTING, time_left=minutes(30), started_at=timezone.now())
    for name in ("one", "two", "three"):
        make_job(printer, ada, name=name)
    held = make_job(printer, ada, name="held", is_held=True)

    queue = queue_of(printer.machine, timezone.now())

    assert [each.begins_after for each in queue.waiting] == [minutes(30), minutes(90), minutes(150), None]
    assert queue.waiting[-1].job == held
    assert not any(each.is_at_least for each in queue.waiting)


def test_queue_says_at_least_after_what_has_no_estimate(printer: Printer, ada: Person) -> None:
    make_job(printer, ada, file=make_file(ada, "long.gcode", estimated=None))
    make_job(printer, ada)

    queue = queue_of(printer.machine, timezone.now())

    assert [each.is_at_least for each in queue.waiting] == [False, True]


@pytest.mark.parametrize(
    ("is_unattended", "order"),
    [(False, ["there", "first", "older", "oldest"]), (True, ["first", "older", "there", "oldest"])],
    ids=["with reservations", "one after the other"],
)
def test_queue_has_the_order_of_the_worker(
    printer: Printer, ada: Person, bo: Person, is_unattended: bool, order: list[str]
) -> None:
    now = timezone.now()
    Printer.objects.update(is_unattended=is_unattended)
    make_job(printer, ada, name="oldest", is_held=True, queued_at=now - 3 * HOUR)
    make_job(printer, ada, name="older", queued_at=now - 2 * HOUR)
    make_job(printer, ada, name="first", is_first=True, queued_at=now - HOUR)
    there = hold(printer.machine, bo, now - minutes(5), now + 2 * HOUR, Status.IN_USE)
    make_job(printer, bo, name="there", reservation=there)
    row = Printer.objects.select_related("machine__unit__site", "spool").get(pk=printer.pk)
    machine = Machine.objects.with_places().get(pk=printer.machine_id)

    shown = [each.job.file.name for each in queue_of(machine, now).waiting]
    begins = next_job(row, now)

    assert shown == order
    assert begins is not None
    assert begins.file.name == order[0]


def test_queue_holds_what_takes_any_printer_of_the_model(printer: Printer, ada: Person, site: Site) -> None:
    twin = make_printer(site, "Twin")
    Machine.objects.update(model_name="MK4")
    machine = Machine.objects.with_places().get(pk=twin.machine_id)
    make_job(printer, ada, name="any.gcode", takes_any=True)
    make_job(printer, ada, name="this.gcode")

    names = [each.job.file.name for each in queue_of(machine, timezone.now()).waiting]

    assert names == ["any.gcode"]


def test_empty_queue_says_how_to_send_a_file(printer: Printer, ada: Person) -> None:
    shown = page(ada, f"/machines/{printer.machine.slug}/prints/")

    assert f"http://testserver/slicer/{printer.machine.slug}" in shown
    assert all(word in shown for word in ("PrusaSlicer", "OrcaSlicer", "Cura", "/me/tokens/", "it is the first"))


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (minutes(1), minutes(5)),
        (minutes(43), minutes(45)),
        (minutes(177), minutes(180)),
        (minutes(60 * 7 + 40), minutes(60 * 8)),
    ],
    ids=["a minute", "minutes", "hours", "many hours"],
)
def test_beginning_is_said_roughly(time: dt.timedelta, words: dt.timedelta) -> None:
    assert rounded(time) == words


# --- the farm --------------------------------------------------------------------------------------------------


def test_farm_shows_each_printer_with_its_next_step(printer: Printer, ada: Person, team: Person, site: Site) -> None:
    make_job(printer, ada, JobState.PRINTING, progress_pct=40, time_left=minutes(20), started_at=timezone.now())
    make_job(printer, ada)
    spool = Spool.objects.create(site=site, material="PETG", colour="orange", left_g=50)
    make_printer(site, "Bed", is_bed_clear=False, spool=spool)
    make_printer(site, "Away", unreachable_since=timezone.now() - HOUR)
    make_printer(site, "Key", error_code="printer_auth")
    make_printer(site, "Hand", kind="by_hand")
    make_job(Printer.objects.get(machine__name="Hand"), ada)
    make_job(make_printer(site, "Lost"), ada, JobState.LOST)

    shown = page(team, "/manage/prints/")

    assert all(
        words in shown
        for words in (
            "40 %", "20 min left", "1 print waits", "The bed is clear", "PETG orange, 50 g", "low",
            "It has not answered since", "The printer refused our key", "Run the next one by hand",
            "say how it ended",
        )
    )  # fmt: skip


def test_farm_is_of_ones_own_sites(printer: Printer, ada: Person) -> None:
    job = make_job(printer, ada, JobState.AWAITING_APPROVAL, name="ada-ring.gcode")
    stranger = make_staff(site=make_site(name="Hilltop"), role=Role.FAB_MANAGER)

    shown = page(stranger, "/manage/prints/")
    act(stranger, "approve", job)

    assert not [word for word in ("ada-ring", "Prusa", job.reference) if word in shown]
    assert state_of(job) == JobState.AWAITING_APPROVAL


def test_farm_card_is_asked_for_alone(printer: Printer, team: Person, site: Site) -> None:
    make_printer(site, "Other")
    address = f"/manage/prints/?machine={printer.machine.slug}"

    part = browser(team).get(address, headers={"hx-request": "true"}).content.decode()

    assert part.strip().startswith("<li")
    assert "Prusa" in part
    assert "Other" not in part


def test_farm_counts_hours_since_the_last_maintenance(printer: Printer, ada: Person, team: Person) -> None:
    now = timezone.now()
    ended(printer, ada)
    Outage.objects.create(machine=printer.machine, kind="maintenance", start=now - 3 * HOUR, end=now - 2 * HOUR)
    make_job(printer, ada, JobState.FINISHED, started_at=now - 9 * HOUR, ended_at=now - 4 * HOUR, printed=5 * HOUR)

    shown = page(team, "/manage/prints/")

    assert "1 h since the maintenance of" in shown


def act(person: Person, name: str, *jobs: PrintJob, note: str = ""):
    data = {"act": name, "job": [job.reference for job in jobs], "note": note}
    return browser(person).post("/manage/prints/act/", data, follow=True)


def state_of(job: PrintJob) -> str:
    job.refresh_from_db()
    return job.state


def test_inbox_shows_concerns_and_lets_through(printer: Printer, ada: Person, team: Person) -> None:
    concerns = [{"code": "approval_wanted", "params": {}}]
    job = make_job(printer, ada, JobState.AWAITING_APPROVAL, concerns=concerns)

    shown = page(team, "/manage/prints/")
    answer = act(team, "approve", job)

    assert "The team looks at every print for this machine." in shown
    assert "One print waits for a yes" in shown
    assert state_of(job) == JobState.QUEUED
    assert "Done for one print." in told(answer)


@pytest.mark.parametrize(("note", "state"), [("", "awaiting_approval"), ("Too hot", "returned")], ids=["none", "one"])
def test_sending_back_wants_a_reason(printer: Printer, ada: Person, team: Person, note: str, state: str) -> None:
    job = make_job(printer, ada, JobState.AWAITING_APPROVAL)

    act(team, "send-back", job, note=note)

    assert state_of(job) == state


def test_mediator_sees_what_asks_and_is_told_why_not(printer: Printer, ada: Person, site: Site) -> None:
    job = make_job(printer, ada, JobState.AWAITING_APPROVAL)
    mediator = make_staff(site=site, role=Role.MEDIATOR)

    shown = page(mediator, "/manage/prints/")
    answer = act(mediator, "approve", job)

    assert "Those who answer for the machine say yes or no." in shown
    assert 'value="approve"' not in shown
    assert "cube.gcode: " in told(answer)
    assert state_of(job) == JobState.AWAITING_APPROVAL


def test_acting_on_many_tells_each_refusal_and_goes_on(printer: Printer, ada: Person, team: Person) -> None:
    waits, runs = make_job(printer, ada), make_job(printer, ada, JobState.PRINTING, name="runs.gcode")
    asks = make_job(printer, ada, JobState.AWAITING_APPROVAL, name="asks.gcode")

    answer = act(team, "hold", asks, runs, waits)

    waits.refresh_from_db()
    assert waits.is_held
    assert "asks.gcode: not possible, as its state is now: waiting for a yes." in told(answer)
    assert "runs.gcode: not possible, as its state is now: printing." in told(answer)
    assert "Done for one print." in told(answer)


@pytest.mark.parametrize(("name", "field"), [("hold", "is_held"), ("first", "is_first")])
def test_many_are_held_or_put_first_and_back(
    printer: Printer, ada: Person, team: Person, name: str, field: str
) -> None:
    jobs = [make_job(printer, ada), make_job(printer, ada)]

    answer = act(team, name, *jobs)
    found = set(PrintJob.objects.values_list(field, flat=True))
    act(team, {"hold": "release", "first": "in-turn"}[name], *jobs)

    assert found == {True}
    assert "Done for 2 prints." in told(answer)
    assert set(PrintJob.objects.values_list(field, flat=True)) == {False}


def test_nothing_ticked_is_said(team: Person) -> None:
    assert "Tick at least one print first." in told(act(team, "hold"))


def test_what_is_no_act_for_many_is_refused(printer: Printer, ada: Person, team: Person) -> None:
    assert act(team, "start", make_job(printer, ada)).status_code == 404


def test_bed_is_cleared_from_the_farm(printer: Printer, team: Person) -> None:
    Printer.objects.update(is_bed_clear=False)

    browser(team).post("/manage/prints/act/", {"act": "bed-clear", "machine": printer.machine.slug})

    printer.refresh_from_db()
    assert printer.is_bed_clear


def test_success_counts_what_people_and_printers_said(printer: Printer, ada: Person, team: Person) -> None:
    nasty = make_file(ada, profile="=1+1")
    ended(printer, ada, outcome=Outcome.GOOD, file=nasty)
    ended(printer, ada, JobState.FAILED, outcome=Outcome.GOOD, file=nasty)
    ended(printer, ada, outcome=Outcome.BAD, file=nasty)
    ended(printer, ada, JobState.FAILED, file=nasty)
    ended(printer, ada, file=nasty)
    ended(printer, ada, JobState.CANCELLED, file=nasty)
    long_ago = timezone.now() - dt.timedelta(days=91)
    PrintJob.objects.filter(pk=PrintJob.objects.filter(state=JobState.FINISHED, outcome="").first().pk).update(
        ended_at=timezone.now()
    )
    make_job(printer, ada, JobState.FAILED, started_at=long_ago, ended_at=long_ago, file=nasty)

    answer = browser(team).get("/manage/prints/success.csv")

    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[1:] == [
        ["Machine", "Prusa", "2", "1", "1", "1", "50"],
        ["Material", "PLA", "2", "1", "1", "1", "50"],
        ["Slicer profile", "'=1+1", "2", "1", "1", "1", "50"],
    ]
    assert "50 %" in page(team, "/manage/prints/")
