"""A yes of the team is for the doubts that they saw: no sending back, move or other printer turns it into more."""

import pytest

from people.models import Role
from printing.backends import PrinterConnection
from printing.errors import PrintRefused
from printing.models import Answer, JobState, Printer
from printing.moving import move_to
from printing.rules import start_denials
from printing.submitting import approve_job, draft_job, send_back, submit_job
from printing.turns import start_facts
from tests.factories import give_role, make_machine, make_staff
from tests.printing.builders import GCODE, book, fresh, make_printer, upload

pytestmark = pytest.mark.django_db

HOT = b"M104 S320\n" + GCODE
ASKS = {"is_approval_needed": True}


@pytest.fixture
def boss(lab):
    return make_staff(site=lab.machine.site)


@pytest.fixture
def twin(lab):
    """The other printer of the model, with time of the same person."""
    lab.machine.model_name = "MK4"
    lab.machine.save()
    machine = make_machine(site=lab.machine.site, category=lab.machine.category, model_name="MK4")
    make_printer(machine, "http://127.0.0.2", lab.server.api_key)
    book(machine, lab.person, "13:00", "15:00")
    return machine


def set_at(machine, **fields):
    Printer.objects.filter(machine=machine).update(**fields)


def handed_in(lab, machine=None, content=GCODE, **fields):
    file = upload(content, "a.gcode", lab.person)
    job = draft_job(file=file, machine=machine or lab.machine, person=lab.person, by=lab.person, now=lab.now)
    return submit_job(job=job, by=lab.person, now=lab.now, **fields)


def doubts_at(job, machine, now):
    """What keeps it from starting there, and is about the file and the team's yes."""
    printer = Printer.objects.select_related("machine__unit__site", "spool").get(machine=machine)
    facts = start_facts(fresh(job), printer, connection=PrinterConnection.OPERATIONAL, is_reachable=True, now=now)
    return [each.code for each in start_denials(facts) if each.code in {"approval_wanted", "too_hot", "not_read"}]


def test_sent_back_by_a_strict_printer_and_let_pass_by_its_lenient_twin_it_does_not_start_on_the_strict_one(
    lab, twin, boss
):
    set_at(lab.machine, **ASKS)
    sent_back = send_back(job=handed_in(lab), by=boss, now=lab.now, decision="Not in this one")
    moved = move_to(job=sent_back, machine=twin, by=lab.person, now=lab.now)
    queued = submit_job(job=moved, by=lab.person, now=lab.now, takes_any=True)

    lab.ticks(3)

    assert doubts_at(queued, lab.machine, lab.now) == ["approval_wanted"]
    assert (fresh(queued).state, fresh(queued).machine, lab.remote.starts) == (JobState.QUEUED, twin, [])


def test_sent_back_and_handed_in_anew_nothing_of_the_first_answer_is_left(lab, boss):
    set_at(lab.machine, **ASKS)
    sent_back = send_back(job=handed_in(lab), by=boss, now=lab.now, decision="Too thin")

    again = submit_job(job=sent_back, by=lab.person, now=lab.now)

    assert (again.state, again.decided_at, again.decided_by, again.decision) == (
        JobState.AWAITING_APPROVAL, None, None, "",
    )  # fmt: skip


def test_sending_back_from_before_this_was_kept_apart_is_no_yes(lab, twin, boss):
    """As rows were written once: handed in again with the fields of the sending back."""
    set_at(lab.machine, **ASKS)
    sent_back = send_back(job=handed_in(lab), by=boss, now=lab.now, decision="Too thin")
    sent_back.state, sent_back.machine, sent_back.takes_any = JobState.QUEUED, twin, True
    sent_back.save()

    assert doubts_at(sent_back, lab.machine, lab.now) == ["approval_wanted"]


def test_yes_for_one_printer_counts_for_a_twin_with_the_same_doubts(lab, twin, boss):
    Printer.objects.update(**ASKS)
    job = approve_job(job=handed_in(lab, takes_any=True), by=boss, now=lab.now)

    assert doubts_at(job, twin, lab.now) == []


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"heat_answer": Answer.APPROVE}, ["too_hot"]),
        ({"heat_answer": Answer.APPROVE, "most_nozzle_c": 250}, ["too_hot", "approval_wanted"]),
        ({"heat_answer": Answer.ALLOW, "most_bed_c": 60}, ["approval_wanted"]),
    ],
    ids=["a doubt more", "bears less heat", "another bed"],
)
def test_yes_for_one_printer_is_none_for_what_a_twin_doubts_besides(lab, twin, boss, there, expected):
    set_at(lab.machine, **ASKS, heat_answer=Answer.ALLOW)
    set_at(twin, **ASKS, **there)
    job = approve_job(job=handed_in(lab, content=HOT, takes_any=True), by=boss, now=lab.now)

    assert doubts_at(job, twin, lab.now) == expected


def test_yes_that_was_given_in_another_language_is_the_same_yes(lab, twin, boss, monkeypatch):
    Printer.objects.update(**ASKS)
    job = handed_in(lab, takes_any=True)
    job.concerns = [*job.concerns, {"code": "not_read", "params": {"kind": "autre chose"}}]
    job.save()
    monkeypatch.setattr("printing.policy.scan_of", lambda file: None)

    approved = approve_job(job=job, by=boss, now=lab.now)

    assert doubts_at(approved, twin, lab.now) == []


def test_team_s_own_print_needs_nobody_s_yes_on_a_strict_twin_either(lab, twin):
    give_role(person=lab.person, site=lab.machine.site, role=Role.FAB_MANAGER)
    set_at(twin, **ASKS)

    job = handed_in(lab, takes_any=True)

    assert doubts_at(job, twin, lab.now) == []


def test_move_takes_the_yes_along_where_the_same_is_asked(lab, twin, boss):
    Printer.objects.update(**ASKS)
    job = approve_job(job=handed_in(lab), by=boss, now=lab.now)

    moved = move_to(job=job, machine=twin, by=lab.person, now=lab.now)

    assert (moved.machine, moved.decided_by) == (twin, boss)


def test_move_to_where_more_is_asked_waits_for_that_yes(lab, twin, boss):
    set_at(lab.machine, **ASKS, heat_answer=Answer.ALLOW)
    set_at(twin, heat_answer=Answer.APPROVE)
    job = approve_job(job=handed_in(lab, content=HOT), by=boss, now=lab.now)

    with pytest.raises(PrintRefused) as refused:
        move_to(job=job, machine=twin, by=lab.person, now=lab.now)

    assert [each.code for each in refused.value.denials] == ["too_hot"]


def test_move_to_where_nothing_is_asked_leaves_the_yes_behind(lab, twin, boss):
    set_at(lab.machine, **ASKS)
    job = approve_job(job=handed_in(lab, takes_any=True), by=boss, now=lab.now)

    moved = move_to(job=job, machine=twin, by=lab.person, now=lab.now)

    assert (moved.decided_at, moved.decided_by, moved.concerns) == (None, None, [])
    assert doubts_at(moved, lab.machine, lab.now) == ["approval_wanted"]


def test_print_that_was_sent_back_keeps_the_reason_when_it_is_moved(lab, twin, boss):
    set_at(lab.machine, **ASKS)
    sent_back = send_back(job=handed_in(lab), by=boss, now=lab.now, decision="Too thin")

    moved = move_to(job=sent_back, machine=twin, by=lab.person, now=lab.now)

    assert (moved.state, moved.decision, moved.decided_by) == (JobState.RETURNED, "Too thin", None)
