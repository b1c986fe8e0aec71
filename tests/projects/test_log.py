"""A project's log writes itself from prints, follows what is said of them later, and outlives them."""

import pytest

from people.errors import NotAllowed
from people.models import TeamMembership
from printing.file_removal import GONE_SHA256
from printing.library import FileGone
from printing.models import JobState, Outcome, PrintFile, PrintJob, Why
from printing.queue import say_outcome
from printing.teams import choose_team, print_for_team, team_files
from projects.log import has_failed, leave_out, write_note
from projects.models import LogEntry
from projects.personal import forget_file_names
from tests.factories import make_person, make_team
from tests.printing.builders import fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(lab):
    return make_team(site=lab.machine.site, members=[lab.person])


def printed(lab, team, *, takes=3):
    """A whole print for the team."""
    job = choose_team(job=lab.queue(), team=team, by=lab.person)
    lab.ticks(2)
    lab.remote.pass_time(60)
    lab.ticks(takes)
    return fresh(job)


def test_print_for_a_team_writes_its_entry(lab, team):
    job = printed(lab, team)

    entry = LogEntry.objects.get()
    assert (entry.team, entry.print_job, entry.person, entry.machine) == (team, job, lab.person, lab.machine)
    assert (entry.name, entry.happened_at) == ("cube.gcode", job.ended_at)
    assert entry.facts["state"] == JobState.FINISHED
    assert entry.facts["printed_s"] == round(job.printed.total_seconds())
    assert entry.facts["sha256"] == job.file.sha256


def test_print_for_nobody_s_team_writes_none(lab):
    lab.printing()
    lab.remote.pass_time(60)
    lab.ticks(2)

    assert not LogEntry.objects.exists()


def test_print_that_was_withdrawn_writes_none(lab, team):
    job = choose_team(job=lab.queue(), team=team, by=lab.person)
    lab.ask(job, "cancel")

    assert fresh(job).state == JobState.WITHDRAWN
    assert not LogEntry.objects.exists()


def test_reservation_of_a_team_makes_the_print_the_team_s(lab, team):
    lab.reservation.team = team
    lab.reservation.save(update_fields=["team"])

    assert fresh(lab.queue()).team == team


def test_what_is_said_later_goes_into_the_entry_and_the_team_s_words_stay(lab, team):
    job = printed(lab, team)
    entry = write_note(entry=LogEntry.objects.get(), note="Glue next time", by=lab.person)

    say_outcome(job=job, outcome=Outcome.BAD, why=Why.LOOSE, by=lab.person, now=lab.now)

    entry.refresh_from_db()
    assert (entry.facts["outcome"], entry.facts["why"], entry.note) == ("bad", "loose", "Glue next time")
    assert has_failed(entry)


@pytest.mark.parametrize(
    ("state", "outcome", "is_failure"),
    [
        (JobState.FAILED, "", True),
        (JobState.FAILED, "good", False),
        (JobState.FINISHED, "bad", True),
        (JobState.CANCELLED, "", False),
    ],
)
def test_failures_are_known_as_such_and_stopping_is_none(state, outcome, is_failure):
    assert has_failed(LogEntry(facts={"state": state, "outcome": outcome})) is is_failure


def test_print_given_to_another_team_moves_its_entry(lab, team):
    other = make_team(site=lab.machine.site, members=[lab.person])
    job = printed(lab, team)

    choose_team(job=job, team=other, by=lab.person)
    assert LogEntry.objects.get().team == other

    choose_team(job=fresh(job), team=None, by=lab.person)
    assert not LogEntry.objects.exists()


def test_entry_outlives_its_print_and_its_person(lab, team):
    job = printed(lab, team)
    grams = LogEntry.objects.get().facts

    LogEntry.objects.update(person=None)
    PrintJob.objects.filter(pk=job.pk).delete()

    entry = LogEntry.objects.get()
    assert (entry.print_job, entry.person, entry.facts) == (None, None, grams)


def test_only_members_write(lab, team):
    printed(lab, team)
    entry, stranger = LogEntry.objects.get(), make_person()

    with pytest.raises(NotAllowed):
        write_note(entry=entry, note="x", by=stranger)
    with pytest.raises(NotAllowed):
        leave_out(entry=entry, is_left_out=True, by=stranger)


def test_print_is_given_to_one_s_own_team_by_its_person_alone(lab, team):
    job, stranger = lab.queue(), make_person()
    foreign = make_team(site=lab.machine.site, members=[stranger])

    with pytest.raises(NotAllowed):
        choose_team(job=job, team=foreign, by=lab.person)
    with pytest.raises(NotAllowed):
        choose_team(job=job, team=team, by=stranger)


# --- files of the team -----------------------------------------------------------------------------------------


def test_member_prints_another_s_file_of_the_team_as_a_copy_of_their_own(lab, team):
    job = printed(lab, team)
    friend = make_person()
    TeamMembership.objects.create(team=team, person=friend)

    made = print_for_team(file=job.file, team=team, machine=lab.machine, by=friend, now=lab.now)

    assert (made.person, made.team, made.state) == (friend, team, JobState.DRAFT)
    assert made.file.uploaded_by == friend
    assert (made.file.pk != job.file.pk, made.file.sha256) == (True, job.file.sha256)


def test_file_that_was_not_sent_for_the_team_is_not_the_team_s(lab, team):
    friend = make_person()
    TeamMembership.objects.create(team=team, person=friend)
    own = lab.queue()

    with pytest.raises(NotAllowed):
        print_for_team(file=own.file, team=team, machine=lab.machine, by=friend, now=lab.now)
    assert team_files(team) == ([], "")


def test_same_content_sent_by_two_is_one_file_of_the_team(lab, team):
    friend = make_person()
    TeamMembership.objects.create(team=team, person=friend)
    job = printed(lab, team)
    print_for_team(file=job.file, team=team, machine=lab.machine, by=friend, now=lab.now)

    shown, following = team_files(team)

    assert [(each.file.sha256, each.prints) for each in shown] == [(job.file.sha256, 1)]
    assert following == ""


def test_what_the_team_wrote_stays_theirs_when_the_print_is_not(lab, team):
    other = make_team(site=lab.machine.site, members=[lab.person])
    job = printed(lab, team)
    write_note(entry=LogEntry.objects.get(), note="Glue next time", by=lab.person)

    choose_team(job=job, team=other, by=lab.person)

    assert LogEntry.objects.get(team=team).note == "Glue next time"
    moved = LogEntry.objects.get(team=other)
    assert (moved.note, moved.print_job) == ("", job)


def test_print_that_comes_back_to_the_team_finds_what_they_wrote(lab, team):
    other = make_team(site=lab.machine.site, members=[lab.person])
    job = printed(lab, team)
    entry = write_note(entry=LogEntry.objects.get(), note="Glue next time", by=lab.person)

    choose_team(job=job, team=other, by=lab.person)
    choose_team(job=fresh(job), team=team, by=lab.person)

    found = LogEntry.objects.get()
    assert (found.pk, found.note, found.print_job) == (entry.pk, "Glue next time", job)


def test_reservation_of_the_team_next_week_takes_no_print_of_today(lab, team):
    lab.reservation.team = team
    lab.reservation.status = "confirmed"
    lab.reservation.save(update_fields=["team", "status"])

    assert fresh(lab.queue()).team is None


def test_file_that_was_given_up_is_told_as_such(lab, team):
    job = printed(lab, team)
    friend = make_person()
    TeamMembership.objects.create(team=team, person=friend)
    PrintFile.objects.update(sha256=GONE_SHA256)

    with pytest.raises(FileGone):
        print_for_team(file=fresh(job).file, team=team, machine=lab.machine, by=friend, now=lab.now)


def test_entry_keeps_what_the_file_was_when_its_content_is_given_up(lab, team):
    job = printed(lab, team)
    before = LogEntry.objects.get()
    PrintFile.objects.update(sha256=GONE_SHA256, name="….gcode")

    say_outcome(job=fresh(job), outcome=Outcome.GOOD, by=lab.person, now=lab.now)

    entry = LogEntry.objects.get()
    assert (entry.name, entry.facts["sha256"]) == (before.name, before.facts["sha256"])
    assert entry.facts["outcome"] == "good"


def test_erased_person_leaves_no_file_name_in_the_log(lab, team):
    printed(lab, team)

    forget_file_names(lab.person, lab.now)

    entry = LogEntry.objects.get()
    assert entry.name == "….gcode"
    assert not {"slicer", "profile", "sha256"} & set(entry.facts)
