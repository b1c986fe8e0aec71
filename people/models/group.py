import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.person import Person
from people.purposes import GROUPS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class PersonGroup(models.Model):
    """People for whom some rules differ: the team, the members, a plan, a community.

    Who is of the team and who is a member follows from their roles at the site; the others are put in by hand.
    """

    class Kind(models.TextChoices):
        TEAM = "team", _("the team of the site")
        MEMBERS = "members", _("the members of the site")
        PLAN = "plan", _("a plan that people take out")
        COMMUNITY = "community", _("a community")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.COMMUNITY)
    name_fr = models.CharField(_("name in French"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80)
    # Somebody in several groups follows the rules of the first of them.
    position = models.PositiveSmallIntegerField(_("order"), default=50)

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(kind__in=["team", "members"]), name="group_that_follows_roles_is_one"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["team", "members", "plan", "community"]), name="group_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_fr

    @property
    def kind_words(self) -> "StrOrPromise":
        return self.Kind(self.kind).label

    @property
    def follows_roles(self) -> bool:
        """Whether nobody puts people in: their roles do."""
        return self.kind in {self.Kind.TEAM, self.Kind.MEMBERS}


class GroupMembershipQuerySet(models.QuerySet["GroupMembership"]):
    def on(self, day: dt.date) -> "GroupMembershipQuerySet":
        return self.filter(Q(end__isnull=True) | Q(end__gte=day), start__lte=day)


class GroupMembership(models.Model):
    """Somebody is of a group, from a day to another (both included), or until further notice."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="group_memberships")
    group = models.ForeignKey(PersonGroup, on_delete=models.CASCADE, related_name="memberships")
    start = models.DateField(_("from"))
    end = models.DateField(_("until"), null=True, blank=True)
    added_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = GroupMembershipQuerySet.as_manager()

    personal_data = PersonalData(
        GROUPS,
        _("which plan or community, from when to when, and who of the team wrote it down"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("group", "start", "end"),
    )

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["start"]
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")),
                name="membership_ends_after_it_starts",
                violation_error_message=_("The last day comes after the first."),
            ),
            models.UniqueConstraint(
                fields=["person", "group", "start"],
                name="membership_begun_once",
                violation_error_message=_("This membership is written down already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.group}"
