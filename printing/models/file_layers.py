from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from printing.models.print_file import PrintFile


class FileLayers(models.Model):
    """Where each layer of a file begins, in bytes, the lowest first. Only files whose slicer marks them have a row."""

    file = models.OneToOneField(PrintFile, on_delete=models.CASCADE, primary_key=True, related_name="layer_places")
    starts = ArrayField(models.BigIntegerField())

    class Meta:
        verbose_name = _("layers of a file")
        verbose_name_plural = _("layers of files")
        constraints = [
            models.CheckConstraint(condition=models.Q(starts__len__gt=0), name="file_layers_has_some"),
        ]

    def __str__(self) -> str:
        return f"{self.file}: {len(self.starts)}"
