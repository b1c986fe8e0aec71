"""The demo's desk: who is here, and what the team holds for groups."""

import datetime as dt

from django.db import transaction

from machines.models import Machine, Room
from people.lab import lab_for_change, save_lab
from people.models import Person, Site, Visit
from people.visits import arrive, arrive_unnamed
from reservations.errors import ReservationRefused
from reservations.group import reserve_group
from reservations.models import Reservation
from reservations.series_dates import wall_interval

HERE = ("demo-maker", "demo-person-09", "demo-person-12", "demo-person-20")
WORKSHOP = "Atelier couture : premiers pas"
WORKSHOP_MACHINES = ("embroidery", "sewing-janome", "laptop-01", "laptop-03")


def open_the_doors(site: Site, now: dt.datetime) -> None:
    """The lab has its name, some people are here, a workshop is to come; what is there already stays."""
    with transaction.atomic():
        lab = lab_for_change()
        if lab.set_up_at is None:
            lab.name, lab.set_up_at, lab.privacy_contact = site.name, now, site.contact_email
            save_lab(lab)
    if not Visit.objects.filter(site=site, arrived_at__gt=now - dt.timedelta(hours=10)).exists():
        for number, person in enumerate(Person.objects.filter(card_code__in=HERE).order_by("card_code")):
            arrive(site=site, person=person, by=None, now=now - dt.timedelta(minutes=20 * number + 5))
        arrive_unnamed(site=site, headcount=2, by=None, now=now - dt.timedelta(minutes=15))
    _hold_workshop(site, now)


def _hold_workshop(site: Site, now: dt.datetime) -> None:
    day = now.astimezone(site.zone).date() + dt.timedelta(days=2)
    start, end = wall_interval(day, dt.time(14), dt.time(16), site)
    if Reservation.objects.filter(site=site, title=WORKSHOP, start__gt=now).exists():
        return
    room = Room.objects.select_related("unit").filter(site=site, slug="demo-textile").first()
    machines = Machine.objects.filter(slug__in=WORKSHOP_MACHINES, unit__site=site).select_related("unit")
    units = [machine.unit for machine in machines] + ([room.unit] if room and room.unit else [])
    by = Person.objects.get(card_code="demo-mediator")
    try:
        reserve_group(site=site, units=units, title=WORKSHOP, start=start, end=end, by=by, now=now)
    except ReservationRefused:
        # A visitor of the demo reserved first: their plans come before the story's.
        return
