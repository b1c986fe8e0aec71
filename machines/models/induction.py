from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.models.qualification import Qualification
from machines.purposes import QUALIFICATIONS
from people.models import Person, Site


class InductionRequest(models.Model):
    """Somebody would like to learn what leads to a qualification, at a site: for the managers' list."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="induction_requests")
    qualification = models.ForeignKey(Qualification, on_delete=models.CASCADE, related_name="induction_requests")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="induction_requests")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    personal_data = PersonalData(
        QUALIFICATIONS,
        _("who asked for which induction, when, and who answered"),
        retention.BOOKING,
        subject="person",
        clock="asked_at",
        fate=Fate.DELETED,
        exported=("qualification", "site", "asked_at", "done_at"),
    )

    class Meta:
        verbose_name = _("induction asked for")
        verbose_name_plural = _("inductions asked for")
        ordering = ["asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "qualification"], condition=Q(done_at__isnull=True), name="induction_asked_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.qualification}"
