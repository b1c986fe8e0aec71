"""What is out on a loan is kept longer only while nobody waits for it."""

import datetime as dt

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from reservations.errors import ReservationRefused
from reservations.models import Reservation
from reservations.rule_facts import Code
from reservations.waiting import waiting_for


def check_nobody_waits(reservation: Reservation, end: dt.datetime) -> None:
    """Whether what is lent may be kept until then, as far as those who wait for it are concerned.

    Raises:
        ReservationRefused: `taken`, where somebody else waits for a part of that time.
    """
    machine = reservation.machine
    if machine is None or end <= reservation.end:
        return
    longer = waiting_for(machine, Interval(reservation.end, end)).filter(is_notice_only=False)
    first = longer.exclude(person=reservation.holder_id).order_by("start").first()
    if first is not None:
        params = {"start": first.start, "end": first.end, "zone": machine.site.zone, "waits": True}
        raise ReservationRefused([Denial(Code.TAKEN, params)])
