from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from machines.purposes import CARE
from people.models import Person
from printing.models.printer import Printer


class Intervention(models.Model):
    """What was done on a printer to keep it well; its hours of printing are counted anew from then on."""

    printer = models.ForeignKey(Printer, on_delete=models.CASCADE, related_name="interventions")
    done_at = models.DateTimeField()
    done_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(_("what was done"), max_length=200, blank=True)
    # How far it had printed since the one before, for whoever wonders whether they come too often.
    printed = models.DurationField(_("printed until then"))

    personal_data = PersonalData(
        CARE,
        _("who looked after a printer, and what they wrote of it"),
        retention.STAFF_DEEDS,
        clock="done_at",
        free_text=("note",),
    )

    class Meta:
        verbose_name = _("intervention")
        verbose_name_plural = _("interventions")
        ordering = ["-done_at"]
        indexes = [models.Index(fields=["printer", "done_at"], name="intervention_printer_at")]

    def __str__(self) -> str:
        return f"{self.printer}: {self.note or self.done_at:%Y-%m-%d}"
