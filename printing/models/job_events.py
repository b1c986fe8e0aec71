from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from people.models import Person
from printing.models.job import JobState, PrintJob
from printing.purposes import PRINTS


class PrintJobEvent(models.Model):
    """A job went from one state to another: when, by whom or by what, and why."""

    job = models.ForeignKey(PrintJob, on_delete=models.CASCADE, related_name="events")
    old = models.CharField(max_length=20, blank=True)
    new = models.CharField(max_length=20, choices=JobState.choices)
    at = models.DateTimeField()
    moved_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=300, blank=True)

    personal_data = PersonalData(
        PRINTS,
        _("each step of a print, and who asked for it"),
        retention.BOOKING,
        subject="job__person",
        clock="at",
        blanked=("detail",),
        free_text=("reason", "detail"),
    )

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.old} → {self.new}"


class PrintCommand(models.Model):
    """What a person wants of a running job. A row, so that it survives a restart and is carried out once."""

    class Kind(models.TextChoices):
        PAUSE = "pause", _("pause")
        RESUME = "resume", _("go on")
        CANCEL = "cancel", _("stop")

    job = models.ForeignKey(PrintJob, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    asked_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=40, blank=True)

    personal_data = PersonalData(
        PRINTS,
        _("who asked to pause or to stop a print"),
        retention.BOOKING,
        clock="asked_at",
        free_text=("result",),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "kind"], condition=Q(done_at__isnull=True), name="print_command_pending_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.job_id}"
