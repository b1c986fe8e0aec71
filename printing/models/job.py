from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from iot.models import UsageSession
from machines.models import Machine
from people.models import Person, Team
from people.permissions import staff_site_ids
from printing.models.print_file import PrintFile
from printing.purposes import PRINTS
from reservations.models import Reservation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class JobState(models.TextChoices):
    """The life of a print job; see docs/print-jobs.md for who moves it where."""

    DRAFT = "draft", _("draft")
    QUEUED = "queued", _("waiting for its turn")
    DISPATCHING = "dispatching", _("being sent to the printer")
    UPLOADED = "uploaded", _("on the printer")
    STARTING = "starting", _("starting")
    PRINTING = "printing", _("printing")
    PAUSED = "paused", _("paused")
    CANCELLING = "cancelling", _("being stopped")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", pgettext_lazy("print job", "stopped")
    LOST = "lost", _("lost from sight")
    WITHDRAWN = "withdrawn", _("withdrawn")


# The printer is taken by this job.
ACTIVE = frozenset(
    {
        JobState.DISPATCHING,
        JobState.UPLOADED,
        JobState.STARTING,
        JobState.PRINTING,
        JobState.PAUSED,
        JobState.CANCELLING,
    }
)
ENDED = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED, JobState.WITHDRAWN})
# The start command may have reached the printer: whatever follows, something may lie on the bed.
MAY_HAVE_BEGUN = frozenset({JobState.STARTING, JobState.PRINTING, JobState.PAUSED, JobState.CANCELLING})
_OUTCOMES = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED})
# Every move there is; docs/print-jobs.md says who makes it and on what evidence.
MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.DRAFT: frozenset({JobState.QUEUED, JobState.WITHDRAWN}),
    JobState.QUEUED: frozenset({JobState.DISPATCHING, JobState.WITHDRAWN}),
    JobState.DISPATCHING: frozenset({JobState.UPLOADED, JobState.FAILED, JobState.CANCELLED}),
    JobState.UPLOADED: frozenset({JobState.STARTING, JobState.QUEUED, JobState.CANCELLED}),
    JobState.STARTING: frozenset(
        {JobState.PRINTING, JobState.UPLOADED, JobState.QUEUED, JobState.CANCELLING, JobState.LOST}
        | {JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.PRINTING: frozenset({JobState.PAUSED, JobState.CANCELLING, JobState.LOST} | _OUTCOMES),
    JobState.PAUSED: frozenset({JobState.PRINTING, JobState.CANCELLING, JobState.LOST} | _OUTCOMES),
    JobState.CANCELLING: frozenset({JobState.LOST} | _OUTCOMES),
    JobState.LOST: _OUTCOMES,
    **dict.fromkeys(ENDED, frozenset()),
}


class PrintJobQuerySet(models.QuerySet["PrintJob"]):
    def visible_to(self, person: "Person | AnonymousUser") -> "PrintJobQuerySet":
        """One's own, and for staff those of their sites."""
        if not person.is_authenticated:
            return self.none()
        if person.is_superuser:
            return self
        sites = staff_site_ids(person)
        return self.filter(Q(person=person) | Q(machine__unit__site__in=sites)) if sites else self.filter(person=person)


class PrintJob(models.Model):
    """One print of one file on one machine."""

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="print_jobs")
    file = models.ForeignKey(PrintFile, on_delete=models.PROTECT, related_name="jobs")
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="print_jobs")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="print_jobs")
    reservation = models.ForeignKey(
        Reservation, null=True, blank=True, on_delete=models.PROTECT, related_name="print_jobs"
    )
    usage_session = models.ForeignKey(
        UsageSession, null=True, blank=True, on_delete=models.PROTECT, related_name="print_jobs"
    )
    state = models.CharField(_("state"), max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    remote_path = models.CharField(max_length=200, blank=True)
    progress_pct = models.FloatField(_("progress"), default=0)
    time_left = models.DurationField(_("time left"), null=True, blank=True)
    misses = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = PrintJobQuerySet.as_manager()

    personal_data = PersonalData(
        PRINTS,
        _("which file was printed, where, when, and how it ended"),
        retention.BOOKING,
        subject="person",
        clock="ended_at",
        blanked=("remote_path", "error_detail"),
        exported=("reference", "machine", "file", "team", "state", "created_at", "started_at", "ended_at"),
        free_text=("remote_path", "error_detail"),
    )

    class Meta:
        verbose_name = _("print job")
        verbose_name_plural = _("print jobs")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["machine", "state"], name="print_job_machine_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["machine"],
                condition=Q(state__in=sorted(ACTIVE)),
                name="one_active_print_job_a_machine",
                violation_error_message=_("This machine is already printing."),
            ),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="print_job_state_is_known"),
            models.CheckConstraint(
                condition=Q(progress_pct__gte=0, progress_pct__lte=100), name="print_job_progress_is_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file} · {self.machine}"

    def get_absolute_url(self) -> str:
        return reverse("print-job", args=[self.reference])

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED


class PrintJobEvent(models.Model):
    """A job went from one state to another: when, by whom or by what, and why."""

    job = models.ForeignKey(PrintJob, on_delete=models.CASCADE, related_name="events")
    old = models.CharField(max_length=12, blank=True)
    new = models.CharField(max_length=12, choices=JobState.choices)
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
