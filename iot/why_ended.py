"""Why somebody's time at a machine ended, where the device that ended it cannot know: it only counts the minutes."""

import datetime as dt

import msgspec

from iot.models import AccessSession, Device, StopReason
from iot.protocol import Event
from machines.models import Machine
from reservations.facts import opening_around
from reservations.models import Origin, Reservation


def reason_at_end(machine: Machine, reservation: Reservation | None, until: dt.datetime) -> StopReason:
    """`closing` of what was begun on the spot and could not go on because the place closes, else `booking_end`.

    Whoever reserved until then has had the time they asked for. A few queries, none of what was reserved before.
    """
    if reservation is not None and reservation.origin != Origin.WALK_UP:
        return StopReason.BOOKING_END
    opening = opening_around(machine, until - dt.timedelta(hours=1), until)
    is_closing = any(interval.end == until for interval in opening)
    return StopReason.CLOSING if is_closing else StopReason.BOOKING_END


def with_its_reason(device: Device, told: Event) -> Event:
    """What a device of ours tells of an end, with the reason that the lab knows. A few queries at the end of a booking,
    none else."""
    if told.event != "stop" or told.reason != StopReason.BOOKING_END or not told.session_id:
        return told
    rows = AccessSession.objects.filter(reference=told.session_id, machine=device.machine_id)
    session = rows.select_related("machine__category", "machine__unit__site", "reservation").first()
    if session is None:
        return told
    reason = reason_at_end(session.machine, session.reservation, session.until)
    return msgspec.structs.replace(told, reason=str(reason))
