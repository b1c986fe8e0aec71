import datetime as dt
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.purposes import DUTY
from people.models import STAFF_ROLES, Person, RoleGrant, Site


def _is_of_the_team() -> Q:
    grants = RoleGrant.objects.filter(person=OuterRef("person"), site=OuterRef("site"), role__in=STAFF_ROLES)
    return Q(Exists(grants), person__is_active=True)


class ShiftQuerySet(models.QuerySet["Shift"]):
    def standing(self) -> "ShiftQuerySet":
        return self.filter(dropped_at__isnull=True)

    def of_the_team(self) -> "ShiftQuerySet":
        """Those of people who still are of the team of the place: who left it watches over nothing."""
        return self.filter(_is_of_the_team())

    def with_team(self) -> Any:
        """Each with `is_of_team`: whether its person still is of the team of the place."""
        return self.annotate(is_of_team=_is_of_the_team())

    def overlapping(self, start: dt.datetime, end: dt.datetime) -> "ShiftQuerySet":
        return self.filter(start__lt=end, end__gt=start)


class Shift(models.Model):
    """Somebody of the team is on duty at a site: dangerous machines may be reserved in that time."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="shifts")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="shifts")
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    dropped_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ShiftQuerySet.as_manager()

    personal_data = PersonalData(
        DUTY,
        _("who of the team is on duty when"),
        retention.BOOKING,
        subject="person",
        clock="end",
        fate=Fate.DELETED,
        exported=("site", "start", "end"),
    )

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("rota")
        ordering = ["start", "id"]
        indexes = [models.Index(fields=["site", "start"], name="shift_site_start")]
        constraints = [
            models.CheckConstraint(
                condition=Q(end__gt=F("start")),
                name="shift_ends_after_it_starts",
                violation_error_message=_("The end comes after the start."),
            ),
            ExclusionConstraint(
                name="nobody_has_two_shifts_at_once",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (
                        models.Func("start", "end", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(dropped_at__isnull=True),
                violation_error_message=_("They are on duty already at that time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.start:%Y-%m-%d %H:%M}"
