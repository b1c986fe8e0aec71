from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from people.models import Person
from reservations.models.reservation import Origin, Reservation
from reservations.purposes import BOOKINGS


class Deed(models.Model):
    """One thing done to a reservation: who, for whom, why, and what it changed. Never changed, never removed.

    `by` is None where the clock or a device did it. `overridden` are the codes of the rules that the team set aside
    with `why`.
    """

    class Kind(models.TextChoices):
        MADE = "made", _("made")
        ASKED = "asked", _("asked for")
        OFFERED = "offered", _("offered from the waiting list")
        ACCEPTED = "accepted", _("offer accepted")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        MOVED = "moved", _("moved")
        CHANGED = "changed", _("changed")
        CHECKED_IN = "checked_in", _("checked in")
        ASKED_WHERE = "asked_where", _("asked whether somebody comes")
        ANSWERED = "answered", _("answered that they come")
        STAYS = "stays", _("answered that they go on")
        NO_SHOW = "no_show", _("given to others: nobody came")
        FINISHED = "finished", _("finished")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="deeds")
    kind = models.CharField(_("what"), max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Whose reservation it was then, when somebody else did it.
    behalf_of = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    origin = models.CharField(_("through"), max_length=12, choices=Origin.choices, blank=True)
    why = models.CharField(_("why"), max_length=240, blank=True)
    overridden = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    # What it was before: {"start", "end", "machine"}, instants in ISO 8601.
    before = models.JSONField(default=dict, blank=True)

    personal_data = PersonalData(
        BOOKINGS,
        _("who did what with a reservation, for whom, and why"),
        retention.BOOKING,
        subject="behalf_of",
        clock="at",
        blanked=("why",),
        exported=("reservation", "kind", "at", "why"),
        free_text=("why",),
    )

    class Meta:
        verbose_name = _("deed")
        verbose_name_plural = _("deeds")
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                # Once the person is erased, what was written about them is gone.
                condition=Q(overridden=[]) | ~Q(why="") | Q(behalf_of__isnull=True),
                name="deed_says_why_a_rule_was_set_aside",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reservation}: {self.get_kind_display()}"
