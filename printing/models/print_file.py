from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from people.models import Person
from printing.purposes import PRINTS


class FileKind(models.TextChoices):
    """How the file is written; each printer takes some of them."""

    GCODE = "gcode", "G-code (.gcode)"
    BGCODE = "bgcode", _("binary G-code (.bgcode)")
    GCODE_3MF = "gcode_3mf", "Bambu (.gcode.3mf)"
    DRAWING = "drawing", _("drawing (.svg, .dxf)")


ENDINGS = {
    FileKind.GCODE: ".gcode",
    FileKind.BGCODE: ".bgcode",
    FileKind.GCODE_3MF: ".3mf",
    FileKind.DRAWING: ".drawing",
}


class PrintFile(models.Model):
    """An uploaded G-code file, stored once under its hash, with what its slicer wrote about it."""

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField(_("size"))
    name = models.CharField(_("name"), max_length=120)
    uploaded_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="print_files")
    uploaded_at = models.DateTimeField()
    kind = models.CharField(_("kind of file"), max_length=12, choices=FileKind.choices, default=FileKind.GCODE)

    slicer = models.CharField(_("slicer"), max_length=60, blank=True)
    estimated = models.DurationField(_("estimated time"), null=True, blank=True)
    filament_g = models.FloatField(_("filament (g)"), null=True, blank=True)
    filament_mm = models.FloatField(_("filament (mm)"), null=True, blank=True)
    filament_type = models.CharField(_("material"), max_length=60, blank=True)
    layer_height_mm = models.FloatField(_("layer height (mm)"), null=True, blank=True)
    nozzle_mm = models.FloatField(_("nozzle (mm)"), null=True, blank=True)
    printer_model = models.CharField(_("made for"), max_length=80, blank=True)
    profile = models.CharField(_("slicer profile"), max_length=80, blank=True)
    layers = models.PositiveIntegerField(_("layers"), null=True, blank=True)
    has_thumbnail = models.BooleanField(default=False)
    # Of a drawing: its size, and the length of all its lines.
    width_mm = models.FloatField(_("width (mm)"), null=True, blank=True)
    depth_mm = models.FloatField(_("depth (mm)"), null=True, blank=True)
    cut_mm = models.FloatField(_("length of the cuts (mm)"), null=True, blank=True)
    # What reading every line found: see printing/scan; null where it could not be read.
    scan = models.JSONField(null=True, blank=True)

    personal_data = PersonalData(
        PRINTS,
        _("the file that was sent, its name, its picture and what its slicer wrote in it"),
        retention.PRINT_FILE,
        subject="uploaded_by",
        exported=("reference", "name", "size_bytes", "uploaded_at", "slicer", "filament_type", "profile"),
        free_text=("name", "slicer", "filament_type", "profile", "printer_model", "scan"),
    )

    class Meta:
        verbose_name = _("print file")
        verbose_name_plural = _("print files")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sha256__regex="^[0-9a-f]{64}$"), name="print_file_hash_is_sha256"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=FileKind.values), name="print_file_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stored_name(self) -> str:
        """Relative to the files folder; two equal uploads share it."""
        return f"prints/{self.sha256[:2]}/{self.sha256}{ENDINGS[FileKind(self.kind)]}"
