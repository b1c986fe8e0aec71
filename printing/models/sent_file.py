from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.models import Machine
from printing.models.job import PrintJob
from printing.purposes import PRINTS


class SentFile(models.Model):
    """A file that we put on a printer's own storage, until it is taken off: also when its print went elsewhere, and
    when its person was erased."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="sent_files")
    path = models.CharField(max_length=200)
    job = models.ForeignKey(PrintJob, null=True, on_delete=models.SET_NULL, related_name="sent_files")
    sent_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        PRINTS,
        _("the name under which a file lies on a printer, until it is taken off there"),
        retention.PRINT_FILE,
        clock="sent_at",
        fate=Fate.DELETED,
    )

    class Meta:
        verbose_name = _("file on a printer")
        verbose_name_plural = _("files on printers")
        constraints = [models.UniqueConstraint(fields=["machine", "path"], name="sent_file_is_there_once")]

    def __str__(self) -> str:
        return f"{self.machine}: {self.path}"
