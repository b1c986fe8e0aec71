"""A print sent to another printer: as a draft, or while it waits; never once it has begun."""

import pytest
from django.urls import reverse

from people.errors import NotAllowed
from printing.errors import PrintRefused, WrongJobState
from printing.models import JobState, Printer
from printing.moving import move_to, targets_of
from printing.submitting import draft_job
from tests.fablab.print_rows import browser
from tests.factories import make_machine, make_person, make_site, make_staff
from tests.printing.builders import GCODE, book, fresh, make_printer, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(lab):
    """Another printer of the place, which prints without anybody."""
    machine = make_machine(site=lab.machine.site, name="Other")
    make_printer(machine, "http://127.0.0.2", lab.server.api_key)
    Printer.objects.filter(machine=machine).update(is_unattended=True)
    return machine


def move(lab, job, machine, by=None):
    return move_to(job=job, machine=machine, by=by or lab.person, now=lab.now)


def codes(refused):
    return [denial.code for denial in refused.value.denials]


def test_waiting_print_goes_to_another_printer_and_is_looked_at_anew(lab, other):
    job = lab.queue()
    job.start_asked_at = lab.now
    job.save(update_fields=["start_asked_at"])

    moved = move(lab, job, other)

    assert (moved.machine, moved.state) == (other, JobState.QUEUED)
    assert (moved.reservation, moved.start_asked_at) == (None, None)


def test_draft_goes_to_another_printer(lab, other):
    file = upload(GCODE, "a.gcode", lab.person)
    job = draft_job(file=file, machine=lab.machine, person=lab.person, by=lab.person, now=lab.now)

    assert move(lab, job, other).machine == other


def test_team_moves_a_member_s_print(lab, other):
    assert move(lab, lab.queue(), other, by=make_staff(site=lab.machine.site)).machine == other


def test_stranger_moves_nothing(lab, other):
    with pytest.raises(NotAllowed):
        move(lab, lab.queue(), other, by=make_person())


def test_print_that_has_begun_stays(lab, other):
    job = lab.printing()

    with pytest.raises(WrongJobState):
        move(lab, job, other)

    assert not targets_of(job, lab.person).exists()
    assert fresh(job).machine == lab.machine


def test_print_moved_by_somebody_else_meanwhile_is_left_where_they_put_it(lab, other):
    job, third = lab.queue(), make_machine(site=lab.machine.site)
    make_printer(third, "http://127.0.0.3", lab.server.api_key)
    Printer.objects.filter(machine=third).update(is_unattended=True)
    seen = fresh(job)
    move(lab, job, other)

    with pytest.raises(WrongJobState):
        move(lab, seen, third)

    assert fresh(job).machine == other


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"is_enabled": False}, "no_printer"),
        ({"is_unattended": False}, "no_reservation"),
        ({"is_approval_needed": True}, "approval_wanted"),
    ],
    ids=["takes no files", "no time there", "the team looks first"],
)
def test_what_keeps_it_from_being_handed_in_there_keeps_it_here(lab, other, fields, code):
    job = lab.queue()
    Printer.objects.filter(machine=other).update(**fields)

    with pytest.raises(PrintRefused) as refused:
        move(lab, job, other)

    assert code in codes(refused)
    assert fresh(job).machine == lab.machine


def test_time_of_one_s_own_there_is_enough(lab, other):
    Printer.objects.filter(machine=other).update(is_unattended=False)
    book(other, lab.person, "13:00", "15:00")

    assert move(lab, lab.queue(), other).machine == other


def test_printers_of_other_places_are_not_offered(lab, other):
    elsewhere = make_machine(site=make_site(name="Elsewhere"))
    make_printer(elsewhere, "http://127.0.0.4", lab.server.api_key)

    assert list(targets_of(lab.queue(), lab.person)) == [other]


def test_button_moves_it_and_says_why_not(lab, other, in_english):
    job, client = lab.queue(), browser(lab.person)
    address = reverse("print-job-action", args=[job.reference, "move"])

    shown = client.get(job.get_absolute_url()).content.decode()
    refused = client.post(address, {"machine": "nowhere"}, follow=True)
    client.post(address, {"machine": other.slug})

    assert "Another printer" in shown
    assert [str(message) for message in refused.context["messages"]] == ["This machine takes no print jobs online."]
    assert fresh(job).machine == other
