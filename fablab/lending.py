"""What the page of a reservation says of something lent: until when, what left and how it looked, and who sees it."""

import datetime as dt
from dataclasses import dataclass

from people.models import Person
from reservations.lent import leaves_the_place
from reservations.loan_selectors import later_due, loan_of
from reservations.models import Loan, Reservation, Status


@dataclass(frozen=True, slots=True)
class Lending:
    """`loan` is None until it is handed over, and for those who only take part. `longer` is when it would be due if
    it were kept for another day."""

    loan: Loan | None
    is_out: bool
    is_overdue: bool
    may_hand_over: bool
    longer: dt.datetime | None


def lending_of(reservation: Reservation, *, reader: Person, is_team: bool, now: dt.datetime) -> Lending | None:
    """None for what stays in the place. One query where nothing left yet, three else, and the hours of the site."""
    if not leaves_the_place(reservation):
        return None
    is_theirs = is_team or reservation.holder_id == reader.pk
    loan = loan_of(reservation) if is_theirs else None
    is_out = reservation.status == Status.IN_USE
    return Lending(
        loan=loan,
        is_out=is_out,
        is_overdue=is_out and reservation.end <= now,
        may_hand_over=is_team and reservation.status == Status.CONFIRMED and now < reservation.end,
        longer=later_due(reservation) if is_out and now < reservation.end else None,
    )
