"""The place on the waiting list that an offer belongs to ends with the offer, whichever way that ends."""

import datetime as dt

from reservations.models import Reservation, WaitingEntry


def end_offer(reservation: Reservation, state: WaitingEntry.State, now: dt.datetime) -> None:
    """The one whose turn it was has answered, or has let it pass. Within the caller's transaction."""
    WaitingEntry.objects.filter(offer=reservation, state=WaitingEntry.State.OFFERED).update(state=state, ended_at=now)
