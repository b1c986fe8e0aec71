"""What the demo lends: a camera kit that is out, and a projector that should have been back."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from machines.models import Category, Machine, Unit
from machines.opening import instant_of, opening_on
from machines.selectors import timetable
from people.models import Person, Site
from reservations.errors import ReservationRefused, WrongState
from reservations.loans import hand_over, take_back
from reservations.models import Condition, Loan
from reservations.services import create_reservation

KIND = "demo-lent"
BY = "demo-mediator"
DAY = dt.timedelta(days=1)
BETWEEN = dt.timedelta(hours=1)
FETCHED_AT, DUE_AT = dt.time(11), dt.time(17)
# As far as one looks for a day on which the place is open.
LOOK = 14


@dataclass(frozen=True, slots=True)
class Lent:
    """Something that leaves the place, out since the last open day before `since_days`, and due around `due_days`."""

    slug: str
    name: str
    words_fr: str
    words_en: str
    borrower: str
    since_days: int
    due_days: int
    note: str


LENT = (
    Lent("camera-kit", "Canon EOS R50", "Appareil photo, deux objectifs et trépied, dans un sac.",
         "Camera, two lenses and a tripod, in a bag.", "demo-person-13", -2, 3, "Avec deux batteries"),
    Lent("projector", "Epson EB-W06", "Vidéoprojecteur avec câble HDMI et rallonge.",
         "Projector with an HDMI cable and an extension lead.", "demo-person-20", -7, -1, ""),
)  # fmt: skip


def make_lent_things(site: Site) -> None:
    """The things and their units; what exists already is left as it is."""
    for position, wanted in enumerate(LENT):
        if Machine.objects.filter(slug=wanted.slug).exists():
            continue
        Machine.objects.create(
            unit=Unit.objects.create(site=site), category=Category.objects.get(slug=KIND), name=wanted.name,
            slug=wanted.slug, description_fr=wanted.words_fr, description_en=wanted.words_en, position=20 + position,
        )  # fmt: skip


def lend_some(site: Site, now: dt.datetime) -> None:
    """Each thing that nobody has is lent; one that is due by now comes back first, where it was not to be late."""
    by = Person.objects.get(card_code=BY)
    for wanted in LENT:
        machine = Machine.objects.with_places().get(slug=wanted.slug)
        loans = Loan.objects.filter(reservation__machine=machine).select_related("reservation")
        out = loans.filter(returned_at=None).first()
        if out is not None and (wanted.due_days < 0 or out.reservation.end > now):
            continue
        if loans.filter(returned_at__gt=now - DAY).exists():
            # A visitor of the demo took it back: that stays so for a day.
            continue
        start, end = _times(wanted, site, now)
        if out is not None:
            good = {item.machine_id: Condition.GOOD for item in out.items.all()}
            take_back(loan=out, conditions=good, by=by, now=min(start - BETWEEN, out.reservation.end))
        _lend(wanted, machine, start, end, by)


def _times(wanted: Lent, site: Site, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    today = now.astimezone(site.zone).date()
    fetched = _open_day(site, today + wanted.since_days * DAY, -DAY)
    due = _open_day(site, today + wanted.due_days * DAY, DAY if wanted.due_days > 0 else -DAY)
    return instant_of(fetched, FETCHED_AT, site.zone), instant_of(due, DUE_AT, site.zone)


def _lend(wanted: Lent, machine: Machine, start: dt.datetime, end: dt.datetime, by: Person) -> None:
    holder, conditions = Person.objects.get(card_code=wanted.borrower), {machine.pk: Condition.GOOD}
    try:
        with transaction.atomic():
            made = create_reservation(machine=machine, start=start, end=end, holder=holder, by=holder, now=start - DAY)
            hand_over(reservation=made, conditions=conditions, by=by, now=start, note=wanted.note)
    except (ReservationRefused, WrongState):
        # A visitor of the demo was here first: their plans come before the story's.
        return


def _open_day(site: Site, day: dt.date, step: dt.timedelta) -> dt.date:
    """That day, or the next one in that direction on which things are fetched and brought back."""
    for _attempt in range(LOOK):
        opening = opening_on(day, timetable(site, day, day))
        if all(
            any(times.holds(instant_of(day, time, site.zone)) for times in opening) for time in (FETCHED_AT, DUE_AT)
        ):
            return day
        day += step
    return day
