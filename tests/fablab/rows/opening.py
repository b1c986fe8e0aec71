"""When a site is open and watched over: seasons, peak hours, the year, the rota; what goes with what."""

import datetime as dt

from django.utils import timezone

from machines.models import Season, Shift
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, MANAGERS_THERE, TEAM, Row
from tests.fablab.rows.settings import DONE_THERE

SEASON = {"name": "Summer", "kind": "yearly", "first": "2026-07-06", "last": "2026-08-28"}
SHIFT = {"person": "{mediator}", "day": "2031-03-12", "begins": "10:00", "ends": "12:00", "weeks": "2"}
PART = {"part": "{printer_unit}", "how": "shared"}

ROWS: tuple[Row, ...] = (
    Row("settings-seasons", MANAGERS_THERE, DONE_THERE, ("{site}",), data=SEASON),
    Row("settings-season", MANAGERS_THERE, DONE_THERE, ("{season}",), data=SEASON),
    Row("settings-season-remove", ALL_405, DONE_THERE, ("{season}",)),
    Row("settings-peak", MANAGERS_THERE, DONE_THERE, ("{site}",), data={"opens_1_0": "17:00", "closes_1_0": "19:00"}),
    Row("settings-year", MANAGERS_THERE, MANAGERS_THERE, ("{site}",)),
    Row("manage-rota", TEAM, TEAM, query="?site={site}"),
    Row("manage-rota-add", "302 403 403 403 403 403 403 302 302", DONE_THERE, ("{site}",), data=SHIFT),
    # It is the mediator's own shift.
    Row("manage-rota-drop", ALL_405, "302 403 403 403 403 302 403 302 302", ("{shift}",)),
    Row("settings-goes-with", MANAGERS_THERE, DONE_THERE, ("machines", "{laser}"), data=PART),
    Row("settings-goes-with", MANAGERS_THERE, DONE_THERE, ("rooms", "{unit_room}"), data=PART, variant="room"),
    Row("settings-goes-with-remove", ALL_405, DONE_THERE, ("machines", "{laser}"), data=PART),
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    season, _ = Season.objects.get_or_create(site=lab.site, kind=Season.Kind.SCHOOL_HOLIDAYS, name="No school")
    mediator, room = lab.people["mediator"], lab.printer_machine.room
    assert mediator is not None
    assert room is not None
    if room.unit is None:
        room.unit = type(lab.laser.unit).objects.create(site=lab.site, kind="room")
        room.save(update_fields=["unit"])
    start = timezone.now() + dt.timedelta(days=400)
    shift = Shift.objects.filter(person=mediator).first() or Shift.objects.create(
        site=lab.site, person=mediator, start=start, end=start + dt.timedelta(hours=2)
    )
    return {
        "season": str(season.pk), "shift": str(shift.pk), "mediator": mediator.reference, "unit_room": room.slug,
        "printer_unit": str(lab.printer_machine.unit_id),
    }  # fmt: skip
