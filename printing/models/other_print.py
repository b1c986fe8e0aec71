from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from printing.models.printer import Printer


class OtherPrint(models.Model):
    """A print that was not sent from here, as long as it was seen to print: nobody knows whose, the printer wears all
    the same."""

    printer = models.ForeignKey(Printer, on_delete=models.CASCADE, related_name="other_prints")
    start = models.DateTimeField()
    seen_until = models.DateTimeField()

    class Meta:
        verbose_name = _("print from elsewhere")
        verbose_name_plural = _("prints from elsewhere")
        constraints = [
            models.CheckConstraint(condition=Q(seen_until__gte=F("start")), name="other_print_ends_after_its_start"),
        ]
        indexes = [models.Index(fields=["printer", "seen_until"], name="other_print_printer_until")]

    def __str__(self) -> str:
        return f"{self.printer}: {self.start:%Y-%m-%d %H:%M}"
