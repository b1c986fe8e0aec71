"""The reception desk, tickets and the call list; and machines that break."""

import datetime as dt

from django.utils import timezone

from machines.models import Category, Outage, Unit
from people.models import Delivery, Visit
from people.notices import tell
from reservations.group import reserve_series
from reservations.models import Reservation
from tests.api.lab import Lab, hold
from tests.fablab.rows.row import ALL_405, TEAM, Row
from tests.factories import give_role, make_category, make_machine, make_person, make_room

DONE = "302 403 403 403 302 302 403 302 302"
THERE = "302 403 403 403 200 200 404 200 200"
THERE_DONE = "302 403 403 403 302 302 404 302 302"
# `elsewhere` is of a team too, but of another site: they reserve for others only there.
FOR_SOMEBODY = "403 403 403 403 200 200 404 200 200"
FAULT = {"machine": "{laser}", "kind": "fault", "reason": "A loud noise"}

ROWS: tuple[Row, ...] = (
    Row("desk", TEAM, TEAM),
    Row("desk", TEAM, TEAM, query="?q=nobody-by-that-name", variant="search"),
    Row("desk-welcome", TEAM, "302 403 403 403 400 400 400 400 400"),
    Row("desk-arrives", ALL_405, "302 403 403 403 302 302 404 302 302", data={"person": "{holder}"}),
    Row("desk-leaves", ALL_405, THERE_DONE, ("{visit}",)),
    Row("desk-person", THERE, THERE, ("{holder}",)),
    Row("desk-seat", ALL_405, DONE, ("{seat}",), data={"minutes": "30", "for": "ticket"}),
    Row("desk-reservation", ALL_405, THERE_DONE, ("{coming}", "cancel"), variant="cancel"),
    Row("desk-reservation", ALL_405, THERE_DONE, ("{running}", "extend"), variant="extend"),
    Row("desk-reservation", ALL_405, THERE_DONE, ("{running}", "finish"), variant="finish"),
    Row("desk-ticket", THERE, THERE, ("{coming}",)),
    Row("desk-ticket-file", THERE, THERE, ("{coming}", "a5"), variant="A5"),
    Row("desk-ticket-file", THERE, THERE, ("{coming}", "80mm"), variant="roll"),
    Row("desk-calls", TEAM, TEAM),
    Row("desk-call", ALL_405, THERE_DONE, ("{call}", "told"), variant="told"),
    Row("desk-call", ALL_405, THERE_DONE, ("{call}", "not-reached"), variant="no answer"),
    Row("desk-today", TEAM, TEAM),
    Row("desk-groups", TEAM, "302 403 403 403 400 400 400 400 400"),
    Row("desk-group-cancel", ALL_405, THERE_DONE, ("{dated}",)),
    Row("fault-report", TEAM, "302 403 403 403 400 400 400 400 400"),
    Row("fault-report", "302 403 403 403 200 200 404 200 200", "302 403 403 403 400 400 404 400 400",
        query="?machine={printer}", variant="of a machine"),
    Row("fault-report", TEAM, "302 403 403 403 302 302 400 302 302", variant="said", data=FAULT),
    Row("fault-lift", ALL_405, "302 403 403 403 403 302 403 302 302", ("{fault}",)),
    Row("fault-lift", ALL_405, "302 403 403 403 403 403 403 302 302", ("{managers_fault}",), variant="of a manager"),
    Row("reserve", FOR_SOMEBODY, FOR_SOMEBODY, query="?for={holder}", variant="for somebody"),
    Row("reserve", "403 403 403 403 200 200 403 200 200", "403 403 403 403 200 200 403 200 200",
        query="?machine={laser}&for=ticket", variant="for a ticket"),
    Row("reserve-confirm", "302 403 403 403 200 200 403 200 200", "302 403 403 403 302 302 403 302 302",
        query="?machine={laser}&day={day}&start=10:00&end=11:00&for={holder}", variant="for somebody",
        data={"machine": "{laser}", "day": "{day}", "start": "10:00", "end": "11:00", "for": "{holder}"}),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """A seat, somebody who is here, and a series."""
    found = Category.objects.filter(is_seat=True).first()
    if found is None:
        _furnish(lab)
    seat = lab.site.units.filter(machine__category__is_seat=True).values_list("machine__slug", flat=True).get()
    visit = Visit.objects.filter(site=lab.site).values_list("pk", flat=True).get()
    dated = Reservation.objects.filter(series__isnull=False).order_by("start").values_list("reference", flat=True)
    faults = {
        word: str(_mended(lab, word, reporter).pk)
        for word, reporter in (("fault", "mediator"), ("managers_fault", "manager"))
    }
    call = Delivery.objects.filter(channel="call", notice__key="row").values_list("pk", flat=True).get()
    return {"seat": seat, "visit": str(visit), "dated": dated[0], "call": str(call), **faults}


def _mended(lab: Lab, reason: str, reporter: str) -> Outage:
    """One that is over: the other rows reserve the machine."""
    past = timezone.now() - dt.timedelta(days=9)
    times = {"start": past, "end": past + dt.timedelta(hours=1)}
    found, _is_new = Outage.objects.get_or_create(
        machine=lab.laser, reason=reason, reported_by=lab.people[reporter], defaults=times
    )
    return found


def _furnish(lab: Lab) -> None:
    now, holder, manager = timezone.now(), lab.people["holder"], lab.people["manager"]
    assert manager is not None
    seat = make_machine(site=lab.site, name="PC 1", category=make_category(is_seat=True))
    hold(seat, None, now + dt.timedelta(days=9), now + dt.timedelta(days=9, hours=1))
    Visit.objects.create(site=lab.site, person=holder, arrived_at=now)
    to_call = make_person()
    give_role(person=to_call, site=lab.site)
    params = {"what": "Laser", "start": now.isoformat(), "zone": "UTC",
              "end": (now + dt.timedelta(days=1)).isoformat()}  # fmt: skip
    tell(person=to_call, kind="reservation_cancelled", key="row", params=params, now=now, site=lab.site)
    room = make_room(site=lab.site, name="Textile")
    room.unit = Unit.objects.create(site=lab.site, kind=Unit.Kind.ROOM)
    room.save()
    reserve_series(
        site=lab.site, units=[room.unit], title="Sewing", first_day=now.date() + dt.timedelta(days=1),
        opens=dt.time(14), closes=dt.time(16), rule="FREQ=WEEKLY;COUNT=3", by=manager, now=now,
        is_skipping_taken=False,
    )  # fmt: skip
