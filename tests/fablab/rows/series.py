"""Many dates in one go."""

import datetime as dt

from django.utils import timezone

from reservations.models import ReservationSeries, Status
from tests.api.lab import Lab, hold
from tests.fablab.rows.row import OWN, OWN_DONE, SIGNED_IN, SIGNED_IN_405, Row
from tests.factories import minutes

REPEATED = {"machine": "{laser}", "day": "{day}", "start": "10:00", "end": "11:00", "every": "week", "times": "2"}
MOVED = {"move-day": "{date_day}", "move-start": "16:00", "move-end": "17:00", "move-scope": "this"}
# Nobody but whoever holds it, and the team there.
API_OWN = "401 404 200 404 200 200 404 200 200"
API_405 = "401 405 405 405 405 405 405 405 405"
RULE = {"machine": "{laser}", "start": "{start}", "end": "{end}", "rule": "FREQ=WEEKLY;COUNT=2"}

ROWS: tuple[Row, ...] = (
    Row("reserve-repeat", SIGNED_IN, "302 302 302 302 302 302 302 302 302",
        query="?machine={laser}&day={day}&start=10:00&end=11:00", data=REPEATED),
    Row("series-dates", OWN, OWN, ("{date}",)),
    Row("series-move", SIGNED_IN_405, OWN_DONE, ("{date}",), data=MOVED),
    Row("series-cancel", SIGNED_IN_405, OWN_DONE, ("{date}",), data={"cancel-scope": "this"}),
    Row("api-series", API_405, "401 201 201 201 201 201 201 201 201", data=RULE),
    Row("api-series-move", API_405, API_OWN, ("{date}",),
        data={"scope": "this", "start": "{date_start}", "end": "{date_end}"}),
    Row("api-series-cancel", API_405, API_OWN, ("{date}",), data={"scope": "this"}),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """One date of a series of the holder's."""
    now, holder = timezone.now(), lab.people["holder"]
    start = (now + dt.timedelta(days=9)).replace(hour=15, minute=0, second=0, microsecond=0)
    made = hold(lab.laser, holder, start, start + minutes(60), Status.CONFIRMED)
    made.series = ReservationSeries.objects.create(
        site=lab.site, machine=lab.laser, holder=holder, rule="FREQ=WEEKLY;COUNT=1", created_at=now
    )
    made.series_date = start.date()
    made.save(update_fields=["series", "series_date"])
    return {
        "date": made.reference, "date_day": f"{start:%Y-%m-%d}", "date_start": start.isoformat(),
        "date_end": (start + minutes(60)).isoformat(),
    }  # fmt: skip
