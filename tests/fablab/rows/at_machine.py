"""At the machines: starting there, runs without a name, badges, screens of seats."""

import datetime as dt

from django.utils import timezone

from iot.models import BadgeWanted, Device, StopReason, UsageSession
from machines.models import Machine
from people.badges import badge_digest
from people.models import Badge
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, SIGNED_IN, TEAM, Row
from tests.factories import make_category, make_machine, minutes

THERE = "302 403 403 403 200 200 404 200 200"
THERE_DONE = "302 403 403 403 302 302 404 302 302"
# Whoever may have been it, and the team of the site: nobody else learns that it ran.
ASKED = "302 404 302 404 302 302 404 302 302"

ROWS: tuple[Row, ...] = (
    # The holder is at another machine at that time.
    Row("machine-start", SIGNED_IN, "302 302 409 302 302 302 302 302 302", ("{loom}",), variant="by hand"),
    Row("machine-start", SIGNED_IN, SIGNED_IN, ("{watched}",), variant="code"),
    Row("machine-stop", ALL_405, "302 302 302 302 302 302 302 302 302", ("{in_use}",)),
    Row("machine-bed-clear", ALL_405, "302 302 302 302 302 302 302 302 302", ("{loom}",)),
    Row("run-mine", ALL_405, ASKED, ("{nameless}",)),
    Row("run-undo", ALL_405, "302 404 302 404 302 302 403 302 302", ("{claimed}",)),
    Row("manage-runs", TEAM, ALL_405),
    Row("manage-run", THERE, THERE_DONE, ("{nameless}",), data={"person": "{holder}"}),
    Row("badge-lost", ALL_405, "302 404 302 404 404 404 404 404 404", ("{badge}",)),
    Row("people-badges", THERE, "302 403 403 403 400 400 404 400 400", ("{holder}",)),
    Row("people-badges", THERE, THERE_DONE, ("{holder}",), data={"reader": "reader-row"}, variant="reader"),
    Row("people-badges", THERE, "302 403 403 403 403 403 404 403 302", ("{boss}",), data={"reader": "reader-row"},
        variant="of the team"),
    Row("people-badge-wait", THERE, ALL_405, ("{holder}", "{wanted}")),
    Row("people-badge-block", ALL_405, THERE_DONE, ("{holder}", "{badge}")),
    Row("desk-seat-screen", THERE, "302 403 403 403 400 400 404 400 400", ("{agent_seat}",)),
    Row("desk-seat-screen", THERE, THERE_DONE, ("{agent_seat}",), data={"text": "We close"}, variant="message"),
    Row("desk-seat-screen", THERE, THERE_DONE, ("{agent_seat}",), data={"why": "Left open"}, variant="lock"),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """A machine without a device, one with a reader, a seat with an agent; runs of every kind; a badge."""
    if not Machine.objects.filter(slug="loom-row").exists():
        _furnish(lab)
    wanted = BadgeWanted.objects.filter(label="row").latest("pk")
    runs = {run.stop_reason or "open": run.reference for run in UsageSession.objects.filter(machine__slug="loom-row")}
    badge = Badge.objects.get(label="row")
    return {
        "loom": "loom-row", "watched": "watched-row", "agent_seat": "screen-row", "wanted": str(wanted.pk),
        "badge": str(badge.pk), "in_use": _in_use(lab).reference, "nameless": runs[StopReason.POWER_CUT],
        "claimed": runs[StopReason.JOB_FINISHED],
    }  # fmt: skip


def _in_use(lab: Lab) -> UsageSession:
    return UsageSession.objects.get(machine__slug="used-row")


def _furnish(lab: Lab) -> None:
    now, holder = timezone.now(), lab.people["holder"]
    loom, watched, used = (_machine(lab, name) for name in ("loom", "watched", "used"))
    screen = _machine(lab, "screen", category=make_category(is_seat=True))
    reader = Device.objects.create(slug="reader-row", machine=watched, capabilities=["keypad"])
    Device.objects.create(slug="agent-row", machine=screen)
    UsageSession.objects.create(
        machine=used, person=holder, source=UsageSession.Source.MANUAL, start=now - minutes(5), last_busy_at=now
    )
    _ran(loom, now - dt.timedelta(hours=3), StopReason.NORMAL, person=holder)
    _ran(loom, now - dt.timedelta(hours=2), StopReason.POWER_CUT)
    _ran(loom, now - dt.timedelta(hours=1), StopReason.JOB_FINISHED, person=holder, claimed_at=now, claimed_by=holder)
    Badge.objects.create(person=holder, digest=badge_digest("row"), label="row", created_at=now)
    BadgeWanted.objects.create(
        device=reader, person=holder, by=lab.people["manager"], label="row", opened_at=now,
        expires_at=now + dt.timedelta(hours=1),
    )  # fmt: skip


def _machine(lab: Lab, name: str, **fields: object) -> Machine:
    machine = make_machine(site=lab.site, name=name.capitalize(), **fields)
    Machine.objects.filter(pk=machine.pk).update(slug=f"{name}-row")
    return machine


def _ran(machine: Machine, end: dt.datetime, reason: StopReason, **fields: object) -> None:
    UsageSession.objects.create(
        machine=machine, start=end - minutes(20), end=end, last_busy_at=end, stop_reason=reason, **fields
    )
