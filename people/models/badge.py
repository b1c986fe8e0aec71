from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.person import Person
from people.purposes import SIGN_IN


class Badge(models.Model):
    """What is tapped at a machine. Its number is kept as a keyed hash: see `people.badges.badge_digest`."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="badges")
    digest = models.CharField(max_length=64, editable=False)
    label = models.CharField(_("how to recognise it"), max_length=60, blank=True)
    created_at = models.DateTimeField(editable=False)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    blocked_at = models.DateTimeField(_("lost or blocked"), null=True, blank=True)

    personal_data = PersonalData(
        SIGN_IN,
        _("a mark of the badge's number, and how to recognise the badge"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("label", "created_at", "blocked_at"),
        free_text=("label",),
    )

    class Meta:
        verbose_name = _("badge")
        verbose_name_plural = _("badges")
        constraints = [
            models.UniqueConstraint(
                fields=["digest"],
                condition=Q(blocked_at__isnull=True),
                name="badge_of_one_person",
                violation_error_message=_("This badge belongs to somebody already."),
            )
        ]

    def __str__(self) -> str:
        return self.label or str(self.pk)
