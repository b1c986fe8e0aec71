"""What of the lent things is out, and what nobody has fetched: asked wherever a reservation begins or ends."""

from django.db.models import Exists, OuterRef

from reservations.models import Loan, Reservation


def leaves_the_place(reservation: Reservation) -> bool:
    """Whether what it holds is handed over and brought back."""
    return reservation.machine is not None and reservation.machine.category.is_lent


def was_not_fetched(reservation: Reservation) -> bool:
    """Whether it leaves the place and nobody has handed it over. One query, none for what stays."""
    return leaves_the_place(reservation) and not Loan.objects.filter(reservation=reservation).exists()


def is_still_out(reservation: Reservation) -> bool:
    """Whether it was handed over and is not back. One query."""
    return Loan.objects.filter(reservation=reservation, returned_at=None).exists()


def still_out() -> Exists:
    """The same of each of many reservations, for a query."""
    return Exists(Loan.objects.filter(reservation=OuterRef("pk"), returned_at=None))
