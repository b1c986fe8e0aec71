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
    """The values in force for one machine. `grid` divides local wall-clock time."""

    attendance: str
    shortest: timedelta
    longest: timedelta
    grid: timedelta
    notice: timedelta
    window: timedelta
    setup_buffer: timedelta
    cleanup_buffer: timedelta


SETTING_NAMES = (
    "attendance",
    "shortest",
    "longest",
    "grid_min",
    "notice",
    "window",
    "setup_buffer",
    "cleanup_buffer",
)
