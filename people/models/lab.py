from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Module(models.TextChoices):
    """A part of the software that a lab may do without: off, its menu, pages, API and words are gone."""

    PRINTING = "printing", _("3D print jobs")
    DEVICES = "devices", _("machines that report their use")
    DESK = "desk", _("reception desk")
    KIOSK = "kiosk", _("kiosk and shared computers")
    TEAMS = "teams", _("teams")
    BOARD = "board", _("live board")
    API = "api", _("programs (API)")


class Lab(models.Model):
    """The one row of what is set for the whole installation. Read it through `people.lab.current_lab`."""

    ONLY_ID: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY_ID, editable=False)
    name = models.CharField(_("name of the lab"), max_length=120, blank=True)
    modules_off = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    # Empty until the first questions have been answered.
    set_up_at = models.DateTimeField(null=True, blank=True, editable=False)

    welcome_fr = models.TextField(_("welcome, in French"), blank=True, max_length=1000)
    welcome_en = models.TextField(_("welcome, in English"), blank=True, max_length=1000)
    legal_notice_fr = models.TextField(_("legal notice, in French"), blank=True, max_length=4000)
    legal_notice_en = models.TextField(_("legal notice, in English"), blank=True, max_length=4000)
    privacy_contact = models.CharField(_("who answers about personal data"), max_length=240, blank=True)

    class Meta:
        verbose_name = _("lab")
        verbose_name_plural = _("lab")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="lab_is_one"),
            models.CheckConstraint(
                condition=models.Q(modules_off__contained_by=Module.values), name="lab_modules_are_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.id = self.ONLY_ID
        super().save(*args, **kwargs)

    def has(self, module: str) -> bool:
        return module not in self.modules_off

    @property
    def welcome(self) -> str:
        return self.welcome_en if get_language() == "en" else self.welcome_fr

    @property
    def legal_notice(self) -> str:
        return self.legal_notice_en if get_language() == "en" else self.legal_notice_fr
