from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from machines.models import Machine
from people.models import Person, Site
from reservations.purposes import BOOKINGS


class ReservationSeries(models.Model):
    """Dates that belong together: “sewing workshop, every Tuesday”. Each date is a reservation of its own."""

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="reservation_series")
    title = models.CharField(_("title, as everybody will read it"), max_length=120, blank=True)
    # Of a member's own series; what the team holds for a group has a title instead.
    machine = models.ForeignKey(Machine, null=True, blank=True, on_delete=models.PROTECT, related_name="series")
    holder = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="series")
    # “This and the following” were changed: they go on in a series of their own.
    continues = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="continued_by")
    # RFC 5545, without DTSTART: the first date is the first reservation's.
    rule = models.CharField(max_length=200)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(editable=False)

    personal_data = PersonalData(
        BOOKINGS,
        _("who made a series of dates, and for whom"),
        retention.BOOKING,
        subject="holder",
        clock="created_at",
        free_text=("title",),
    )

    class Meta:
        verbose_name = _("series of reservations")
        verbose_name_plural = _("series of reservations")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(title="") | models.Q(machine__isnull=False), name="series_has_title_or_machine"
            )
        ]

    def __str__(self) -> str:
        return self.title or str(self.machine)
