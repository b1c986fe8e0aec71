from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.person import Person
from people.models.site import Site
from people.purposes import TEAMS


class Team(models.Model):
    """What a group reserves as: a project, a community, an organisation."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name"), unique=True, max_length=80)
    # Whoever has the link may join; empty while nobody may. People are never searched for.
    join_code = models.CharField(max_length=24, unique=True, null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    personal_data = PersonalData(TEAMS, _("the team's name"), retention.WITH_THE_THING, free_text=("name", "slug"))

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamMembership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="team_memberships")
    is_organiser = models.BooleanField(_("may invite and remove"), default=False)
    joined_at = models.DateTimeField(null=True, blank=True, editable=False)

    personal_data = PersonalData(
        TEAMS,
        _("who is in which team, and since when"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("team", "is_organiser", "joined_at"),
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "person"], name="team_member_once")]

    def __str__(self) -> str:
        return f"{self.person}, {self.team}"
