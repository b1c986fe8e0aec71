"""Who comes to a team's reservation, and all that a team reserved."""

import datetime as dt

from django.utils import timezone

from people.models import Team
from people.teams import create_team, join_team, open_joining
from reservations.models import Reservation
from tests.api.lab import Lab, hold
from tests.fablab.rows.row import ALL_405, OWN, OWN_DONE, Row

# The holder, whose reservation it is; the team of its site. Of those in the team who do not come nobody sees it.
API_OWN = "401 404 200 404 200 200 404 200 200"
API_405 = "401 405 405 405 405 405 405 405 405"

ROWS: tuple[Row, ...] = (
    Row("team-people", OWN, OWN_DONE, ("{teams}",), data={"comes": "{holder}"}),
    Row("team-people", OWN, "302 404 409 404 409 409 404 409 409", ("{teams}",), variant="nobody ticked"),
    Row("team-people-leave", ALL_405, "302 404 302 404 403 403 404 403 403", ("{teams}",)),
    Row("team-reservations", OWN, "302 404 200 404 200 200 404 200 200", ("{team_at_work}",)),
    Row("team-reservations-csv", OWN, "302 404 200 404 200 200 404 200 200", ("{team_at_work}",)),
    Row("api-reservation-participants", API_405, API_405, ("{teams}",)),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """A team of the holder and of nobody else known, and what it reserved."""
    made = Reservation.objects.filter(team__name="At work").first() or _furnish(lab)
    team = Team.objects.get(name="At work")
    return {"teams": made.reference, "team_at_work": team.slug}


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
