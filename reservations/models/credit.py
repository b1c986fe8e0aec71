from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from people.models import Person
from reservations.models.reservation import Reservation
from reservations.purposes import CREDITS


class CreditPack(models.Model):
    """What the desk hands out or sells: so many credits, good for so many days."""

    name_fr = models.CharField(_("name in French"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80)
    credits = models.PositiveIntegerField(_("credits"))
    days_valid = models.PositiveSmallIntegerField(_("good for, in days"), null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("credit pack")
        verbose_name_plural = _("credit packs")
        ordering = ["credits", "id"]
        constraints = [models.CheckConstraint(condition=Q(credits__gt=0), name="pack_holds_something")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_fr


class CreditLot(models.Model):
    """Credits that somebody got at once, and what is left of them: kept by a trigger over the entries."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="credit_lots")
    pack = models.ForeignKey(CreditPack, null=True, blank=True, on_delete=models.PROTECT, related_name="lots")
    left = models.IntegerField(default=0, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    personal_data = PersonalData(
        CREDITS,
        _("which credits the person got, when, and what is left of them"),
        retention.WITH_THE_FILE,
        subject="person",
        exported=("pack", "left", "expires_at", "created_at"),
    )

    class Meta:
        verbose_name = _("credits")
        verbose_name_plural = _("credits")
        ordering = [F("expires_at").asc(nulls_last=True), "id"]
        constraints = [
            models.CheckConstraint(condition=Q(left__gte=0), name="credits_are_not_negative"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")), name="credits_expire_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.left}"


class CreditEntry(models.Model):
    """One line of the ledger; never changed, never removed (a trigger sees to it). `amount` is signed."""

    class Why(models.TextChoices):
        GIVEN = "given", _("given")
        RESERVED = "reserved", _("reservation")
        GIVEN_BACK = "given_back", _("reservation given back")
        CORRECTED = "corrected", _("corrected")

    lot = models.ForeignKey(CreditLot, on_delete=models.PROTECT, related_name="entries")
    amount = models.IntegerField()
    why = models.CharField(max_length=12, choices=Why.choices)
    words = models.CharField(_("why"), max_length=200, blank=True)
    reservation = models.ForeignKey(
        Reservation, null=True, blank=True, on_delete=models.PROTECT, related_name="credit_entries"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    personal_data = PersonalData(
        CREDITS,
        _("each credit given and taken, for which reservation, and by whom"),
        retention.FOR_GOOD,
        subject="lot__person",
        blanked=("words",),
        exported=("amount", "why", "words", "reservation", "at"),
        free_text=("words",),
    )

    class Meta:
        verbose_name = _("line of the ledger")
        verbose_name_plural = _("ledger")
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_line_moves_something"),
            models.CheckConstraint(
                condition=Q(why="corrected") | Q(why__in=["given", "given_back"], amount__gt=0)
                | Q(why="reserved", amount__lt=0),
                name="ledger_line_has_the_right_sign",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.amount:+d} {self.get_why_display()}"
