import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from people.models.person import Person
from people.models.role import STAFF_ROLES
from people.models.site import Site
from people.purposes import VISITS

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class AgeBand(models.TextChoices):
    """The national age bands of digital mediation, with their codes."""

    UNDER_12 = "moins_de_douze", _("under 12")
    FROM_12 = "douze_dix_huit", _("12 to 17")
    FROM_18 = "dix_huit_vingt_quatre", _("18 to 24")
    FROM_25 = "vingt_cinq_trente_neuf", _("25 to 39")
    FROM_40 = "quarante_cinquante_neuf", _("40 to 59")
    FROM_60 = "soixante_soixante_neuf", _("60 to 69")
    FROM_70 = "soixante_dix_plus", _("70 and over")
    NOT_SAID = "non_communique", _("not said")


class VisitQuerySet(models.QuerySet["Visit"]):
    def visible_to(self, person: "Person | AnonymousUser") -> "VisitQuerySet":
        """One's own, and for staff those of their sites."""
        if not person.is_authenticated:
            return self.none()
        if person.is_superuser:
            return self
        sites = person.role_grants.filter(role__in=STAFF_ROLES).values("site_id")
        return self.filter(Q(person=person) | Q(site__in=sites))

    def present(self) -> "VisitQuerySet":
        return self.filter(left_at__isnull=True)

    def overlapping(self, start: dt.datetime, end: dt.datetime) -> "VisitQuerySet":
        return self.filter(Q(left_at__isnull=True) | Q(left_at__gt=start), arrived_at__lt=end)


class Visit(models.Model):
    """Somebody came through the door: a known person, or one or more who did not give a name."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="visits")
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="visits")
    # Of people without a name only: how many came together.
    headcount = models.PositiveSmallIntegerField(_("how many"), default=1)
    age_band = models.CharField(_("age"), max_length=30, choices=AgeBand.choices, default=AgeBand.NOT_SAID)
    arrived_at = models.DateTimeField(_("arrived"))
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    recorded_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = VisitQuerySet.as_manager()

    personal_data = PersonalData(
        VISITS,
        _("when the person came and left; of those who gave no name, only how many and an age band"),
        retention.VISIT,
        subject="person",
        clock="arrived_at",
        exported=("site", "arrived_at", "left_at"),
    )

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering = ["-arrived_at"]
        indexes = [models.Index(fields=["site", "arrived_at"], name="visit_site_arrived")]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "person"],
                condition=Q(left_at__isnull=True, person__isnull=False),
                name="visit_open_once",
                violation_error_message=_("This person is already here."),
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("arrived_at")),
                name="visit_leaves_after_arriving",
                violation_error_message=_("People leave after they arrive."),
            ),
            models.CheckConstraint(condition=Q(headcount__range=(1, 200)), name="visit_headcount_is_sane"),
            models.CheckConstraint(
                condition=Q(person__isnull=True) | Q(headcount=1), name="visit_of_a_person_counts_one"
            ),
            models.CheckConstraint(condition=Q(age_band__in=AgeBand.values), name="visit_age_band_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person or self.headcount}, {self.arrived_at:%Y-%m-%d %H:%M}"
