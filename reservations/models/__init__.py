from reservations.models.held_unit import HeldUnit
from reservations.models.refusal import Refusal
from reservations.models.reservation import Origin, Reservation, Status
from reservations.models.series import ReservationSeries

__all__ = ["HeldUnit", "Origin", "Refusal", "Reservation", "ReservationSeries", "Status"]
