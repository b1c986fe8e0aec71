from reservations.models.credit import CreditEntry, CreditLot, CreditPack
from reservations.models.deed import Deed
from reservations.models.feed import CalendarFeed
from reservations.models.held_unit import HeldUnit
from reservations.models.loan import Condition, Loan, LoanItem, LoanPhoto
from reservations.models.participant import Participant
from reservations.models.quota import Quota
from reservations.models.refusal import Refusal
from reservations.models.reservation import Origin, Reservation, Status
from reservations.models.series import ReservationSeries
from reservations.models.waiting import WaitingEntry

__all__ = [
    "CalendarFeed",
    "Condition",
    "CreditEntry",
    "CreditLot",
    "CreditPack",
    "Deed",
    "HeldUnit",
    "Loan",
    "LoanItem",
    "LoanPhoto",
    "Origin",
    "Participant",
    "Quota",
    "Refusal",
    "Reservation",
    "ReservationSeries",
    "Status",
    "WaitingEntry",
]
