from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.models import Machine
from reservations.purposes import BOOKINGS


class Refusal(models.Model):
    """A request that was refused, from any door: what to learn from, without saying who asked.

    `pseudonym` is a keyed hash: two refusals of one person can be told to be of one person, and no more.
    """

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="refusals")
    start = models.DateTimeField()
    end = models.DateTimeField()
    codes = ArrayField(models.CharField(max_length=40))
    pseudonym = models.CharField(max_length=16, blank=True)
    origin = models.CharField(max_length=12)
    at = models.DateTimeField(db_index=True)

    personal_data = PersonalData(
        BOOKINGS,
        _("what was asked for and refused, under a mark that only tells two requests of one person from two people's"),
        retention.REFUSAL,
        clock="at",
        fate=Fate.DELETED,
    )

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        ordering = ["-at"]
        constraints = [models.CheckConstraint(condition=~models.Q(codes=[]), name="refusal_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.machine}: {', '.join(self.codes)}"
