from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from machines.models.booking_settings import GRID_CHOICES, POLICY_NAMES
from machines.models.category import Category
from machines.models.machine import Machine
from people.models import PersonGroup, Site

_LENGTHS = ("shortest", "longest", "window")
_PAUSES = ("notice", "change_notice", "cancel_notice", "rest")


def _is_null_or(**lookups: object) -> Q:
    """Each field empty or as the lookup says."""
    found = Q()
    for lookup, value in lookups.items():
        name = lookup.split("__")[0]
        found &= Q(**{f"{name}__isnull": True}) | Q(**{lookup: value})
    return found


class BookingPolicy(models.Model):
    """Where the rules differ from those of the category or machine: for a group of people, or at a site.

    An empty value says nothing. Of several policies that hold, a group's beats a machine's own value, which beats the
    category's, which beats the site's: see machines/policies.py.
    """

    group = models.ForeignKey(PersonGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="policies")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="policies")
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.CASCADE, related_name="policies")
    machine = models.ForeignKey(Machine, null=True, blank=True, on_delete=models.CASCADE, related_name="policies")

    shortest = models.DurationField(_("shortest"), null=True, blank=True)
    longest = models.DurationField(_("longest"), null=True, blank=True)
    grid_min = models.PositiveSmallIntegerField(_("times fall every"), choices=GRID_CHOICES, null=True, blank=True)
    notice = models.DurationField(_("least notice"), null=True, blank=True)
    window = models.DurationField(_("furthest ahead"), null=True, blank=True)
    change_notice = models.DurationField(_("least notice to move"), null=True, blank=True)
    cancel_notice = models.DurationField(_("least notice to cancel"), null=True, blank=True)
    rest = models.DurationField(_("pause between two reservations of one person"), null=True, blank=True)
    needs_approval = models.BooleanField(_("somebody of the team says yes first"), null=True, blank=True)
    needs_membership = models.BooleanField(_("only for people with a plan"), null=True, blank=True)
    least_age_y = models.PositiveSmallIntegerField(_("least age"), null=True, blank=True)
    guardian_below_y = models.PositiveSmallIntegerField(_("with the responsible adult below"), null=True, blank=True)
    credits_per_hour = models.PositiveSmallIntegerField(_("credits an hour"), null=True, blank=True)

    class Meta:
        verbose_name = _("rule for some")
        verbose_name_plural = _("rules for some")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(group__isnull=False) | Q(site__isnull=False),
                name="policy_is_for_a_group_or_a_site",
                violation_error_message=_("Say for whom, or at which site, the rule differs."),
            ),
            models.CheckConstraint(
                # A machine has its site and its category already.
                condition=Q(machine__isnull=True) | Q(site__isnull=True, category__isnull=True),
                name="policy_of_a_machine_is_of_nothing_else",
            ),
            models.UniqueConstraint(
                fields=["group", "site", "category", "machine"],
                name="policy_once",
                nulls_distinct=False,
                violation_error_message=_("There is a rule for these already: change that one."),
            ),
            models.CheckConstraint(
                condition=_is_null_or(**{f"{name}__gt": timedelta(0) for name in _LENGTHS})
                & _is_null_or(**{f"{name}__gte": timedelta(0) for name in _PAUSES}),
                name="policy_durations_are_positive",
                violation_error_message=_("Durations are not negative."),
            ),
            models.CheckConstraint(
                condition=Q(longest__isnull=True) | Q(shortest__isnull=True) | Q(longest__gte=F("shortest")),
                name="policy_longest_not_below_shortest",
                violation_error_message=_("The longest reservation is at least as long as the shortest."),
            ),
            models.CheckConstraint(
                condition=Q(grid_min__isnull=True) | Q(grid_min__in=[5, 15, 30, 60]), name="policy_grid_is_known"
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(str(part) for part in (self.machine, self.category, self.site, self.group) if part)

    @property
    def values(self) -> dict[str, object]:
        """What it says, by name of the setting."""
        return {name: getattr(self, name) for name in POLICY_NAMES if getattr(self, name) is not None}
