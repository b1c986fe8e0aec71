from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.person import Person
from people.models.site import Site
from people.purposes import FILES


class Role(models.TextChoices):
    """What someone is at a site. A visitor has no grant at all."""

    VISITOR = "visitor", _("visitor")
    MEMBER = "member", _("member")
    SUPERVISOR = "supervisor", _("supervisor")
    MEDIATOR = "mediator", _("digital mediator")
    FAB_MANAGER = "fab_manager", _("fab manager")
    ADMINISTRATOR = "administrator", _("administrator")


# Who acts for others at the desk and sees names on the calendar.
STAFF_ROLES = frozenset({Role.SUPERVISOR, Role.MEDIATOR, Role.FAB_MANAGER, Role.ADMINISTRATOR})
# Who changes machines, devices and rules.
MANAGER_ROLES = frozenset({Role.FAB_MANAGER, Role.ADMINISTRATOR})


class RoleGrant(models.Model):
    """A person's role at one site; several may be held."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_grants")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    granted_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    granted_at = models.DateTimeField()

    personal_data = PersonalData(
        FILES,
        _("what the person is at each site, since when, and who said so"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("site", "role", "granted_at"),
    )

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "site", "role"],
                name="role_granted_once",
                violation_error_message=_("This person already has this role here."),
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.get_role_display()}, {self.site}"
