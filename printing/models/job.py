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
from printing.models.spool import Spool
from printing.purposes import PRINTS
from reservations.models import Reservation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class JobState(models.TextChoices):
    """The life of a print job; see docs/print-jobs.md for who moves it where."""

    DRAFT = "draft", _("draft")
    AWAITING_APPROVAL = "awaiting_approval", _("waiting for a yes")
    RETURNED = "returned", _("sent back")
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
# Nothing of it has gone to the printer; the person may take it back at once.
BEFORE_ITS_TURN = frozenset({JobState.DRAFT, JobState.AWAITING_APPROVAL, JobState.RETURNED, JobState.QUEUED})
# The start command may have reached the printer: whatever follows, something may lie on the bed.
MAY_HAVE_BEGUN = frozenset({JobState.STARTING, JobState.PRINTING, JobState.PAUSED, JobState.CANCELLING})
SAYABLE = sorted({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED})
_OUTCOMES = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED})
# Every move there is; docs/print-jobs.md says who makes it and on what evidence.
MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.DRAFT: frozenset({JobState.AWAITING_APPROVAL, JobState.QUEUED, JobState.WITHDRAWN}),
    JobState.AWAITING_APPROVAL: frozenset({JobState.QUEUED, JobState.RETURNED, JobState.WITHDRAWN}),
    JobState.RETURNED: frozenset({JobState.AWAITING_APPROVAL, JobState.QUEUED, JobState.WITHDRAWN}),
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


class TimeLeftOrigin(models.TextChoices):
    """What a time left was reckoned from; empty where no printer says."""

    PRINTER = "printer", _("by the printer itself")
    SLICER = "slicer", _("by the slicer’s estimate")
    ANALYSIS = "analysis", _("by the commands in the file")
    EARLIER = "earlier", _("by earlier prints of this file")
    FILE = "file", _("a guess from how much of the file is done")


class Outcome(models.TextChoices):
    """What the person says of the thing that was printed; the printer knows only that it came to the end."""

    UNSAID = "", _("not said yet")
    GOOD = "good", _("it came out well")
    BAD = "bad", _("it did not")


class Why(models.TextChoices):
    """What went wrong, as seen on the bed."""

    UNSAID = "", _("not said")
    LOOSE = "loose", _("it came loose from the bed")
    STRINGS = "strings", _("strings and blobs")
    LAYERS = "layers", _("layers are shifted or split")
    CLOGGED = "clogged", _("no filament came out")
    RAN_OUT = "ran_out", _("the filament ran out")
    DESIGN = "design", _("the file was wrong")
    OTHER = "other", _("something else")


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
    state = models.CharField(_("state"), max_length=20, choices=JobState.choices, default=JobState.QUEUED)
    note = models.CharField(_("note"), max_length=200, blank=True)
    # Its turn: what the team puts first, then the oldest.
    queued_at = models.DateTimeField(null=True, blank=True)
    is_first = models.BooleanField(default=False)
    is_held = models.BooleanField(default=False)
    takes_any = models.BooleanField(_("any printer of this model"), default=False)
    start_asked_at = models.DateTimeField(null=True, blank=True)
    # Why somebody of the team must look at it first: [{"code": …, "params": {…}}].
    concerns = models.JSONField(default=list, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decision = models.CharField(max_length=300, blank=True)
    remote_path = models.CharField(max_length=200, blank=True)
    # Of the form that was sent: sent again after a broken line, it makes no second print.
    form_key = models.CharField(max_length=36, blank=True, editable=False)
    progress_pct = models.FloatField(_("progress"), default=0)
    time_left = models.DurationField(_("time left"), null=True, blank=True)
    time_left_origin = models.CharField(max_length=12, blank=True)
    layer = models.PositiveIntegerField(null=True, blank=True)
    layers = models.PositiveIntegerField(null=True, blank=True)
    outcome = models.CharField(_("how it came out"), max_length=8, choices=Outcome.choices, blank=True)
    outcome_why = models.CharField(_("what went wrong"), max_length=12, choices=Why.choices, blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)
    spool = models.ForeignKey(Spool, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs")
    grams = models.FloatField(_("filament used (g)"), null=True, blank=True)
    printed = models.DurationField(_("printing time"), null=True, blank=True)
    cost_cents = models.PositiveIntegerField(null=True, blank=True)
    # What the printer itself counts: its minutes without the pauses, when it last said so, and filament drawn in.
    told_time = models.DurationField(null=True, blank=True, editable=False)
    told_at = models.DateTimeField(null=True, blank=True, editable=False)
    used_mm = models.FloatField(null=True, blank=True, editable=False)
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
        blanked=("remote_path", "form_key", "error_detail", "note", "decision"),
        exported=(
            "reference",
            "machine",
            "file",
            "team",
            "state",
            "note",
            "decision",
            "created_at",
            "started_at",
            "ended_at",
            "outcome",
            "outcome_why",
            "grams",
            "cost_cents",
        ),
        free_text=("error_detail", "note", "decision", "concerns", "time_left_origin"),
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
            models.UniqueConstraint(
                fields=["person", "form_key"], condition=~Q(form_key=""), name="form_makes_one_print_job"
            ),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="print_job_state_is_known"),
            models.CheckConstraint(
                condition=Q(progress_pct__gte=0, progress_pct__lte=100), name="print_job_progress_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(outcome="") | Q(outcome__in=["good", "bad"], outcome_at__isnull=False, state__in=SAYABLE),
                name="print_outcome_is_of_what_ended",
            ),
            models.CheckConstraint(
                condition=Q(outcome_why="") | Q(outcome="bad"), name="print_only_what_failed_has_a_why"
            ),
            models.CheckConstraint(
                condition=Q(grams__isnull=True) | Q(grams__gte=0), name="print_uses_no_less_than_nothing"
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

    @property
    def time_left_by(self) -> str:
        """In words, what the time left was reckoned from; empty where nobody says."""
        origin = self.time_left_origin
        return str(TimeLeftOrigin(origin).label) if origin in TimeLeftOrigin.values else ""
