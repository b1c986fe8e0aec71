"""The log of a project and its files, as its members and the team of the site read them."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from people.models import Person, Site, Team, TeamMembership
from printing.models import JobState, Printer, PrintJob
from projects.log import write_print
from projects.models import LogEntry
from tests.fablab.print_rows import HOUR, browser, make_file, make_job, member, page
from tests.factories import make_staff, make_team

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def team(site: Site, ada: Person, bo: Person) -> Team:
    return make_team(site=site, members=[ada, bo])


def printed(printer: Printer, person: Person, team: Team, **fields: object) -> LogEntry:
    now = timezone.now()
    known = {"started_at": now - HOUR, "ended_at": now, "printed": HOUR, "grams": 12.5, "name": "wheel.gcode"}
    job = make_job(printer, person, JobState.FINISHED, team=team, **(known | fields))
    made = write_print(job)
    assert made is not None
    return made


def test_log_tells_what_was_made_with_what_and_how_it_came_out(
    printer: Printer, ada: Person, bo: Person, team: Team
) -> None:
    now = timezone.now()
    printed(printer, ada, team)
    printed(printer, ada, team, name="hub.gcode", outcome="bad", outcome_why="loose", outcome_at=now)

    shown = page(bo, reverse("team-log", args=[team.slug]))

    assert all(words in shown for words in ("wheel.gcode", "Prusa", "1 h", "12.5 g PLA", "0.2 mm", "finished"))
    assert all(words in shown for words in ("hub.gcode", "it came loose from the bed"))
    # Another's print has no page for Bo.
    assert f"/prints/{PrintJob.objects.first().reference}/" not in shown


def test_words_are_added_and_an_entry_is_left_out_and_put_back(printer: Printer, ada: Person, team: Team) -> None:
    entry = printed(printer, ada, team)
    log, client = reverse("team-log", args=[team.slug]), browser(ada)

    def do(deed: str, **data: str) -> None:
        client.post(reverse("team-log-act", args=[team.slug, entry.reference, deed]), data)

    do("note", note="Glue\nnext time <b>")
    written = page(ada, log)
    do("leave-out")
    without, left_out = page(ada, log), page(ada, f"{log}?left-out=1")
    do("put-back")

    assert "Glue<br>next time &lt;b&gt;" in written
    assert "wheel.gcode" not in without
    assert "What was left out" in without
    assert "wheel.gcode" in left_out
    assert "wheel.gcode" in page(ada, log)


def test_empty_log_says_how_it_fills(ada: Person, team: Team) -> None:
    assert "choose the team on the page of your print" in page(ada, reverse("team-log", args=[team.slug]))
    assert "No file was sent for the team yet" in page(ada, reverse("print-team-files", args=[team.slug]))


def test_team_of_the_site_reads_and_does_not_write(printer: Printer, ada: Person, team: Team, site: Site) -> None:
    entry = printed(printer, ada, team)
    staff = make_staff(site=site, first_name="Thea")

    shown = page(staff, reverse("team-log", args=[team.slug]))
    answer = browser(staff).post(reverse("team-log-act", args=[team.slug, entry.reference, "leave-out"]))

    assert "wheel.gcode" in shown
    assert "Leave it out" not in shown
    assert answer.status_code == 403


def test_entry_of_another_team_is_not_found(printer: Printer, ada: Person, team: Team, site: Site) -> None:
    entry = printed(printer, ada, make_team(site=site, members=[member(site, "Cy")]))

    answer = browser(ada).post(reverse("team-log-act", args=[team.slug, entry.reference, "note"]), {"note": "x"})

    assert answer.status_code == 404


def test_member_prints_a_file_of_the_team_again(printer: Printer, ada: Person, bo: Person, team: Team) -> None:
    printed(printer, ada, team, file=make_file(ada, "wheel.gcode"))
    shown = page(bo, reverse("print-team-files", args=[team.slug]))
    file = PrintJob.objects.get().file

    answer = browser(bo).post(
        reverse("print-team-again", args=[team.slug, file.reference]), {"machine": printer.machine.slug}
    )

    made = PrintJob.objects.get(person=bo)
    assert "wheel.gcode" in shown
    assert answer.headers["location"] == made.get_absolute_url()
    assert (made.team, made.state) == (team, JobState.DRAFT)


def test_team_is_chosen_on_the_print_s_page(printer: Printer, ada: Person, team: Team) -> None:
    job = make_job(printer, ada, JobState.FINISHED, started_at=timezone.now(), ended_at=timezone.now())
    address = reverse("print-team", args=[job.reference])

    shown = page(ada, job.get_absolute_url())
    browser(ada).post(address, {"team": team.slug})
    chosen = LogEntry.objects.filter(team=team).count()
    browser(ada).post(address, {"team": ""})

    assert "For which team is it?" in shown
    assert (chosen, LogEntry.objects.count()) == (1, 0)


def test_who_left_the_team_prints_no_more_for_it(printer: Printer, ada: Person, team: Team) -> None:
    job = make_job(printer, ada)
    TeamMembership.objects.filter(person=ada).delete()

    answer = browser(ada).post(reverse("print-team", args=[job.reference]), {"team": team.slug})

    assert answer.status_code == 404
    job.refresh_from_db()
    assert job.team is None


@pytest.mark.parametrize("name", ["team-log", "print-team-files"])
def test_page_takes_few_queries_however_much_was_made(
    printer: Printer, ada: Person, bo: Person, team: Team, name: str, django_assert_max_num_queries
) -> None:
    for n in range(8):
        entry = printed(printer, ada, team, file=make_file(ada, f"{n}.gcode", sha256=f"{n:064x}"[-63:] + "f"))
        LogEntry.objects.filter(pk=entry.pk).update(happened_at=timezone.now() - dt.timedelta(days=n))
    client, address = browser(bo), reverse(name, args=[team.slug])
    client.get(address)

    with django_assert_max_num_queries(12):
        assert client.get(address).status_code == 200
