"""What the desk shows: who is here, what is on, and the seats that are started and ended by hand."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from fablab.machine_facts import live_facts
from fablab.machine_status import MachineStatus, State, status_of
from fablab.seat_agents import SeatAgent, agent_of
from machines.models import Machine
from people.models import Kiosk, Person, Site, Visit
from reservations.lent import leaves_the_place
from reservations.life import CHECK_IN_OPENS
from reservations.models import HeldUnit, Participant, Reservation, Status
from reservations.no_show import left_to_the_desk
from reservations.selectors import now_and_next

AHEAD = dt.timedelta(hours=4)
SEAT_LENGTHS_MIN = (30, 60, 120)
SHOWN_MOST = 40


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is here. `unnamed` counts people, not groups."""

    visits: list[Visit]
    unnamed: int

    @property
    def count(self) -> int:
        return sum(visit.headcount for visit in self.visits)


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat and who sits there; `reservation` is the running one, `next_start` the next that is promised; `agent` what
    the program on it says, None where there is none."""

    status: MachineStatus
    reservation: Reservation | None
    next_start: dt.datetime | None
    agent: SeatAgent | None = None

    @property
    def machine(self) -> Machine:
        return self.status.machine

    @property
    def is_startable(self) -> bool:
        return self.reservation is None and self.status.state not in (State.OUT, State.CLOSED, State.RESERVED)


@dataclass(frozen=True, slots=True)
class DeskLine:
    """A reservation that runs or comes soon, with what can be done about it now."""

    reservation: Reservation
    may_check_in: bool
    may_finish: bool
    may_extend: bool
    may_cancel: bool
    # Handed over and taken back on a page of its own.
    is_lent: bool


def lines_of_person(person: Person, lines: list[DeskLine]) -> list[DeskLine]:
    """Those of them that the person holds or takes part in. One query."""
    keys = [line.reservation.pk for line in lines]
    rows = Participant.objects.filter(person=person, reservation__in=keys)
    comes_to = set(rows.values_list("reservation_id", flat=True))
    return [line for line in lines if line.reservation.holder_id == person.pk or line.reservation.pk in comes_to]


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody waits at a kiosk and has asked for help."""

    kiosk: Kiosk
    since: dt.datetime


def calls(*, sites: Sequence[Site] | QuerySet[Site], now: dt.datetime) -> list[Call]:
    """The screens of the sites at which somebody waits, the longest first. One query."""
    rows = Kiosk.objects.enrolled().calling(now).filter(site__in=sites).select_related("site").order_by("called_at")
    return [Call(kiosk, kiosk.called_at) for kiosk in rows if kiosk.called_at]


def presence(*, site: Site, staff: Person) -> Presence:
    """Who is at the site now, those who came last first."""
    rows = Visit.objects.visible_to(staff).present().filter(site=site).select_related("person")
    visits = list(rows.order_by("-arrived_at", "-pk")[:200])
    return Presence(visits, sum(visit.headcount for visit in visits if visit.person_id is None))


def desk_lines(*, site: Site, staff: Person, now: dt.datetime) -> list[DeskLine]:
    """What is on now and in the next hours; seats have their own place on the page while somebody sits there."""
    rows = now_and_next(staff=staff, site=site, now=now, ahead=AHEAD)
    shown = [row for row in rows[: 2 * SHOWN_MOST] if not _is_running_seat(row) and not _is_away(row, now)]
    return [_line(row, now) for row in shown[:SHOWN_MOST]]


def absent(*, site: Site, now: dt.datetime) -> list[Reservation]:
    """Those for whom nobody came and whose time only the desk may give away: nobody knows whether they are there."""
    rows = (
        Reservation.objects.filter(
            site=site, status=Status.CONFIRMED, start__lte=now, end__gt=now, asked_at__isnull=False
        )
        .with_places()
        .select_related("holder")
    )
    return left_to_the_desk(now, list(rows.order_by("start", "pk")[:SHOWN_MOST]))


def _is_running_seat(reservation: Reservation) -> bool:
    machine = reservation.machine
    return reservation.status == Status.IN_USE and machine is not None and machine.category.is_seat


def _is_away(reservation: Reservation, now: dt.datetime) -> bool:
    """Lent, and not expected back soon: it stands on the list of loans."""
    return leaves_the_place(reservation) and reservation.status == Status.IN_USE and reservation.end > now + AHEAD


def _line(reservation: Reservation, now: dt.datetime) -> DeskLine:
    """The services ask again: a button shown is no permission."""
    is_confirmed, runs = reservation.status == Status.CONFIRMED, reservation.status == Status.IN_USE
    is_lent = leaves_the_place(reservation)
    return DeskLine(
        reservation,
        may_check_in=is_confirmed and not is_lent and reservation.start - CHECK_IN_OPENS <= now < reservation.end,
        may_finish=runs and not is_lent,
        may_extend=runs and not is_lent and reservation.machine_id is not None and now < reservation.end,
        may_cancel=(is_confirmed or reservation.status == Status.PENDING) and now < reservation.end,
        is_lent=is_lent and (is_confirmed or runs),
    )


def seats(*, site: Site, now: dt.datetime) -> list[Seat]:
    """The site's seats in their order, with who sits there. The same number of queries however many."""
    rows = Machine.objects.filter(unit__site=site, category__is_seat=True, retired_at=None).with_places()
    return seats_of(rows, now=now)


def seats_of(machines: Sequence[Machine] | QuerySet[Machine], *, now: dt.datetime) -> list[Seat]:
    """These seats, in their order."""
    found = live_facts(machines, now)
    held = (
        HeldUnit.objects.filter(
            unit__machine__in=[machine.pk for machine, _facts in found],
            is_holding=True,
            blocked__overlap=(now, now + dt.timedelta(days=1)),
            reservation__status__in=[Status.CONFIRMED, Status.IN_USE],
        )
        .select_related("reservation__holder")
        .order_by("reservation__start")
    )
    running: dict[int, Reservation] = {}
    following: dict[int, dt.datetime] = {}
    for row in held:
        reservation = row.reservation
        if reservation.status == Status.IN_USE and reservation.end > now:
            running.setdefault(row.unit_id, reservation)
        elif reservation.start > now:
            following.setdefault(row.unit_id, reservation.start)
    return [
        Seat(
            status_of(machine, facts, now), running.get(machine.unit_id), following.get(machine.unit_id),
            agent_of(facts, running.get(machine.unit_id), now),
        )
        for machine, facts in found
    ]  # fmt: skip
