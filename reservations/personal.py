"""What this app does with personal data beyond the declarations of its models."""

import datetime as dt

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Obstacle, erases, refuses_erasure
from people.models import Person
from reservations.models import Deed, Refusal, Reservation, Status
from reservations.refusals import pseudonym
from reservations.services import cancel_reservation


@refuses_erasure
def nothing_is_running(person: Person, now: dt.datetime) -> list[Obstacle]:
    """A reservation under way is finished first: somebody is at the machine."""
    if not Reservation.objects.filter(holder=person, status=Status.IN_USE).exists():
        return []
    return [Obstacle("reservation_running", _("A reservation is running. Finish it first."))]


@erases
def give_reservations_back(person: Person, now: dt.datetime) -> None:
    """What they reserved for later is free for others; refusals lose the mark that made them one person's."""
    waiting = [Status.DRAFT, Status.HELD, Status.PENDING, Status.CONFIRMED]
    for reservation in Reservation.objects.filter(holder=person, status__in=waiting, end__gt=now):
        cancel_reservation(reservation=reservation, by=person, now=now, is_for_the_team=True)
    # Of what they did for themselves no deed names them but as its doer.
    own = Q(reservation__holder=person) | Q(by=person, behalf_of=None)
    Deed.objects.filter(own).update(why="", behalf_of=None)
    Refusal.objects.filter(pseudonym=pseudonym(person)).update(pseudonym="")
