from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from machines.models import Machine
from people.models import Person, Team
from printing.models import PrintJob
from projects.purposes import PROJECTS


class LogEntry(models.Model):
    """One thing that was done for a project. It writes itself; the team adds words to it, or leaves it out."""

    class Kind(models.TextChoices):
        PRINT = "print", _("print")

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    # A project is one-to-one with a team.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="log_entries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    happened_at = models.DateTimeField()
    machine = models.ForeignKey(Machine, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    print_job = models.OneToOneField(
        PrintJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="log_entry"
    )
    name = models.CharField(max_length=120)
    # As it was when it happened, so that it outlives what it was read from: see `projects.log.facts_of`.
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    note = models.TextField(_("what you want to remember of it"), blank=True, max_length=2000)
    is_left_out = models.BooleanField(default=False)

    personal_data = PersonalData(
        PROJECTS,
        _("what was made for a project, with whom, and what the team wrote about it"),
        retention.BOOKING,
        subject="person",
        clock="happened_at",
        exported=("team", "kind", "happened_at", "machine", "name", "facts", "note"),
        free_text=("name", "facts", "note"),
    )

    class Meta:
        verbose_name = _("entry in a log")
        verbose_name_plural = _("entries in logs")
        ordering = ["-happened_at", "-pk"]
        indexes = [models.Index(fields=["team", "-happened_at"], name="log_entry_of_team")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["print"]), name="log_entry_kind_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.team}: {self.name}"
