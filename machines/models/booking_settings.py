"""What limits a reservation of a machine: the category's values, each of which a machine may override."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class Attendance(models.TextChoices):
    """Whether the person must be there all along, or only at the start."""

    THROUGHOUT = "throughout", _("present throughout")
    START = "start", _("present at the start; it may run while we are closed")


class RiskLevel(models.IntegerChoices):
    """0 anyone alone; 1 with an induction; 2 and 3 only with somebody near."""

    NONE = 0, _("no particular risk")
    LOW = 1, _("low: after an induction")
    SERIOUS = 2, _("serious: with a supervisor near")
    GRAVE = 3, _("grave: supervised throughout")


GRID_CHOICES = [(5, "5 min"), (15, "15 min"), (30, "30 min"), (60, "60 min")]


@dataclass(frozen=True, slots=True)
class BookingSettings:
    """The values in force for one machine and one person. `grid` divides local wall-clock time.

    `rest` is the least pause between two reservations of the same kind; ages are whole years, None where any age
    will do; `credits_per_hour` is what an hour takes off the prepaid balance; what `is_lent` leaves the place.
    """

    attendance: str
    shortest: timedelta
    longest: timedelta
    grid: timedelta
    notice: timedelta
    window: timedelta
    setup_buffer: timedelta
    cleanup_buffer: timedelta
    change_notice: timedelta = timedelta(0)
    cancel_notice: timedelta = timedelta(0)
    rest: timedelta = timedelta(0)
    needs_approval: bool = False
    needs_membership: bool = False
    least_age_y: int | None = None
    guardian_below_y: int | None = None
    credits_per_hour: int = 0
    no_show_min: int | None = 15
    is_lent: bool = False

    @property
    def spans_closing(self) -> bool:
        """Whether the place may close between start and end: what runs alone, and what is taken home."""
        return self.is_lent or self.attendance == Attendance.START


# What the thing itself wants, whoever comes.
PHYSICAL_NAMES = ("attendance", "setup_buffer", "cleanup_buffer", "no_show_min")
# What may differ from one group of people, or one site, to another.
POLICY_NAMES = (
    "shortest",
    "longest",
    "grid_min",
    "notice",
    "window",
    "change_notice",
    "cancel_notice",
    "rest",
    "needs_approval",
    "needs_membership",
    "least_age_y",
    "guardian_below_y",
    "credits_per_hour",
)
SETTING_NAMES = (*PHYSICAL_NAMES, *POLICY_NAMES)
