from reservations.models.held_unit import HeldUnit
from reservations.models.refusal import Refusal
from reservations.models.reservation import Origin, Reservation, Status

__all__ = ["HeldUnit", "Origin", "Refusal", "Reservation", "Status"]
