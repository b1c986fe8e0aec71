import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from machines.models.external_calendar import ExternalCalendar
from machines.models.machine import Machine
from machines.purposes import CARE
from people.models import Person


class OutageQuerySet(models.QuerySet["Outage"]):
    def overlapping(self, start: dt.datetime, end: dt.datetime) -> "OutageQuerySet":
        return self.filter(Q(end__isnull=True) | Q(end__gt=start), start__lt=end)

    def declared(self) -> "OutageQuerySet":
        """Said by somebody of the team, and lifted by them: not those that come and go with another calendar."""
        return self.filter(calendar__isnull=True)

    def holding_at(self, now: dt.datetime) -> "OutageQuerySet":
        return self.filter(Q(end__isnull=True) | Q(end__gt=now), start__lte=now)


class Outage(models.Model):
    """A machine out of service, from an instant to another or until somebody lifts it."""

    class Kind(models.TextChoices):
        FAULT = "fault", _("fault")
        MAINTENANCE = "maintenance", _("maintenance")
        LOCK_OUT = "lock_out", _("locked out")
        TO_CHECK = "to_check", _("to be checked")
        ELSEWHERE = "elsewhere", _("taken in another calendar")

    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="outages")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.FAULT)
    reason = models.CharField(_("reason, as people will read it"), max_length=200, blank=True)
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"), null=True, blank=True)
    expected_end = models.DateField(_("expected back"), null=True, blank=True)
    # Read from a calendar of somebody else: comes and goes with it.
    calendar = models.ForeignKey(
        ExternalCalendar, null=True, blank=True, on_delete=models.CASCADE, related_name="outages"
    )
    uid = models.CharField(max_length=255, blank=True, editable=False)
    reported_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    lifted_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = OutageQuerySet.as_manager()

    personal_data = PersonalData(
        CARE,
        _("who reported an outage and who lifted it"),
        retention.STAFF_DEEDS,
        clock="start",
        free_text=("reason",),
    )

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["-start"]
        indexes = [models.Index(fields=["machine", "start"], name="outage_machine_start")]
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gt=F("start")),
                name="outage_ends_after_it_starts",
                violation_error_message=_("An outage ends after it starts."),
            ),
            models.UniqueConstraint(
                fields=["calendar", "uid", "start"], condition=Q(calendar__isnull=False), name="outage_read_once"
            ),
            models.CheckConstraint(
                condition=Q(calendar__isnull=True) | Q(kind="elsewhere", end__isnull=False),
                name="outage_of_a_calendar_is_elsewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine}: {self.reason or self.get_kind_display()}"
