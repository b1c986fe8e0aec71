"""What this app does with personal data beyond the declarations of its models."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Obstacle, erases, gives_files, refuses_erasure, sweeps
from people.models import Person
from reservations.loan_photos import photo_files_of, photos_of, photos_past_their_time, remove_photos
from reservations.models import Deed, Refusal, Reservation, Status
from reservations.refusals import pseudonym
from reservations.services import cancel_reservation


@refuses_erasure
def nothing_is_running(person: Person, now: dt.datetime) -> list[Obstacle]:
    """A reservation under way is finished first: somebody is at the machine."""
    running = Reservation.objects.filter(status=Status.IN_USE)
    if not (running.filter(holder=person).exists() or running.filter(participants__person=person).exists()):
        return []
    return [Obstacle("reservation_running", _("A reservation is running. Finish it first."))]


@erases
def give_reservations_back(person: Person, now: dt.datetime) -> None:
    """What they reserved for later is free for others; refusals lose the mark that made them one person's."""
    waiting = [Status.DRAFT, Status.HELD, Status.PENDING, Status.CONFIRMED]
    for reservation in Reservation.objects.filter(holder=person, status__in=waiting, end__gt=now):
        cancel_reservation(reservation=reservation, by=person, now=now, is_for_the_team=True)
    _leave_those_of_others(person, waiting, now)
    # Of what they did for themselves no deed names them but as its doer.
    own = Q(reservation__holder=person) | Q(by=person, behalf_of=None)
    Deed.objects.filter(own).update(why="", behalf_of=None)
    Refusal.objects.filter(pseudonym=pseudonym(person)).update(pseudonym="")


def _leave_those_of_others(person: Person, waiting: Sequence[Status], now: dt.datetime) -> None:
    """To what others hold they no longer come; where nobody else would, it is free for others, and the holder hears of
    it. What is over stays as it is but for their name."""
    rows = Reservation.objects.filter(participants__person=person, status__in=waiting, end__gt=now)
    for reservation in rows.select_related("holder"):
        reservation.participants.filter(person=person).delete()
        if not reservation.holder_takes_part and not reservation.participants.exists():
            cancel_reservation(reservation=reservation, by=None, now=now, is_for_the_team=True)


@erases
def remove_photos_of_loans(person: Person, now: dt.datetime) -> None:
    """How something looked in their hands is nobody's business any more."""
    remove_photos(photos_of(person))


@gives_files
def photos_of_loans(person: Person) -> list[tuple[str, Path]]:
    """The photos of what they borrowed that are still kept."""
    return photo_files_of(person)


@sweeps("reservations.LoanPhoto: photos")
def forget_photos_of_loans(now: dt.datetime, is_dry: bool) -> int:
    rows = photos_past_their_time(now)
    return rows.count() if is_dry else remove_photos(rows)
