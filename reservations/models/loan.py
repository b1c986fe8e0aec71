from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from machines.models import Machine
from people.models import Person
from reservations.models.reservation import Reservation
from reservations.purposes import BOOKINGS


class Condition(models.IntegerChoices):
    """How something looked when it changed hands."""

    GOOD = 1, _("good")
    WORN = 2, _("worn, works")
    DAMAGED = 3, _("damaged")
    MISSING = 4, _("missing")


class Loan(models.Model):
    """A reservation whose machine leaves the place: handed over and taken back by somebody of the team.

    It is due at the end of its reservation.
    """

    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="loan")
    handed_over_at = models.DateTimeField()
    handed_over_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    note_out = models.CharField(_("what was said"), max_length=240, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    returned_to = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note_back = models.CharField(_("what was said on return"), max_length=240, blank=True)

    personal_data = PersonalData(
        BOOKINGS,
        _("what was lent, who handed it over and took it back, and in which condition"),
        retention.BOOKING,
        subject="reservation__holder",
        clock="handed_over_at",
        blanked=("note_out", "note_back"),
        exported=("reservation", "handed_over_at", "note_out", "returned_at", "note_back"),
        free_text=("note_out", "note_back"),
    )

    class Meta:
        verbose_name = _("loan")
        verbose_name_plural = _("loans")
        ordering = ["-handed_over_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True) | Q(returned_at__gte=models.F("handed_over_at")),
                name="loan_returned_after_it_left",
            )
        ]

    def __str__(self) -> str:
        return str(self.reservation)


class LoanItem(models.Model):
    """One part of what was lent (or the thing itself), ticked when it left and when it came back."""

    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="items")
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="+")
    condition_out = models.PositiveSmallIntegerField(choices=Condition.choices, default=Condition.GOOD)
    condition_back = models.PositiveSmallIntegerField(choices=Condition.choices, null=True, blank=True)

    class Meta:
        verbose_name = _("thing lent")
        verbose_name_plural = _("things lent")
        constraints = [models.UniqueConstraint(fields=["loan", "machine"], name="lent_once_in_a_loan")]

    def __str__(self) -> str:
        return str(self.machine)


class LoanPhoto(models.Model):
    """What it looked like, when it left or came back; drawn anew, without what the camera wrote in it."""

    item = models.ForeignKey(LoanItem, on_delete=models.CASCADE, related_name="photos")
    is_return = models.BooleanField(default=False)
    image = models.ImageField(upload_to="loans")
    taken_at = models.DateTimeField()

    class Meta:
        verbose_name = _("photo of a thing lent")
        verbose_name_plural = _("photos of things lent")

    def __str__(self) -> str:
        return f"{self.item} {self.taken_at:%Y-%m-%d}"
