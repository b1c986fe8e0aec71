"""What higher apps hear of reservations."""

import datetime as dt
from functools import partial

from django.db import transaction
from django.dispatch import Signal

from people.models import Person
from reservations.models import Reservation

# A reservation's status or end is another one. Sent once that is committed, with `reservation` as it was then (it may
# have changed since), `by` (None for the clock or a device) and `now`.
reservation_changed = Signal()


def announce_change(reservation: Reservation, *, by: Person | None, now: dt.datetime) -> None:
    """Tell the higher apps once the caller's transaction commits; what goes wrong there undoes nothing here."""
    tell = partial(reservation_changed.send, Reservation, reservation=reservation, by=by, now=now)
    transaction.on_commit(tell, robust=True)
