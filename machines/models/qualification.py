import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.purposes import QUALIFICATIONS
from people.models import Person


class Level(models.IntegerChoices):
    """How far a qualification goes."""

    SUPERVISED = 1, _("with help")
    ALONE = 2, _("alone")
    TRAINER = 3, _("may train others")


class Qualification(models.Model):
    """The right to use a kind of machine; an induction leads to it."""

    slug = models.SlugField(_("short name"), unique=True)
    name_fr = models.CharField(_("name in French"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120)
    training_fr = models.CharField(_("how to get it, in French"), max_length=300, blank=True)
    training_en = models.CharField(_("how to get it, in English"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_fr

    @property
    def training(self) -> str:
        return self.training_en if get_language() == "en" else self.training_fr


class QualificationGrantQuerySet(models.QuerySet["QualificationGrant"]):
    def valid_at(self, instant: dt.datetime) -> "QualificationGrantQuerySet":
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=instant), granted_at__lte=instant)


class QualificationGrant(models.Model):
    """A person holds a qualification, at a level, until it expires."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="qualification_grants")
    qualification = models.ForeignKey(Qualification, on_delete=models.PROTECT, related_name="grants")
    level = models.PositiveSmallIntegerField(_("level"), choices=Level.choices, default=Level.ALONE)
    granted_at = models.DateTimeField(_("granted"))
    granted_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    objects = QualificationGrantQuerySet.as_manager()

    personal_data = PersonalData(
        QUALIFICATIONS,
        _("which qualification, at what level, since when, until when, and who granted it"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("qualification", "level", "granted_at", "expires_at"),
    )

    class Meta:
        verbose_name = _("granted qualification")
        verbose_name_plural = _("granted qualifications")
        indexes = [models.Index(fields=["person", "qualification"], name="grant_person_qualification")]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("granted_at")),
                name="qualification_expires_after_grant",
                violation_error_message=_("A qualification expires after it was granted."),
            ),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="qualification_level_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.qualification}"
