from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from people.models import Person
from printing.purposes import PRINTS


class PrintFile(models.Model):
    """An uploaded G-code file, stored once under its hash, with what its slicer wrote about it."""

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField(_("size"))
    name = models.CharField(_("name"), max_length=120)
    uploaded_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="print_files")
    uploaded_at = models.DateTimeField()

    slicer = models.CharField(_("slicer"), max_length=60, blank=True)
    estimated = models.DurationField(_("estimated time"), null=True, blank=True)
    filament_g = models.FloatField(_("filament (g)"), null=True, blank=True)
    filament_mm = models.FloatField(_("filament (mm)"), null=True, blank=True)
    filament_type = models.CharField(_("material"), max_length=60, blank=True)
    layer_height_mm = models.FloatField(_("layer height (mm)"), null=True, blank=True)
    has_thumbnail = models.BooleanField(default=False)

    personal_data = PersonalData(
        PRINTS,
        _("the file that was sent, its name, its picture and what its slicer wrote in it"),
        retention.PRINT_FILE,
        subject="uploaded_by",
        exported=("reference", "name", "size_bytes", "uploaded_at", "slicer", "filament_type"),
        free_text=("name", "slicer", "filament_type"),
    )

    class Meta:
        verbose_name = _("print file")
        verbose_name_plural = _("print files")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sha256__regex="^[0-9a-f]{64}$"), name="print_file_hash_is_sha256"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stored_name(self) -> str:
        """Relative to the files folder; two equal uploads share it."""
        return f"prints/{self.sha256[:2]}/{self.sha256}.gcode"
