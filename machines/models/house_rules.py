from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.models.machine import Machine
from machines.purposes import QUALIFICATIONS
from people.models import Person, Site


class HouseRules(models.Model):
    """A version of the rules of a site or of a machine; the newest holds and has to be signed again."""

    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="house_rules")
    machine = models.ForeignKey(Machine, null=True, blank=True, on_delete=models.CASCADE, related_name="house_rules")
    version = models.PositiveSmallIntegerField(_("version"), editable=False)
    text_fr = models.TextField(_("rules in French"), max_length=20_000)
    text_en = models.TextField(_("rules in English"), max_length=20_000)
    published_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("rules to sign")
        verbose_name_plural = _("rules to sign")
        ordering = ["-version"]
        constraints = [
            models.CheckConstraint(
                condition=Q(site__isnull=True) ^ Q(machine__isnull=True), name="house_rules_of_one_place"
            ),
            models.UniqueConstraint(
                fields=["site", "machine", "version"], name="house_rules_version_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site or self.machine} {self.version}"

    @property
    def text(self) -> str:
        return self.text_en if get_language() == "en" else self.text_fr

    @property
    def is_empty(self) -> bool:
        """Whether it says that there are no rules to sign any more."""
        return not self.text_fr


class RulesSignature(models.Model):
    """Somebody read a version of the rules and agreed; on paper at the desk, or in their pages."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="rules_signatures")
    rules = models.ForeignKey(HouseRules, on_delete=models.CASCADE, related_name="signatures")
    signed_at = models.DateTimeField()
    # Of the team, when it was signed on paper.
    witness = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    personal_data = PersonalData(
        QUALIFICATIONS,
        _("which version of which rules the person agreed to, when, and before whom"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("rules", "signed_at"),
    )

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        constraints = [models.UniqueConstraint(fields=["person", "rules"], name="rules_signed_once")]

    def __str__(self) -> str:
        return f"{self.person}: {self.rules}"
