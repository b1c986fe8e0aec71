"""What a fab manager sets: site, hours, rooms, categories, machines, devices, roles, modules, texts."""

import datetime as dt

from django.utils import timezone

from machines.models import Outage, Qualification
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, MANAGERS, MANAGERS_THERE, Row

ADMINISTRATORS = "302 403 403 403 403 403 403 403 200"
DONE = "302 403 403 403 403 403 302 302 302"
DONE_THERE = "302 403 403 403 403 403 403 302 302"
DONE_BY_ADMINISTRATORS = "302 403 403 403 403 403 403 403 302"

DAY = {"first": "2031-12-24", "last": "2031-12-26"}
LENGTHS = {
    f"{name}_{part}": value
    for name, number, unit in (
        ("shortest", "30", "min"), ("longest", "4", "h"), ("notice", "0", "min"), ("window", "28", "d"),
        ("setup_buffer", "0", "min"), ("cleanup_buffer", "0", "min"),
    )
    for part, value in ((0, number), (1, unit))
}  # fmt: skip
CATEGORY = LENGTHS | {
    "name_fr": "Presse", "name_en": "Press", "icon": "tools", "position": "3", "risk_level": "0",
    "qualification_level": "2", "attendance": "throughout", "grid_min": "15",
}  # fmt: skip
QUALIFICATION = {"name_fr": "Presse", "name_en": "Press"}
SITE = {"name": "Third place", "time_zone": "Europe/Paris", "holiday_country": "FR"}
MACHINE = {"name": "Press", "category": "{category_pk}", "position": "0"}
OUTAGE = {"machine": "{laser}", "kind": "fault", "reason": "Belt"}
DEVICE = {
    "name": "Plug", "kind": "tasmota", "machine": "{laser_pk}", "topic": "plug-99", "busy_w": "50", "idle_w": "25",
    **{f"{name}_after_{part}": value for name in ("busy", "idle", "silent") for part, value in ((0, "60"), (1, "s"))},
}  # fmt: skip
PRINTER = {
    "kind": "octoprint", "base_url": "http://192.168.1.20", "api_key": "abc", "is_enabled": "on",
    "most_nozzle_c": "285", "most_bed_c": "115", "commands_answer": "block", "heat_answer": "block",
    "reach_answer": "approve",
}  # fmt: skip

ROWS: tuple[Row, ...] = (
    Row("settings", MANAGERS, MANAGERS),
    Row("settings-site", ADMINISTRATORS, DONE_BY_ADMINISTRATORS, ("{site}",), data=SITE),
    Row("settings-site-new", ADMINISTRATORS, DONE_BY_ADMINISTRATORS, data=SITE),
    Row("settings-modules", ADMINISTRATORS, DONE_BY_ADMINISTRATORS, data={"board": "on"}),
    Row("settings-texts", ADMINISTRATORS, DONE_BY_ADMINISTRATORS, data={"name": "Riverside"}),
    Row("settings-hours", MANAGERS_THERE, DONE_THERE, ("{site}",), data={"opens_1_0": "10:00", "closes_1_0": "12:00"}),
    Row("settings-closures", MANAGERS_THERE, DONE_THERE, ("{site}",), data=DAY | {"kind": "closed"}),
    Row("settings-closure-remove", ALL_405, DONE_THERE, ("{site}",), data=DAY),
    Row("settings-calls", MANAGERS_THERE, MANAGERS_THERE, ("{site}",)),
    Row("settings-calls-act", ALL_405, "302 403 403 403 403 403 403 400 400", ("{site}",), data={"choice": "keep"}),
    Row("settings-rooms", MANAGERS_THERE, DONE_THERE, ("{site}",), data={"name": "Attic"}),
    Row("settings-room", MANAGERS_THERE, DONE_THERE, ("{room}",), data={"name": "Attic"}),
    Row("settings-room-remove", ALL_405, DONE_THERE, ("{room}",)),
    Row("settings-categories", MANAGERS, MANAGERS),
    Row("settings-category-new", MANAGERS, DONE, data=CATEGORY),
    Row("settings-category", MANAGERS, DONE_THERE, ("{category}",), data=CATEGORY),
    Row("settings-category-remove", ALL_405, DONE, ("{category}",)),
    Row("settings-qualifications", MANAGERS, MANAGERS),
    Row("settings-qualification-new", MANAGERS, DONE, data=QUALIFICATION),
    Row("settings-qualification", MANAGERS, DONE, ("{qualification}",), data=QUALIFICATION),
    Row("settings-qualification-remove", ALL_405, DONE, ("{qualification}",)),
    Row("settings-machines", MANAGERS_THERE, MANAGERS_THERE, ("{site}",)),
    Row("settings-machine-new", MANAGERS_THERE, MANAGERS_THERE, ("{site}",)),
    Row("settings-machine", MANAGERS_THERE, DONE_THERE, ("{laser}",), data=MACHINE),
    Row("settings-machine-retire", ALL_405, DONE_THERE, ("{laser}",)),
    Row("settings-machine-return", ALL_405, DONE_THERE, ("{laser}",)),
    Row("settings-labels", MANAGERS_THERE, MANAGERS_THERE, ("{site}",)),
    Row("settings-outages", MANAGERS_THERE, DONE_THERE, ("{site}",), data=OUTAGE),
    Row("settings-outage-lift", ALL_405, DONE_THERE, ("{outage}",)),
    Row("settings-roles", MANAGERS_THERE, MANAGERS_THERE, ("{site}",), query="?q=Camille"),
    Row("settings-role-grant", ALL_405, DONE_THERE, ("{site}",), data={"person": "{holder}", "role": "mediator"}),
    Row("settings-role-revoke", ALL_405, DONE_THERE, ("{grant}",)),
    Row("settings-devices", MANAGERS, MANAGERS),
    # The machine of the form is none of the other site's manager's.
    Row("settings-device-new", MANAGERS, "302 403 403 403 403 403 200 302 302", data=DEVICE),
    Row("settings-device", MANAGERS_THERE, DONE_THERE, ("{device}",), data=DEVICE),
    Row("settings-device-revoke", ALL_405, DONE_THERE, ("{device}",)),
    Row("settings-printers", MANAGERS, MANAGERS),
    Row("settings-printer", MANAGERS_THERE, DONE_THERE, ("{printer}",), data=PRINTER),
    Row("settings-printer-key", "302 403 403 403 403 403 403 302 302", DONE_THERE, ("{printer}",)),
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    past = timezone.now() - dt.timedelta(days=9)
    outage, _ = Outage.objects.get_or_create(
        machine=lab.laser, reason="mended", defaults={"start": past, "end": past + dt.timedelta(hours=1)}
    )
    qualification, _ = Qualification.objects.get_or_create(slug="press", defaults={"name_fr": "P", "name_en": "P"})
    mediator = lab.people["mediator"]
    room = lab.printer_machine.room
    assert mediator is not None
    assert room is not None
    return {
        "outage": str(outage.pk), "qualification": qualification.slug, "room": room.slug,
        "grant": str(mediator.role_grants.get().pk), "category": lab.laser.category.slug,
        "category_pk": str(lab.laser.category_id), "laser_pk": str(lab.laser.pk),
    }  # fmt: skip
