from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from machines.models.machine import Unit


class UnitPart(models.Model):
    """Who takes `whole` takes `part` too: a laser its extractor, a room the machines in it, a kit its tablets.

    An exclusive part is held with the whole, and so is missing while somebody else holds it. A shared one (an
    extractor for two lasers) is held by nobody: it only has to work.
    """

    whole = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="parts")
    part = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="wholes")
    is_shared = models.BooleanField(_("serves several at once"), default=False)

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        constraints = [
            models.UniqueConstraint(fields=["whole", "part"], name="part_named_once"),
            models.CheckConstraint(condition=~Q(whole=F("part")), name="nothing_is_its_own_part"),
        ]

    def __str__(self) -> str:
        return f"{self.whole} ⊃ {self.part}"
