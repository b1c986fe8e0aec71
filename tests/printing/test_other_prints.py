"""Prints that were not sent from here: counted as use, never taken for a bed to clear, never met by one of ours."""

import datetime as dt

import pytest

from iot.likely_users import unclaimed
from iot.models import StopReason, UsageSession
from iot.sessions import locked_states, open_session
from people.models import Role
from printing.backends import PrinterConnection
from printing.maintenance import note_intervention, with_care
from printing.messages import sentence_of
from printing.models import JobState, Printer, PrintJob
from printing.other_prints import end_unseen, prints_other
from printing.rules import start_denials
from printing.services import confirm_bed_clear, may_clear_bed
from printing.turns import start_facts
from tests.factories import make_staff, minutes
from tests.printing.builders import fresh, long_ago

pytestmark = pytest.mark.django_db

Source = UsageSession.Source


@pytest.fixture
def nobody(lab):
    """Nobody has the machine now: the printer takes prints of whoever comes."""
    long_ago(lab.reservation)
    Printer.objects.update(is_unattended=True)
    return lab


def start_other(lab, seconds=600):
    lab.remote.files["theirs.gcode"] = f"G4 S{seconds}\n".encode()
    lab.remote.start("theirs.gcode")
    lab.tick()


def end_other_print(lab):
    lab.remote.pass_time(3600)
    lab.tick()


def waits_for(lab, job):
    row = lab.row()
    facts = start_facts(fresh(job), row, connection=PrinterConnection(row.connection), is_reachable=True, now=lab.now)
    return [denial.code for denial in start_denials(facts)]


def test_its_minutes_are_a_run_of_nobody_s(nobody):
    lab = nobody
    start_other(lab)
    lab.ticks(3, seconds=30)
    during = UsageSession.objects.get()

    end_other_print(lab)
    lab.ticks(2)

    run = UsageSession.objects.get()
    assert (during.end, during.person, during.source) == (None, None, Source.PRINT_JOB)
    assert (run.end - run.start, run.stop_reason) == (dt.timedelta(seconds=92), StopReason.JOB_FINISHED)
    assert list(unclaimed(lab.now)) == [run]
    lab.machine.refresh_from_db()
    assert lab.machine.used_s == 92


def test_who_has_the_machine_is_taken_for_whoever_started_it_as_by_power(lab):
    start_other(lab)

    assert UsageSession.objects.get().person == lab.person


def test_run_that_power_opened_is_joined_and_left_to_power(nobody):
    lab = nobody
    locked_states([lab.machine.pk])
    by_power = open_session(machine_id=lab.machine.pk, at=lab.now, source=Source.POWER)

    start_other(lab)
    end_other_print(lab)

    by_power.refresh_from_db()
    assert (UsageSession.objects.count(), by_power.end) == (1, None)


def test_waiting_job_is_told_why_and_starts_only_after_the_bed(nobody):
    lab = nobody
    start_other(lab)
    job = lab.queue()
    lab.ticks(2)
    during = waits_for(lab, job)
    end_other_print(lab)
    after = waits_for(lab, job)
    lab.clear_bed()

    lab.ticks(3)

    assert (during, after) == (["prints_other"], ["bed_not_clear"])
    assert lab.remote.starts == ["theirs.gcode", job.remote_path]
    assert [run.source for run in UsageSession.objects.order_by("start")] == [Source.PRINT_JOB, Source.PRINT_JOB]
    assert fresh(job).usage_session.person == lab.person


def test_reason_has_a_next_step(nobody, in_english):
    lab = nobody
    start_other(lab)
    row = lab.row()
    facts = start_facts(lab.queue(), row, connection=PrinterConnection(row.connection), is_reachable=True, now=lab.now)

    (sentence,) = [sentence_of(denial) for denial in start_denials(facts)]

    assert sentence.message == "The printer prints something that was not sent from here."
    assert sentence.next_step.startswith("Yours keeps its place")


def test_nobody_clears_the_bed_before_it_has_ended(nobody):
    lab = nobody
    boss = make_staff(site=lab.machine.site)
    start_other(lab)
    before = may_clear_bed(machine=lab.machine, person=boss, now=lab.now)
    confirm_bed_clear(machine=lab.machine, by=boss, now=lab.now)
    still = lab.row()
    end_other_print(lab)

    confirm_bed_clear(machine=lab.machine, by=boss, now=lab.now)

    assert (before, still.is_bed_clear, still.has_other_print) == (False, False, True)
    assert (lab.row().is_bed_clear, lab.row().has_other_print) == (True, False)


def test_our_own_print_is_no_other(lab):
    lab.printing()

    assert (lab.row().has_other_print, prints_other(lab.row())) == (False, False)
    assert UsageSession.objects.get().print_jobs.count() == 1


@pytest.mark.parametrize(
    "fields",
    [{"unreachable_since": dt.datetime(2026, 3, 9, tzinfo=dt.UTC)}, {"error_code": "printer_auth"},
     {"is_enabled": False}, {"kind": "by_hand"}, {"connection": "operational"}],
    ids=["silent", "key refused", "out of service", "by hand", "over"],
)  # fmt: skip
def test_nobody_says_that_it_prints_who_cannot_know(nobody, fields):
    start_other(nobody)
    Printer.objects.update(**fields)

    assert not prints_other(nobody.row())


@pytest.mark.parametrize("seconds", [30, 400], ids=["heard a moment ago", "silent for minutes"])
def test_run_of_a_silent_printer_ends_when_it_was_seen_last(nobody, seconds):
    lab = nobody
    start_other(lab)
    seen_at = lab.now

    ended = end_unseen(now=lab.now + dt.timedelta(seconds=seconds))
    again = end_unseen(now=lab.now + dt.timedelta(seconds=seconds))

    run = UsageSession.objects.get()
    expected = (1, seen_at, StopReason.AGENT_LOST) if seconds == 400 else (0, None, "")
    assert (ended, run.end, run.stop_reason, again) == (*expected, 0)


def test_end_out_of_sight_counts_what_was_seen(nobody):
    lab = nobody
    start_other(lab)
    seen_at = lab.now
    lab.remote.pass_time(3600)
    lab.now += minutes(4)

    lab.tick()

    run = UsageSession.objects.get()
    assert (run.end, run.stop_reason) == (seen_at, StopReason.AGENT_LOST)


def test_sweep_leaves_prints_of_ours_alone(lab):
    job = lab.printing()

    assert end_unseen(now=lab.now + minutes(30)) == 0
    assert (fresh(job).state, UsageSession.objects.get().end) == (JobState.PRINTING, None)


def printed_since(lab):
    return with_care(Printer.objects.all(), lab.now).get().printed_since


def test_its_hours_count_for_the_care_of_the_printer(nobody):
    lab = nobody
    before = printed_since(lab)
    start_other(lab)
    lab.ticks(10, seconds=30)

    seen = printed_since(lab)
    end_other_print(lab)

    assert (before, seen) == (None, minutes(5))
    assert printed_since(lab) == minutes(5)


def test_its_pauses_and_what_nobody_saw_are_no_hours(nobody):
    lab = nobody
    start_other(lab, seconds=100_000)
    lab.remote.pause("pause")
    lab.ticks(4, seconds=30)
    lab.remote.pause("resume")
    lab.ticks(1, seconds=30)
    lab.ticks(3, seconds=1200)

    assert printed_since(lab) == minutes(0)


def test_its_hours_are_counted_anew_once_the_printer_was_looked_after(nobody):
    lab = nobody
    start_other(lab)
    lab.ticks(2, seconds=30)
    end_other_print(lab)

    done = note_intervention(
        machine=lab.machine, by=make_staff(site=lab.machine.site, role=Role.FAB_MANAGER), now=lab.now
    )

    assert done.printed == minutes(1)
    lab.now += minutes(1)
    assert printed_since(lab) is None


def test_both_kinds_of_prints_are_added_up(nobody):
    lab = nobody
    start_other(lab)
    lab.ticks(2, seconds=30)
    end_other_print(lab)
    job = lab.queue()
    PrintJob.objects.filter(pk=job.pk).update(started_at=lab.now, printed=minutes(3))

    assert printed_since(lab) == minutes(4)


def test_it_does_not_go_on_in_the_name_of_whose_print_was_lost(lab):
    ours = lab.printing()
    lab.remote.vanish()
    lab.remote.is_connected = True
    start_other(lab)
    lab.ticks(4)
    lost, theirs = fresh(ours), UsageSession.objects.order_by("-pk").first()

    end_other_print(lab)
    lab.ticks(2)

    assert lost.state == JobState.LOST
    assert lost.usage_session.end is not None
    assert theirs.pk != lost.usage_session_id
    assert not UsageSession.objects.filter(end=None).exists()


@pytest.mark.parametrize("kind", ["cancel", "pause"])
def test_wish_for_our_print_is_not_carried_out_on_it(lab, kind):
    ours = lab.printing()
    lab.ask(ours, kind)
    lab.remote.cancel()
    start_other(lab)

    lab.ticks(4)

    assert (lab.remote.selected, lab.remote.state()) == ("theirs.gcode", "Printing")
    assert fresh(ours).state in (JobState.CANCELLED, JobState.LOST)
    assert not ours.commands.filter(done_at=None).exists()
