from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from fablab.lib.references import reference10
from people.models.person import Person
from people.models.site import Site
from people.purposes import FILES


class ImportRun(models.Model):
    """A list of people that was handed in: what it holds, how far its import is, and what came of each row."""

    class State(models.TextChoices):
        CHECKED = "checked", _("checked, waiting for a yes")
        WAITING = "waiting", _("about to start")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("stopped")

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKED)
    file_name = models.CharField(max_length=160)
    # The rows as read, until the import is over: [{"first_name": …, …}, …].
    rows = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    # [{"row": 12, "code": …, "field": "birth_year", "params": …, "cells": …}, …], rows counted as the file's reader
    # sees them; the first entry, “columns”, says what each column was taken for (see people/imports/words.py).
    errors = models.JSONField(default=list)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        FILES,
        _("the list of people that was handed in, until the import is over"),
        retention.IMPORT,
        clock="created_at",
        fate=Fate.DELETED,
        free_text=("file_name", "rows", "errors"),
    )

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(done_count__lte=F("row_count")), name="import_done_within_rows"),
            models.CheckConstraint(
                condition=Q(state__in=["checked", "waiting", "running", "done", "failed"]),
                name="import_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def progress_pct(self) -> int:
        return 100 * self.done_count // self.row_count if self.row_count else 0
