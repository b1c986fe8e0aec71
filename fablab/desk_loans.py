"""What is lent, beside the seats of the desk: a laptop on loan is a seat that left the place."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, Window

from fablab.seat_agents import SeatAgent, heard_of
from iot.models import Device, DriverKind
from people.lab import current_lab
from people.models import Module, Person, Site
from reservations.models import Loan, Reservation

SHOWN_MOST = 12


@dataclass(frozen=True, slots=True)
class OnLoan:
    """`agent` is what the program on it says, None where there is none."""

    reservation: Reservation
    is_overdue: bool
    agent: SeatAgent | None = None


@dataclass(frozen=True, slots=True)
class LoansBeside:
    """Those that are due first; `more` others stand on the list of loans."""

    shown: Sequence[OnLoan]
    more: int


def loans_beside(*, site: Site, staff: Person, now: dt.datetime) -> LoansBeside:
    """What of the site is out, by when it is due. Two queries."""
    rows = Loan.objects.filter(
        returned_at=None, reservation__site=site, reservation__in=Reservation.objects.visible_to(staff)
    ).select_related("reservation__machine", "reservation__holder")
    # Counted with those that are shown: before the page is cut.
    counted = rows.annotate(count=Window(Count("pk"))).order_by("reservation__end", "pk")
    found = list(counted[:SHOWN_MOST])
    more = found[0].count - len(found) if found else 0  # type: ignore[attr-defined]
    shown = [row.reservation for row in found]
    agents = _agents({row.machine_id for row in shown if row.machine_id is not None}, now)
    return LoansBeside([OnLoan(row, row.end <= now, agents.get(row.machine_id or 0)) for row in shown], more)


def _agents(machine_ids: Collection[int], now: dt.datetime) -> dict[int, SeatAgent]:
    """Battery and last contact, no more: what somebody does at home is theirs."""
    if not machine_ids or not current_lab().has(Module.DEVICES):
        return {}
    rows = Device.objects.filter(machine__in=machine_ids, kind=DriverKind.FABLAB, revoked_at=None)
    devices = rows.select_related("machine__reported").order_by("-pk")
    return {
        device.machine_id: heard_of(device, getattr(device.machine, "reported", None), None, now)
        for device in devices
        if device.machine_id is not None
    }
