"""What the team does with reservations at the desk, for a person or for a ticket without a name."""

import datetime as dt
from collections.abc import Sequence

from machines.models import Machine
from people.models import FileAccess, Person, Team
from people.services import note_access
from reservations.availability import next_on_grid
from reservations.errors import WrongState
from reservations.life import check_in, finish_reservation
from reservations.models import Origin, Reservation, Status
from reservations.rules import Purpose
from reservations.services import create_reservation, move_reservation
from reservations.wishes import NOTHING_SET_ASIDE, SetAside


def reserve_at_desk(
    *,
    machine: Machine,
    start: dt.datetime,
    end: dt.datetime,
    holder: Person | None,
    by: Person,
    now: dt.datetime,
    note: str = "",
    purpose: Purpose = Purpose.BOOK,
    set_aside: SetAside = NOTHING_SET_ASIDE,
    team: Team | None = None,
    comers: Sequence[Person] = (),
    holder_takes_part: bool = True,
) -> Reservation:
    """Reserve for somebody, or for a ticket when `holder` is None; noted in the person's file. In the name of a team,
    `comers` are those of it who come beside the holder.

    Raises:
        NotOfTheTeam: the holder or somebody who comes is no member.
        OnlyForTheTeam: rules are set aside by somebody who is not of the team there.
        ReservationRefused: with every reason; the rules are the same as on every other way.
    """
    reservation = create_reservation(
        machine=machine, start=start, end=end, holder=holder, by=by, now=now, origin=Origin.DESK, purpose=purpose,
        note=note, set_aside=set_aside, team=team, companions=comers, holder_takes_part=holder_takes_part,
    )  # fmt: skip
    if holder is not None:
        note_access(person=holder, by=by, deed=FileAccess.Deed.RESERVED, now=now)
    return reservation


def start_seat(
    *,
    machine: Machine,
    length: dt.timedelta,
    holder: Person | None,
    by: Person,
    now: dt.datetime,
    set_aside: SetAside = NOTHING_SET_ASIDE,
) -> Reservation:
    """Somebody sits down now: reserve from now on, then check in.

    The seat ends on the machine's grid, so that the next person's hour stays a round one: at least `length` from
    now.

    Raises:
        ReservationRefused: with every reason.
        WrongState: `handed_over_first`, where it is something that leaves the place.
    """
    if machine.category.is_lent:
        raise WrongState("handed_over_first")
    end = next_on_grid(now + length, machine.booking.grid, machine.site.zone)
    # Not in one transaction: a refusal is kept for the statistics, and must survive it.
    made = reserve_at_desk(
        machine=machine, start=now, end=end, holder=holder, by=by, now=now, purpose=Purpose.START,
        set_aside=set_aside,
    )  # fmt: skip
    return check_in(reservation=made, now=now, by=by)


def extend(*, reservation: Reservation, by: Person, now: dt.datetime, length: dt.timedelta) -> Reservation:
    """Give a running reservation more time, on its machine's grid.

    Raises:
        ReservationRefused: with every reason; the old end is kept.
        WrongState: it does not run, or holds several things.
    """
    machine = reservation.machine
    if machine is None:
        raise WrongState("held_for_a_group")
    if reservation.status != Status.IN_USE:
        raise WrongState("not_started")
    end = next_on_grid(reservation.end + length, machine.booking.grid, machine.site.zone)
    return move_reservation(reservation=reservation, start=reservation.start, end=end, by=by, now=now)


def end_seat(*, reservation: Reservation, by: Person, now: dt.datetime) -> Reservation:
    """Somebody stands up: the rest of the time is free for others.

    Raises:
        WrongState: it does not run.
    """
    return finish_reservation(reservation=reservation, now=now, by=by)
