"""How large a bench lab is, and whether so many reservations fit into it. Pure."""

from dataclasses import dataclass

# The site is open from 08:00 to 22:00, every day.
OPEN_MIN = 14 * 60
GRID_MIN = 15
LEAST_SLOT_MIN = 30
LONGEST_MIN = 240
DAYS_AHEAD = 14
# The density of the lab we compare ourselves with: 100,000 reservations, 50 machines, two years.
USUAL_DAYS = 730
USUAL_A_MACHINE_DAY = 100_000 / 50 / USUAL_DAYS


class DoesNotFit(ValueError):
    """More reservations than opening hours; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Size:
    """Volumes of a bench lab; `days` lie behind today, and DAYS_AHEAD more before it."""

    machines: int = 50
    people: int = 500
    reservations: int = 100_000
    sessions: int = 100_000
    days: int = USUAL_DAYS

    @property
    def all_days(self) -> int:
        return self.days + DAYS_AHEAD

    @property
    def a_machine(self) -> int:
        """Reservations of one machine, rounded up."""
        return -(-self.reservations // self.machines)

    @property
    def slot_min(self) -> int:
        """Length of the slots that a machine's day is cut into, one for each reservation of the fullest day.

        Raises:
            DoesNotFit: even the shortest slots are too few.
        """
        fullest = max(1, -(-self.a_machine // self.all_days))
        length = OPEN_MIN // fullest // GRID_MIN * GRID_MIN
        if length < LEAST_SLOT_MIN:
            least = -(-self.a_machine // (OPEN_MIN // LEAST_SLOT_MIN))
            raise DoesNotFit(f"So many reservations need --days {least} or more, or more machines.")
        return length

    @property
    def longest_min(self) -> int:
        return min(LONGEST_MIN, self.slot_min)


def usual_days(reservations: int, machines: int) -> int:
    """The years that so many reservations take at the usual density, two at the least. Days."""
    return max(USUAL_DAYS, round(reservations / machines / USUAL_A_MACHINE_DAY))
