"""What a reservation waits for: the team's answer, a time that becomes free."""

import datetime as dt

from django.utils import timezone

from reservations.models import Reservation, Status, WaitingEntry
from tests.api.lab import Lab, hold
from tests.fablab.rows.row import ALL_405, OWN_DONE, SIGNED_IN_405, TEAM, Row
from tests.factories import minutes

ANSWERED = "302 403 403 403 302 302 404 302 302"
WAIT_FORM = {"machine": "{laser}", "start_at": "{start}", "end_at": "{end}", "how": "offer"}
API_405 = "401 405 405 405 405 405 405 405 405"
API_TEAM = "401 404 403 404 200 200 404 200 200"
API_TEAM_405 = "401 405 405 405 405 405 405 405 405"
API_OWN = "401 404 200 404 200 200 404 200 200"
# One's own place only, whatever the role.
API_PLACE = "401 404 200 404 404 404 404 404 404"
API_SIGNED_IN = "401 200 200 200 200 200 200 200 200"
API_CREATED = "401 201 201 201 201 201 201 201 201"

ROWS: tuple[Row, ...] = (
    Row("manage-requests", TEAM, TEAM),
    Row("manage-request", ALL_405, ANSWERED, ("{asked}", "approve"), variant="yes"),
    Row("manage-request", ALL_405, ANSWERED, ("{asked}", "refuse"), variant="no", data={"decision": "Away"}),
    Row("manage-request", ALL_405, "302 403 403 403 400 400 404 400 400", ("{asked}", "refuse"),
        variant="no without a reason", data={"decision": ""}),
    Row("waiting-join", ALL_405, "302 302 302 302 302 302 302 302 302", data=WAIT_FORM),
    Row("waiting-join", ALL_405, "302 403 403 403 302 302 403 302 302", data=WAIT_FORM | {"for": "{holder}"},
        variant="for somebody"),
    Row("waiting-leave", ALL_405, "302 404 302 404 404 404 404 404 404", ("{place}",)),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{offered}", "accept"), variant="accept"),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{offered}", "decline"), variant="decline"),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{coming}", "coming"), variant="coming"),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{coming}", "stay"), variant="stay"),
    Row("desk-reservation", ALL_405, ANSWERED, ("{coming}", "free"), variant="free"),
    Row("reserve-confirm", "302 200 200 200 200 200 200 200 200", "302 403 403 403 302 302 403 302 302",
        query="?machine={laser}&day={day}&start=10:00&end=10:50", variant="all the same",
        data={"machine": "{laser}", "day": "{day}", "start": "10:00", "end": "10:50", "all_the_same": "1",
              "why": "A jig", "aside": "off_grid"}),
    Row("api-reservation-approve", API_TEAM_405, API_TEAM, ("{asked}",)),
    Row("api-reservation-refuse", API_TEAM_405, API_TEAM, ("{asked}",), data={"decision": "Away"}),
    Row("api-reservation-accept", API_405, API_OWN, ("{offered}",)),
    Row("api-reservation-decline", API_405, API_OWN, ("{offered}",)),
    Row("api-waiting", API_SIGNED_IN, API_CREATED, data={"machine": "{laser}", "start": "{start}", "end": "{end}"}),
    Row("api-waiting-place", API_PLACE, API_405, ("{place}",)),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """A request, an offer and a place on the list, all of the holder's."""
    if not Reservation.objects.filter(status=Status.PENDING).exists():
        _wait(lab)
    place = WaitingEntry.objects.filter(state=WaitingEntry.State.WAITING).latest("pk")
    asked = Reservation.objects.get(status=Status.PENDING)
    offered = Reservation.objects.get(status=Status.HELD)
    return {"asked": asked.reference, "offered": offered.reference, "place": place.reference}


def _wait(lab: Lab) -> WaitingEntry:
    now, holder = timezone.now(), lab.people["holder"]
    start = (now + dt.timedelta(days=5)).replace(hour=9, minute=0, second=0, microsecond=0)
    for status, begins in ((Status.PENDING, start), (Status.HELD, start + minutes(120))):
        made = hold(lab.laser, holder, begins, begins + minutes(60), Status.CONFIRMED)
        until = now + dt.timedelta(days=1)
        Reservation.objects.filter(pk=made.pk).update(status=status, expires_at=until, created_at=now)
    times = {"start": start + minutes(240), "end": start + minutes(300)}
    return WaitingEntry.objects.create(machine=lab.laser, person=holder, created_at=now, created_by=holder, **times)
