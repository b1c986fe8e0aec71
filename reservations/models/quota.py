from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from machines.models import Category, Machine
from people.models import PersonGroup, Site


class Quota(models.Model):
    """How much one person may hold: hours or reservations, in a day, week, month or year, or still to come.

    What it counts: the machine, or the machines of the category and site (an empty one means all). A quota of a group
    replaces, for its people, the one for everybody that counts the same; a quota for everybody has no group.
    """

    class Measure(models.TextChoices):
        MINUTES = "minutes", _("hours")
        COUNT = "count", _("reservations")

    class Period(models.TextChoices):
        DAY = "day", _("a day")
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")
        YEAR = "year", _("a year")
        TO_COME = "to_come", _("to come")

    group = models.ForeignKey(PersonGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas")
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas")
    machine = models.ForeignKey(Machine, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas")
    measure = models.CharField(_("counted in"), max_length=8, choices=Measure.choices)
    period = models.CharField(_("over"), max_length=8, choices=Period.choices)
    most = models.PositiveIntegerField(_("at most"))
    is_peak_only = models.BooleanField(_("counts peak hours only"), default=False)

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "site", "category", "machine", "measure", "period", "is_peak_only"],
                name="quota_once",
                nulls_distinct=False,
                violation_error_message=_("There is such a limit already: change that one."),
            ),
            models.CheckConstraint(
                condition=Q(machine__isnull=True) | Q(site__isnull=True, category__isnull=True),
                name="quota_of_a_machine_is_of_nothing_else",
            ),
            models.CheckConstraint(
                condition=Q(is_peak_only=False) | Q(measure="minutes"), name="quota_at_peak_counts_hours"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.most} {self.measure} {self.period}"
