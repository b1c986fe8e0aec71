"""The one exception family of this app."""

from collections.abc import Sequence
from dataclasses import dataclass

from fablab.lib.denials import Denial
from fablab.lib.intervals import Interval
from machines.models import Machine


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another time or machine that would be accepted as far as is known."""

    machine: Machine
    interval: Interval


class ReservationError(Exception):
    """Something about a reservation cannot be done."""


class ReservationRefused(ReservationError):
    """Refused, with every reason and up to three alternatives.

    `may_be_set_aside`: somebody of the team may have it all the same, every reason being one that they may set aside.
    """

    def __init__(
        self,
        denials: Sequence[Denial],
        alternatives: Sequence[Alternative] = (),
        *,
        may_be_set_aside: bool = False,
    ) -> None:
        super().__init__(", ".join(denial.code for denial in denials))
        self.may_be_set_aside = may_be_set_aside
        self.denials = list(denials)
        self.alternatives = list(alternatives)


class NotOfTheTeam(ReservationError):
    """Neither who reserves nor who holds it may reserve as this team, at this place."""


class OnlyForTheTeam(ReservationError):
    """Done by nobody but the team of that site."""


class NotEnoughCredits(ReservationError):
    """More would be taken than is `left` of what was handed out."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} left")
        self.left = left


class WrongState(ReservationError):
    """The reservation's state does not allow it; `code` says which way."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
