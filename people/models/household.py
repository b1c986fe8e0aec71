from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from people.purposes import FILES


class Household(models.Model):
    """People who share a home and often an address, a telephone and an e-mail."""

    name = models.CharField(_("name"), max_length=120)
    created_at = models.DateTimeField(editable=False)

    personal_data = PersonalData(
        FILES, _("the name of the household"), retention.WITH_THE_THING, subject="members", free_text=("name",),
        exported=("name",),
    )  # fmt: skip

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
