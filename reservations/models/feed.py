from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from machines.models import Machine
from people.models import Person, Site
from reservations.purposes import BOOKINGS


class CalendarFeed(models.Model):
    """A secret address under which a calendar program reads reservations: of a person, a machine or a site.

    Only the address's digest is kept. A feed of a machine or a site names nobody.
    """

    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.CASCADE, related_name="calendar_feeds")
    machine = models.ForeignKey(Machine, null=True, blank=True, on_delete=models.CASCADE, related_name="calendar_feeds")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="calendar_feeds")
    label = models.CharField(_("what for"), max_length=80, blank=True)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    # Whether the person was of a team when it was made: an address does not grow with the rights of its owner.
    tells_the_team = models.BooleanField(default=False, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        BOOKINGS,
        _("which calendar addresses the person made, and when they were last read"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("label", "created_at", "revoked_at", "read_at"),
        free_text=("label",),
    )

    class Meta:
        verbose_name = _("calendar address")
        verbose_name_plural = _("calendar addresses")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, machine__isnull=True, site__isnull=True)
                | Q(person__isnull=True, machine__isnull=False, site__isnull=True)
                | Q(person__isnull=True, machine__isnull=True, site__isnull=False),
                name="feed_is_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return self.label or str(self.machine or self.site or self.person)
