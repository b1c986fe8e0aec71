"""Today and tomorrow: a lab that is open, partly booked, with one machine out and one that is not heard."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from fablab.demo.lab import OUT_OF_SERVICE, UNREACHABLE
from fablab.demo.runs import Run, replay
from fablab.demo.teams import NAME
from fablab.lib.intervals import Interval
from iot.models import Device, ReportedState, UsageSession
from machines.models import Machine, OpeningException, Outage
from machines.opening import instant_of
from people.models import Person, Site, Team
from reservations.availability import next_on_grid
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.life import check_in
from reservations.models import Reservation
from reservations.services import create_reservation

NIGHT = "Nuit du fablab"
QUARTER = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)
MIDNIGHT = dt.time(0)


@dataclass(frozen=True, slots=True)
class Booking:
    """A reservation at an offset from now, in minutes, fitted to the grid."""

    slug: str
    card_code: str
    start_min: int
    length_min: int
    is_running: bool = False
    note: str = ""
    # In the name of the team, with these.
    companions: tuple[str, ...] = ()


# Nobody takes Prusa MK4 · 2: it is the visitor's.
BOOKINGS = (
    Booking("laser-60w", "demo-manager", -30, 120, is_running=True, note="Panneaux de la grainothèque"),
    Booking("bambu-x1c", "demo-mediator", -60, 240, is_running=True, note="Boîtiers pour le club radio"),
    Booking("laptop-02", "demo-person-09", -45, 150, is_running=True),
    Booking("embroidery", "demo-mediator", -15, 90, note="Écussons"),
    Booking("prusa-mk4-1", "demo-maker", 120, 180, note="Charnière de lunettes"),
    Booking("laptop-01", "demo-newcomer", 90, 60),
    Booking("vinyl-cutter", "demo-manager", 150, 60, note="Signalétique"),
    Booking("laser-60w", "demo-manager", 210, 60),
    Booking("resin-mars-4", "demo-mediator", 300, 240),
    Booking("prusa-mk4-1", "demo-maker", 26 * 60, 240, note="Suite de la charnière"),
    Booking("laptop-02", "demo-person-12", 20 * 60, 120),
    Booking("bambu-x1c", "demo-maker", 22 * 60, 120, note="Pièces pour samedi", companions=("demo-newcomer",)),
)


def open_day_and_night(site: Site, today: dt.date) -> None:
    """Today and tomorrow the site is open from midnight to midnight, so that the story plays at any hour."""
    for date in (today, today + DAY):
        OpeningException.objects.get_or_create(
            site=site, date=date, opens=MIDNIGHT, defaults={"closes": MIDNIGHT, "title": NIGHT}
        )


def last_loaded_day(site: Site) -> dt.date | None:
    """The last day that is loaded already, as the open nights tell; None at the first time."""
    night = OpeningException.objects.filter(site=site, title=NIGHT).order_by("-date").first()
    if night is not None:
        return night.date - DAY
    # The first loading may have been cut short: it goes on where it stopped, for each day is whole or absent.
    latest = Reservation.objects.order_by("-start").first()
    return latest.start.astimezone(site.zone).date() if latest else None


def break_one_machine(now: dt.datetime, today: dt.date) -> None:
    """The router waits for a part; back in three days, counted anew once that day has come."""
    machine = Machine.objects.get(slug=OUT_OF_SERVICE)
    outage = Outage.objects.holding_at(now).filter(machine=machine).first()
    if outage is None:
        Outage.objects.create(
            machine=machine,
            kind=Outage.Kind.FAULT,
            reason="Roulement de broche (spindle bearing)",
            start=now - dt.timedelta(hours=20),
            expected_end=today + 3 * DAY,
        )
    elif outage.expected_end is None or outage.expected_end <= today:
        outage.expected_end = today + 3 * DAY
        outage.save(update_fields=["expected_end"])


def lose_one_device(now: dt.datetime) -> None:
    """The sewing machine's device was last heard a few minutes ago; nothing ever plays it."""
    device = Device.objects.get(slug=UNREACHABLE)
    if device.last_seen_at is None or now - device.last_seen_at > dt.timedelta(hours=12):
        device.is_online, device.last_seen_at = False, now - dt.timedelta(minutes=7)
        device.save(update_fields=["is_online", "last_seen_at"])
    ReportedState.objects.filter(machine=device.machine_id).update(is_unreachable=True)


def book_today(site: Site, now: dt.datetime) -> int:
    """Make the bookings around now whose time is still free; how many were made."""
    machines = {m.slug: m for m in Machine.objects.with_places().filter(unit__site=site)}
    people = {p.card_code: p for p in Person.objects.filter(card_code__startswith="demo-")}
    team, made = Team.objects.filter(site=site, name=NAME, archived_at=None).first(), 0
    for booking in BOOKINGS:
        machine, person = machines[booking.slug], people[booking.card_code]
        asked = _asked(booking, site, now)
        # Only open ones count: what was cancelled or has ended makes room for the next loading.
        if not Reservation.objects.open().filter(machine=machine).overlapping(asked.start, asked.end).exists():
            companions = [people[code] for code in booking.companions]
            made += _book(machine, person, booking, asked, now, team if companions else None, companions)
    return made


def _asked(booking: Booking, site: Site, now: dt.datetime) -> Interval:
    """The booking's time on the grid; one that runs already began today, since yesterday may have been closed."""
    midnight = instant_of(now.astimezone(site.zone).date(), MIDNIGHT, site.zone)
    wanted = now + dt.timedelta(minutes=booking.start_min)
    start = next_on_grid(max(wanted - QUARTER, midnight) if booking.start_min < 0 else wanted, QUARTER, site.zone)
    return Interval(start, start + dt.timedelta(minutes=booking.length_min))


def _book(
    machine: Machine,
    person: Person,
    booking: Booking,
    asked: Interval,
    now: dt.datetime,
    team: Team | None,
    companions: Sequence[Person],
) -> bool:
    try:
        with transaction.atomic():
            reservation = create_reservation(
                machine=machine,
                start=asked.start,
                end=asked.end,
                holder=person,
                by=person,
                now=min(now, asked.start) - dt.timedelta(hours=3),
                note=booking.note,
                team=team,
                companions=companions,
            )
            if booking.is_running and asked.start <= now:
                check_in(reservation=reservation, now=max(asked.start, now - dt.timedelta(minutes=55)))
                _run_until_now(machine, asked.start + dt.timedelta(minutes=2), now)
    except (ReservationRefused, WrongState, NotOfTheTeam):
        # A visitor of the demo was here first, or moved something: their plans come before the story's.
        return False
    return True


def _run_until_now(machine: Machine, start: dt.datetime, now: dt.datetime) -> None:
    """The machine has been busy since; its device goes on from here when the simulation runs."""
    has_run = UsageSession.objects.filter(machine=machine, end=None).exists()
    if start < now and not has_run:
        run = Run(machine.slug, start, now, is_over=False, every=QUARTER / 20)
        replay([run], boot=f"demo-now-{start:%Y%m%d%H%M}", heard_at=now)
