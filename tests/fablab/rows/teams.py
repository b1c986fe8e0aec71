"""Who comes to a team's reservation, and all that a team reserved."""

import datetime as dt

from django.utils import timezone

from people.models import Team
from people.teams import create_team, join_team, open_joining
from printing.models import JobState, PrintFile, PrintJob
from projects.log import write_print
from projects.models import LogEntry
from reservations.models import Reservation
from tests.api.lab import Lab, hold
from tests.fablab.rows.row import ALL_405, OWN, OWN_DONE, Row

# The holder, whose reservation it is; the team of its site. Of those in the team who do not come nobody sees it.
API_OWN = "401 404 200 404 200 200 404 200 200"
API_405 = "401 405 405 405 405 405 405 405 405"
# The team of the site reads its logs; only members write, and print.
LOG_DONE = "302 404 302 404 302 403 404 403 403"
AGAIN = LOG_DONE
# Of a print of one's own, for a team of one's own.
CHOSEN = "302 404 302 404 403 403 404 403 403"

ROWS: tuple[Row, ...] = (
    Row("team-people", OWN, OWN_DONE, ("{teams}",), data={"comes": "{holder}"}),
    Row("team-people", OWN, "302 404 409 404 409 409 404 409 409", ("{teams}",), variant="nobody ticked"),
    Row("team-people-leave", ALL_405, "302 404 302 404 403 403 404 403 403", ("{teams}",)),
    Row("team-reservations", OWN, "302 404 200 404 200 200 404 200 200", ("{team_at_work}",)),
    Row("team-reservations-csv", OWN, "302 404 200 404 200 200 404 200 200", ("{team_at_work}",)),
    Row("team-log", OWN, ALL_405, ("{team_at_work}",)),
    Row("team-log-act", ALL_405, LOG_DONE, ("{team_at_work}", "{entry}", "note"), data={"note": "Glue"}),
    Row("print-team-files", OWN, ALL_405, ("{team_at_work}",)),
    Row("print-team-again", ALL_405, AGAIN, ("{team_at_work}", "{team_file}"), data={"machine": "{laser}"}),
    Row("print-team", ALL_405, CHOSEN, ("{team_job}",), data={"team": "{team_at_work}"}),
    Row("api-reservation-participants", API_405, API_405, ("{teams}",)),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """A team of the holder and of nobody else known, and what it reserved."""
    made = Reservation.objects.filter(team__name="At work").first() or _furnish(lab)
    team = Team.objects.get(name="At work")
    entry = LogEntry.objects.filter(team=team).first() or _printed(lab, team)
    assert entry.print_job is not None
    return {
        "teams": made.reference, "team_at_work": team.slug, "entry": entry.reference,
        "team_job": entry.print_job.reference, "team_file": entry.print_job.file.reference,
    }  # fmt: skip


def _printed(lab: Lab, team: Team) -> LogEntry:
    """A print of the holder's for the team, on a machine of its own, and its entry."""
    holder, now = lab.people["holder"], timezone.now()
    file = PrintFile.objects.create(
        sha256="cd" * 32, size_bytes=9, name="At work.gcode", uploaded_by=holder, uploaded_at=now
    )
    job = PrintJob.objects.create(
        machine=lab.laser, file=file, person=holder, team=team, state=JobState.FINISHED, created_at=now,
        started_at=now, ended_at=now,
    )  # fmt: skip
    entry = write_print(job)
    assert entry is not None
    return entry


def _furnish(lab: Lab) -> Reservation:
    holder, supervisor, now = lab.people["holder"], lab.people["supervisor"], timezone.now()
    assert holder is not None
    assert supervisor is not None
    team = create_team(site=lab.site, name="At work", by=supervisor, now=now)
    join_team(code=open_joining(team=team, by=supervisor), person=holder, now=now)
    start = (now + dt.timedelta(days=6)).replace(hour=9, minute=0, second=0, microsecond=0)
    made = hold(lab.laser, holder, start, start + dt.timedelta(hours=1))
    Reservation.objects.filter(pk=made.pk).update(team=team)
    return made
