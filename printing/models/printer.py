import datetime as dt

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from printing.models.spool import Spool


class BackendKind(models.TextChoices):
    """Which software drives the printer."""

    OCTOPRINT = "octoprint", "OctoPrint"
    MOONRAKER = "moonraker", "Moonraker (Klipper)"
    PRUSALINK = "prusalink", "PrusaLink"
    BY_HAND = "by_hand", _("by hand: the file waits, somebody of the team runs it")


class Answer(models.TextChoices):
    """What becomes of a file in which something was found."""

    ALLOW = "allow", _("let it pass")
    APPROVE = "approve", _("the team looks at it first")
    BLOCK = "block", _("refuse it")


class Printer(models.Model):
    """How to reach the software that drives a 3D printer. Only the worker ever does."""

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, related_name="printer")
    kind = models.CharField(_("driven by"), max_length=12, choices=BackendKind.choices, default=BackendKind.OCTOPRINT)
    base_url = models.CharField(_("address"), max_length=200, help_text="http://192.168.1.20")
    api_key_sealed = models.TextField(blank=True, editable=False)
    is_enabled = models.BooleanField(_("in service"), default=True)
    # Kept apart from "reachable": a finished plate must be taken off before the next job starts.
    is_bed_clear = models.BooleanField(_("bed is clear"), default=True)
    # What lies there was not sent from here: nobody of ours is asked to take it off.
    has_other_print = models.BooleanField(default=False, editable=False)

    # What hangs in it: files made for something else are refused, or asked about where nobody knows.
    nozzle_mm = models.FloatField(_("nozzle (mm)"), null=True, blank=True)
    spool = models.OneToOneField(
        Spool, null=True, blank=True, on_delete=models.SET_NULL, related_name="printer", verbose_name=_("spool in it")
    )
    slicer_model = models.CharField(_("name in the slicer"), max_length=80, blank=True)
    bed_x_mm = models.FloatField(_("bed: width (mm)"), null=True, blank=True)
    bed_y_mm = models.FloatField(_("bed: depth (mm)"), null=True, blank=True)
    bed_z_mm = models.FloatField(_("height (mm)"), null=True, blank=True)
    most_nozzle_c = models.PositiveSmallIntegerField(_("hottest nozzle (°C)"), default=285)
    most_bed_c = models.PositiveSmallIntegerField(_("hottest bed (°C)"), default=115)
    commands_answer = models.CharField(
        _("dangerous commands"), max_length=8, choices=Answer.choices, default=Answer.BLOCK
    )
    heat_answer = models.CharField(_("too hot"), max_length=8, choices=Answer.choices, default=Answer.BLOCK)
    reach_answer = models.CharField(
        _("moves outside the bed"), max_length=8, choices=Answer.choices, default=Answer.APPROVE
    )
    is_approval_needed = models.BooleanField(_("the team says yes to each print"), default=False)
    is_start_asked = models.BooleanField(_("the person starts it at the machine"), default=False)
    is_unattended = models.BooleanField(_("prints without a reservation, one after the other"), default=False)
    circuit = models.CharField(_("electric circuit"), max_length=40, blank=True)
    cut_speed_mm_s = models.FloatField(_("usual cutting speed (mm/s)"), null=True, blank=True)
    camera_url = models.CharField(_("address of a camera’s still"), max_length=300, blank=True)

    # Hours of printing after which somebody looks after it; what falls due shows in the farm.
    maintenance_every_h = models.PositiveIntegerField(_("maintenance after (hours of printing)"), null=True, blank=True)

    nozzle_c = models.FloatField(null=True, editable=False)
    nozzle_target_c = models.FloatField(null=True, editable=False)
    bed_c = models.FloatField(null=True, editable=False)
    bed_target_c = models.FloatField(null=True, editable=False)
    next_poll_at = models.DateTimeField(default=timezone.now, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    # When it first answered, or last did after a silence: before that anything may have happened there.
    returned_at = models.DateTimeField(null=True, editable=False)
    last_answer_at = models.DateTimeField(_("last answer"), null=True, editable=False)
    unreachable_since = models.DateTimeField(_("no answer since"), null=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    error_code = models.CharField(max_length=40, blank=True, editable=False)
    connection = models.CharField(max_length=20, blank=True, editable=False)

    class Meta:
        verbose_name = _("printer connection")
        verbose_name_plural = _("printer connections")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(nozzle_mm__isnull=True) | models.Q(nozzle_mm__gt=0, nozzle_mm__lte=2),
                name="printer_nozzle_is_a_nozzle",
            ),
            models.CheckConstraint(
                condition=models.Q(cut_speed_mm_s__isnull=True) | models.Q(cut_speed_mm_s__gt=0),
                name="printer_cuts_at_some_speed",
            ),
            models.CheckConstraint(
                condition=models.Q(most_nozzle_c__lte=500, most_bed_c__lte=200), name="printer_heats_within_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(bed_x_mm__isnull=True, bed_y_mm__isnull=True)
                | models.Q(bed_x_mm__isnull=False, bed_y_mm__isnull=False, bed_x_mm__gt=0, bed_y_mm__gt=0),
                name="printer_bed_has_two_sides",
            ),
            models.CheckConstraint(
                condition=models.Q(maintenance_every_h__isnull=True) | models.Q(maintenance_every_h__gt=0),
                name="printer_is_looked_after_now_and_then",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} ({self.get_kind_display()})"

    @property
    def is_run_by_hand(self) -> bool:
        return self.kind == BackendKind.BY_HAND

    def retry_delay(self) -> dt.timedelta:
        """10 s after the first failure, doubling up to 10 minutes."""
        return min(dt.timedelta(seconds=5 * 2 ** min(self.failures, 8)), dt.timedelta(minutes=10))
