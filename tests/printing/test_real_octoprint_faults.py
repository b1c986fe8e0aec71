"""Prints on real OctoPrints that break off: the state and the sentence of each fault, and who must act next."""

import os
import signal

import pytest

from iot.models import StopReason, UsageSession
from printing.backends import PrinterConnection
from printing.messages import failure_words, sentence_of
from printing.models import JobState
from printing.rules import start_denials
from printing.services import resolve_lost
from printing.turns import start_facts
from tests.contract.octoprint_fixture import next_octoprint_server, octoprint_server  # noqa: F401 (fixtures)
from tests.factories import make_staff
from tests.printing.builders import LIFE, fresh, states
from tests.printing.real_octoprint import OVER, SHORT, lab  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.serial, pytest.mark.django_db]

REPORTED = "The printer reported an error."
BROKEN = "The link to the printer broke during the print."
STOPPED = "It was stopped at the printer."
LOST = "The printer came back without our print: look at the bed and say how it ended."

# What is sent to the virtual printer, and what 1.11 says of it. 2.0 forgets it at once: whoever asks in that moment
# is told, else the link is all that is known.
ERRORS = {
    "thermal runaway": (
        "!!DEBUG:trigger_fatal_error_marlin",
        "Thermal Runaway, system stopped! Heater_ID: bed - Printer halted. kill() called!",
    ),
    "dropped connection": ("!!DEBUG:drop_connection", "SerialTimeoutException: "),
    "controller lost": ("!!DEBUG:toggle_klipper_connection", "Lost communication with MCU 'mcu'"),
    "emergency stop": ("M112", "Closing serial port due to emergency stop M112."),
    "gone silent": ("!!DEBUG:go_awol", "Too many consecutive timeouts, printer still connected and alive?"),
}


@pytest.mark.parametrize(("line", "error"), ERRORS.values(), ids=ERRORS)
def test_error_ends_the_print_as_failed_and_nothing_connects_again(lab, line, error):  # noqa: F811
    job = lab.start_long_print()

    lab.send_line(line)
    ended = lab.until(job, *OVER)
    lab.ticks(4, seconds=40)

    expected = [(REPORTED, error.strip())] + ([] if lab.keeps_error_texts else [(BROKEN, "")])
    assert states(job) == [*LIFE, JobState.FAILED]
    assert (failure_words(ended.error_code), ended.error_detail.strip()) in expected
    assert UsageSession.objects.get().end is not None
    assert not lab.row().is_bed_clear
    assert (lab.row().connection, lab.job_state()) == ("error", "Offline after error")
    assert lab.failures_counted() == 1


def test_printer_in_error_waits_for_a_manager_then_prints(lab):  # noqa: F811
    broken = lab.start_long_print()
    lab.send_line("!!DEBUG:trigger_fatal_error_marlin")
    lab.until(broken, JobState.FAILED)

    after = lab.queue(SHORT)
    lab.clear_bed()
    lab.ticks(4, seconds=40)
    waiting, printer = fresh(after), lab.row()
    facts = start_facts(
        waiting, printer, connection=PrinterConnection(printer.connection), is_reachable=True, now=lab.now
    )
    lab.connect_by_hand()

    assert waiting.state == JobState.QUEUED
    assert [sentence_of(denial).message for denial in start_denials(facts)] == [REPORTED]
    assert lab.until(after, *OVER).state == JobState.FINISHED


CLOSINGS = {
    "by the printer": ("/api/printer/command", "!!DEBUG:action_disconnect"),
    "in OctoPrint": ("/api/connection", "disconnect"),
}


@pytest.mark.parametrize(("path", "command"), CLOSINGS.values(), ids=CLOSINGS)
def test_closed_link_ends_the_print_as_failed(lab, path, command):  # noqa: F811
    job = lab.start_long_print()

    lab.command(path, command=command)

    assert lab.end_of(job) == (JobState.FAILED, BROKEN)
    assert states(job) == [*LIFE, JobState.FAILED]
    assert not lab.row().is_bed_clear


def test_pause_and_resume_at_the_printers_own_knob_are_followed(lab):  # noqa: F811
    job = lab.start_long_print()

    lab.send_line("!!DEBUG:action_pause")
    lab.until(job, JobState.PAUSED)
    lab.send_line("!!DEBUG:action_resume")
    lab.until(job, JobState.PRINTING)

    assert states(job) == [*LIFE, JobState.PAUSED, JobState.PRINTING]


def test_lines_sent_again_do_not_hurt_the_print(lab):  # noqa: F811
    lab.tick_until(lambda: lab.row().connection == "operational")
    lab.send_line("!!DEBUG:resend_ratio 10")
    job = lab.queue(b"G28\n" + b"G1 X10 F60000\nG1 X0 F60000\n" * 60)

    ended = lab.end_of(job)
    lab.send_line("!!DEBUG:resend_ratio 0")

    assert ended == (JobState.FINISHED, "")
    assert states(job) == [*LIFE, JobState.FINISHED]


def test_stop_in_octoprint_is_no_failure(lab):  # noqa: F811
    job = lab.start_long_print()

    lab.command("/api/job", command="cancel")
    ended = lab.end_of(job)

    assert ended == (JobState.CANCELLED, STOPPED)
    assert lab.failures_counted() == 0


def test_stop_and_then_switched_off_is_no_failure(lab):  # noqa: F811
    job = lab.start_long_print()

    lab.ask(fresh(job), "cancel")
    lab.tick()
    lab.wait_until_printer("Operational")
    lab.send_line("!!DEBUG:drop_connection")
    lab.wait_until_printer("Offline after error")
    ended = lab.end_of(job)

    assert ended == (JobState.CANCELLED, "")
    assert lab.failures_counted() == 0


def kill_the_server(octoprint):
    os.kill(octoprint.pid, signal.SIGKILL)
    octoprint.kill()


def cut_the_power(octoprint):
    """Nothing of it goes on, and nothing of it is told to end: its folder stays as it is at this moment."""
    os.killpg(octoprint.pid, signal.SIGSTOP)
    octoprint.kill()


BLACKOUTS = {"kill -9": (kill_the_server, JobState.FAILED), "power loss": (cut_the_power, JobState.FINISHED)}


@pytest.mark.parametrize(("cut", "said"), BLACKOUTS.values(), ids=BLACKOUTS)
def test_server_that_dies_leaves_the_print_lost_until_somebody_says(lab, cut, said):  # noqa: F811
    manager = make_staff(site=lab.machine.unit.site)
    job = lab.start_long_print()

    cut(lab.octoprint)
    lab.ticks(5)
    away, printer_away = fresh(job), lab.row()
    lab.octoprint.start()
    lost = lab.end_of(job)
    resolved = resolve_lost(job=fresh(job), outcome=said, by=manager, now=lab.now)

    assert (away.state, printer_away.error_code) == (JobState.PRINTING, "printer_unreachable")
    assert printer_away.unreachable_since is not None
    assert lost == (JobState.LOST, LOST)
    assert lab.row().unreachable_since is None
    assert not lab.row().is_bed_clear
    assert UsageSession.objects.get().stop_reason == StopReason.AGENT_LOST
    assert states(job) == [*LIFE, JobState.LOST, said]
    assert resolved.events.last().moved_by == manager
