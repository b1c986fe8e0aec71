import datetime as dt

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.models import Machine


class BackendKind(models.TextChoices):
    """Which software drives the printer."""

    OCTOPRINT = "octoprint", "OctoPrint"


class Printer(models.Model):
    """How to reach the software that drives a 3D printer. Only the worker ever does."""

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, related_name="printer")
    kind = models.CharField(_("driven by"), max_length=12, choices=BackendKind.choices, default=BackendKind.OCTOPRINT)
    base_url = models.CharField(_("address"), max_length=200, help_text="http://192.168.1.20")
    api_key_sealed = models.TextField(blank=True, editable=False)
    is_enabled = models.BooleanField(_("in service"), default=True)
    # Kept apart from "reachable": a finished plate must be taken off before the next job starts.
    is_bed_clear = models.BooleanField(_("bed is clear"), default=True)

    next_poll_at = models.DateTimeField(default=timezone.now, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    last_answer_at = models.DateTimeField(_("last answer"), null=True, editable=False)
    unreachable_since = models.DateTimeField(_("no answer since"), null=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    error_code = models.CharField(max_length=40, blank=True, editable=False)
    connection = models.CharField(max_length=20, blank=True, editable=False)

    class Meta:
        verbose_name = _("printer connection")
        verbose_name_plural = _("printer connections")

    def __str__(self) -> str:
        return f"{self.machine} ({self.get_kind_display()})"

    def retry_delay(self) -> dt.timedelta:
        """10 s after the first failure, doubling up to 10 minutes."""
        return min(dt.timedelta(seconds=5 * 2 ** min(self.failures, 8)), dt.timedelta(minutes=10))
