"""Devices for the team: orders, devices seen, what nobody could read, and access at the machines."""

from django.utils import timezone

from iot.models import SeenDevice
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, MANAGERS, MANAGERS_THERE, TEAM_THERE, Row

DONE_BY_TEAM_THERE = "302 403 403 403 302 302 403 302 302"
DONE_THERE = "302 403 403 403 403 403 403 302 302"
ORDER = {"kind": "lock", "why": "Repair"}
THRESHOLDS = {"busy_w": "140.0", "idle_w": "88.0", "busy_after": "20", "idle_after": "60"}
BEHAVIOUR = {
    "language": "en", "denied_for_s": "8", "reading_every_s": "10", "idle_after_s": "10", "heartbeat_s": "15",
}  # fmt: skip
LENGTHS = {"walk_up_0": "1", "walk_up_1": "h", "warn_before_0": "5", "warn_before_1": "min"}

ROWS: tuple[Row, ...] = (
    Row("manage-device-order", ALL_405, DONE_BY_TEAM_THERE, ("{device}",), data=ORDER),
    Row("manage-device-order", ALL_405, "302 403 403 403 403 403 403 302 302", ("{device}",), variant="restart",
        data={"kind": "reboot", "why": "Slow"}),
    Row("manage-device-settings", MANAGERS_THERE, DONE_THERE, ("{device}",), data=BEHAVIOUR),
    Row("manage-device-thresholds", ALL_405, DONE_THERE, ("{device}",), data=THRESHOLDS),
    Row("manage-devices-seen", MANAGERS, MANAGERS),
    # The machine of the form is none of the other site's manager's.
    Row("manage-device-attach", MANAGERS, "302 403 403 403 403 403 400 302 302", ("{seen}",),
        data={"name": "Saw", "machine": "{laser_pk}"}),
    Row("manage-device-ignore", ALL_405, "302 403 403 403 403 403 302 302 302", ("{seen}",)),
    Row("manage-devices-quarantine", MANAGERS, MANAGERS),
    Row("manage-devices-replay", ALL_405, "302 403 403 403 403 403 302 302 302"),
    Row("manage-access", TEAM_THERE, TEAM_THERE, ("{laser}",)),
    Row("manage-access", TEAM_THERE, TEAM_THERE, ("{laser}",), query="?refused=1", variant="refused"),
    Row("manage-access-csv", MANAGERS_THERE, MANAGERS_THERE, ("{laser}",)),
    Row("settings-access", MANAGERS_THERE, DONE_THERE, ("{laser}",), data=LENGTHS),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with."""
    seen, _ = SeenDevice.objects.get_or_create(
        kind="shelly", topic="shellies/saw",
        defaults={"label": "Saw", "first_seen_at": timezone.now(), "last_seen_at": timezone.now()},
    )  # fmt: skip
    return {"seen": str(seen.pk)}
