from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from machines.models import Unit
from reservations.models.reservation import Reservation


class HeldUnit(models.Model):
    """One unit that a reservation holds. The exclusion constraint is what keeps two of them apart.

    `period` is the reserved time; `blocked` is that time grown by the unit's buffers (and, where a machine may
    run while the site is closed, to the next opening), as they were when the row was written.
    """

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="held_units", db_index=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="held_units")
    period = DateTimeRangeField()
    blocked = DateTimeRangeField()
    # Kept in step with the reservation's status by a trigger (migration 0002).
    is_holding = models.BooleanField(default=True, editable=False)

    class Meta:
        verbose_name = _("held unit")
        verbose_name_plural = _("held units")
        constraints = [
            ExclusionConstraint(
                name="held_units_do_not_overlap",
                expressions=[("unit", RangeOperators.EQUAL), ("blocked", RangeOperators.OVERLAPS)],
                condition=Q(is_holding=True),
                violation_error_message=_("This time has just been taken."),
            ),
            models.UniqueConstraint(fields=["reservation", "unit"], name="unit_held_once_a_reservation"),
            models.CheckConstraint(
                condition=Q(blocked__contains=models.F("period")), name="held_blocked_covers_period"
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__upper_inf=False, period__lower_inf=False),
                name="held_period_is_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.period}"
