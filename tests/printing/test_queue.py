"""Whose turn it is: held back, put first, any of the model, looked at before it starts, one at a time on a circuit."""

import pytest

from people.errors import NotAllowed
from people.models import Notice
from printing.backends import PrinterConnection
from printing.errors import PrintRefused, WrongJobState
from printing.messages import failure_words
from printing.models import BackendKind, FileKind, JobState, Outcome, Printer, PrintFile, PrintJob, Why
from printing.queue import ask_start, hold_job, put_first, run_by_hand, say_ended, say_outcome
from printing.rules import start_denials
from printing.services import move_job, take_over
from printing.submitting import draft_job, submit_job
from printing.turns import HEATS_FOR, LOOK_LASTS, LOOKS_MOST, next_job, start_facts
from reservations.life import check_in
from tests.factories import make_machine, make_outage, make_person, make_staff, minutes, suspend
from tests.printing.builders import GCODE, book, fresh, long_ago, make_printer, upload
from tests.printing.format_samples import good_3mf

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(lab):
    return make_staff(site=lab.machine.site)


def twin_of(lab, **fields):
    lab.machine.model_name = "MK4"
    lab.machine.save()
    twin = make_machine(site=lab.machine.site, category=lab.machine.category, model_name="MK4")
    printer = make_printer(twin, lab.server.url, lab.server.api_key)
    Printer.objects.filter(pk=printer.pk).update(**fields)
    return Printer.objects.select_related("machine__unit__site").get(pk=printer.pk)


def submitted(lab, person=None, **fields):
    who = person or lab.person
    file = upload(GCODE, "a.gcode", who)
    job = draft_job(file=file, machine=lab.machine, person=who, by=who, now=lab.now)
    return submit_job(job=job, by=who, now=lab.now, **fields)


def test_what_is_held_back_lets_others_pass_and_goes_on_when_let_go(lab):
    first, second = lab.queue(), lab.queue()
    hold_job(job=first, is_held=True, by=lab.person, now=lab.now)

    held_turn = next_job(lab.row(), lab.now)
    hold_job(job=first, is_held=False, by=lab.person, now=lab.now)

    assert (held_turn, next_job(lab.row(), lab.now)) == (second, first)


def test_held_alone_it_waits_and_says_so(lab):
    job = hold_job(job=lab.queue(), is_held=True, by=lab.person, now=lab.now)

    lab.ticks(3)

    assert (fresh(job).state, lab.remote.starts) == (JobState.QUEUED, [])


def test_team_puts_a_print_first(lab, boss):
    lab.queue()
    second = lab.queue()

    put_first(job=second, is_first=True, by=boss, now=lab.now)

    assert next_job(lab.row(), lab.now) == second


def test_nobody_puts_their_own_first_nor_holds_another_s(lab):
    job, stranger = lab.queue(), make_person()

    with pytest.raises(NotAllowed):
        put_first(job=job, is_first=True, by=lab.person, now=lab.now)
    for act in (hold_job, ask_start):
        with pytest.raises(NotAllowed):
            act(job=job, by=stranger, now=lab.now, **({"is_held": True} if act is hold_job else {}))


def test_print_that_takes_any_goes_to_whichever_of_the_model_its_person_has(lab):
    twin = twin_of(lab)
    job = submitted(lab, takes_any=True)
    other_time = book(twin.machine, lab.person, "11:00", "12:00")

    seen_by_twin = next_job(twin, lab.now)

    assert (seen_by_twin, other_time.machine) == (job, twin.machine)


def test_print_that_takes_one_is_seen_by_that_one_only(lab):
    twin = twin_of(lab)
    submitted(lab)

    assert next_job(twin, lab.now) is None


def test_print_that_takes_any_starts_once_on_one_of_two_free_printers(lab):
    twin = twin_of(lab, is_unattended=True)
    Printer.objects.update(is_unattended=True)
    long_ago(lab.reservation)
    job = submitted(lab, make_person(), takes_any=True)

    lab.ticks(3)
    second_turn = next_job(twin, lab.now)

    assert (fresh(job).state, lab.remote.starts, second_turn) == (JobState.PRINTING, [job.remote_path], None)


def test_of_two_printers_that_saw_the_same_print_one_moves_it(lab):
    twin = twin_of(lab)
    job = submitted(lab, takes_any=True)
    seen_by_first, seen_by_twin = fresh(job), fresh(job)

    taken = take_over(seen_by_twin, twin.machine, now=lab.now)

    with pytest.raises(WrongJobState):
        move_job(seen_by_first, JobState.DISPATCHING, now=lab.now)
    with pytest.raises(WrongJobState):
        move_job(seen_by_first, JobState.QUEUED, now=lab.now)
    assert move_job(taken, JobState.DISPATCHING, now=lab.now).machine == twin.machine


def test_stricter_printer_of_the_model_takes_nothing_that_nobody_said_yes_to(lab):
    twin = twin_of(lab, is_unattended=True, is_approval_needed=True)
    job = submitted(lab, takes_any=True)

    facts = start_facts(job, twin, connection=PrinterConnection.OPERATIONAL, is_reachable=True, now=lab.now)

    assert [denial.code for denial in start_denials(facts)] == ["approval_wanted"]


def test_one_that_cannot_start_lets_others_pass(lab):
    Printer.objects.update(is_unattended=True)
    long_ago(lab.reservation)
    suspended, other = make_person(), make_person()
    submitted(lab, suspended)
    able = submitted(lab, other)
    suspend(person=suspended, start=lab.now - minutes(5))

    assert next_job(lab.row(), lab.now) == able


def test_many_that_do_not_fit_let_others_pass(lab):
    Printer.objects.update(is_unattended=True)
    long_ago(lab.reservation)
    misfits = [submitted(lab, make_person()) for _ in range(LOOKS_MOST + 1)]
    PrintFile.objects.filter(jobs__in=misfits).update(nozzle_mm=0.8)
    Printer.objects.update(nozzle_mm=0.4)
    able = submitted(lab, make_person())
    PrintFile.objects.filter(jobs=able).update(nozzle_mm=0.4)

    assert next_job(lab.row(), lab.now) == able


@pytest.mark.parametrize("fields", [{"is_start_asked": True}, {}], ids=["always asked", "nozzle unknown"])
def test_many_that_nobody_has_looked_at_the_printer_for_let_one_pass_whose_person_has(lab, fields):
    Printer.objects.update(is_unattended=True, **fields)
    long_ago(lab.reservation)
    for _ in range(LOOKS_MOST):
        submitted(lab, make_person())
    ready = submitted(lab)
    PrintFile.objects.update(nozzle_mm=0.4)
    ask_start(job=ready, by=lab.person, now=lab.now)

    lab.ticks(3)

    assert (fresh(ready).state, lab.remote.starts) == (JobState.PRINTING, [ready.remote_path])


def test_whoever_has_reserved_a_printer_that_prints_alone_is_not_worse_off(lab):
    Printer.objects.update(is_unattended=True)
    job = lab.queue()
    PrintFile.objects.update(estimated=minutes(24 * 60))

    lab.ticks(3)

    assert fresh(job).state == JobState.PRINTING


def test_look_of_hours_ago_is_none(lab):
    Printer.objects.update(is_start_asked=True)
    job = lab.queue()
    ask_start(job=job, by=lab.person, now=lab.now - LOOK_LASTS)

    lab.ticks(3)

    assert fresh(job).state == JobState.QUEUED


def test_printer_waits_for_somebody_who_has_looked(lab):
    Printer.objects.update(is_start_asked=True)
    job = lab.queue()
    lab.ticks(3)
    before = fresh(job).state

    ask_start(job=job, by=lab.person, now=lab.now)
    lab.ticks(3)

    assert (before, fresh(job).state) == (JobState.QUEUED, JobState.PRINTING)


def test_what_only_the_printer_knows_is_looked_at_first(lab):
    Printer.objects.update(nozzle_mm=0.6)
    job = lab.queue()

    lab.ticks(3)

    assert fresh(job).state == JobState.QUEUED


def test_two_on_one_circuit_do_not_heat_up_at_once(lab):
    twin = twin_of(lab, circuit="wall", is_unattended=True)
    Printer.objects.update(circuit="wall")
    PrintJob.objects.create(
        machine=twin.machine, file=upload(GCODE, "b.gcode", lab.person), person=lab.person, state=JobState.PRINTING,
        created_at=lab.now, started_at=lab.now,
    )  # fmt: skip
    job = lab.queue()
    lab.ticks(3)
    while_it_heats = fresh(job).state

    lab.ticks(3, seconds=HEATS_FOR.total_seconds() / 2)

    assert (while_it_heats, fresh(job).state) == (JobState.QUEUED, JobState.PRINTING)


@pytest.mark.parametrize("what", ["outage", "suspension"])
def test_nothing_starts_while_the_machine_is_out_or_its_person_suspended(lab, what):
    job = lab.queue()
    if what == "outage":
        make_outage(machine=lab.machine, start=lab.now - minutes(5))
    else:
        suspend(person=lab.person, start=lab.now - minutes(5))

    lab.ticks(3)

    assert (fresh(job).state, lab.remote.starts) == (JobState.QUEUED, [])


def test_whoever_s_print_lies_on_the_bed_is_asked_once_to_take_it_off(lab):
    done = lab.printing()
    lab.remote.pass_time(100)
    lab.ticks(2)
    next_one = make_person()
    lab.reservation.end = lab.now
    lab.reservation.save()
    following = book(lab.machine, next_one, "11:00", "12:00")
    lab.now = following.start
    check_in(reservation=following, now=lab.now)
    lab.queue(person=next_one)

    lab.ticks(3)

    assert fresh(done).state == JobState.FINISHED
    assert Notice.objects.filter(person=lab.person, kind="print_bed_waits").count() == 1


def test_machine_without_software_is_run_by_hand(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND)
    job = lab.queue()

    running = run_by_hand(job=job, by=lab.person, now=lab.now)
    ended = say_ended(job=running, outcome=JobState.FINISHED, by=lab.person, now=lab.now + minutes(20))

    assert (running.state, ended.state, ended.printed) == (JobState.PRINTING, JobState.FINISHED, minutes(20))
    with pytest.raises(WrongJobState):
        say_ended(job=ended, outcome=JobState.FAILED, by=lab.person, now=lab.now)


@pytest.mark.parametrize("kind", ["pause", "cancel"])
def test_nobody_is_asked_to_stop_what_a_person_runs_by_hand(lab, kind):
    Printer.objects.update(kind=BackendKind.BY_HAND)
    running = run_by_hand(job=lab.queue(), by=lab.person, now=lab.now)

    with pytest.raises(WrongJobState):
        lab.ask(running, kind)

    assert not running.commands.exists()


def test_what_waits_to_be_run_by_hand_can_be_withdrawn(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND)

    assert lab.ask(lab.queue(), "cancel").state == JobState.WITHDRAWN


@pytest.mark.usefixtures("in_english")
def test_failure_of_what_was_run_by_hand_was_never_lost_from_sight(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND)
    running = run_by_hand(job=lab.queue(), by=lab.person, now=lab.now)

    ended = say_ended(job=running, outcome=JobState.FAILED, by=lab.person, now=lab.now)

    assert failure_words(ended.error_code) == "A person said how it ended."


def test_sliced_plate_for_a_bambu_is_handed_in_and_run_by_hand(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND, nozzle_mm=0.4)

    running = run_by_hand(job=lab.queue(good_3mf()), by=lab.person, now=lab.now)

    assert (running.file.kind, running.state) == (FileKind.GCODE_3MF, JobState.PRINTING)


def test_machine_that_software_drives_is_neither_run_nor_ended_by_hand(lab):
    queued = lab.queue()
    with pytest.raises(WrongJobState):
        run_by_hand(job=queued, by=lab.person, now=lab.now)
    lab.ticks(3)

    with pytest.raises(WrongJobState):
        say_ended(job=fresh(queued), outcome=JobState.CANCELLED, by=lab.person, now=lab.now)

    assert fresh(queued).state == JobState.PRINTING


def test_what_keeps_a_printer_from_starting_keeps_the_person(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND)
    job = lab.queue()
    suspend(person=lab.person, start=lab.now - minutes(5))

    with pytest.raises(PrintRefused) as refused:
        run_by_hand(job=job, by=lab.person, now=lab.now)

    assert [denial.code for denial in refused.value.denials] == ["suspended"]


def test_machine_runs_one_by_hand_at_a_time(lab):
    Printer.objects.update(kind=BackendKind.BY_HAND)
    run_by_hand(job=lab.queue(), by=lab.person, now=lab.now)

    with pytest.raises(WrongJobState):
        run_by_hand(job=lab.queue(), by=lab.person, now=lab.now)


def finished(lab):
    job = lab.printing()
    lab.remote.pass_time(100)
    lab.ticks(2)
    assert fresh(job).state == JobState.FINISHED
    return fresh(job)


def test_person_says_how_it_came_out(lab):
    job = say_outcome(job=finished(lab), outcome=Outcome.BAD, why=Why.LOOSE, by=lab.person, now=lab.now)

    assert (job.outcome, job.outcome_why, job.outcome_at) == ("bad", "loose", lab.now)


def test_what_came_out_well_has_no_why(lab):
    job = say_outcome(job=finished(lab), outcome=Outcome.GOOD, why=Why.LOOSE, by=lab.person, now=lab.now)

    assert (job.outcome, job.outcome_why) == ("good", "")


def test_nobody_says_how_a_running_or_another_s_print_came_out(lab):
    running = lab.printing()

    with pytest.raises(WrongJobState):
        say_outcome(job=running, outcome=Outcome.GOOD, by=lab.person, now=lab.now)
    with pytest.raises(NotAllowed):
        say_outcome(job=running, outcome=Outcome.GOOD, by=make_person(), now=lab.now)
