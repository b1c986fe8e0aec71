import datetime as dt

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib.references import reference10
from machines.models import Category
from people.models import Site


class SpoolQuerySet(models.QuerySet["Spool"]):
    def in_use(self) -> "SpoolQuerySet":
        return self.filter(retired_at=None)


class Spool(models.Model):
    """A roll of filament that the lab owns; `left_g` is what its entries leave of it, never below nothing."""

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="spools")
    material = models.CharField(_("material"), max_length=40, help_text="PLA, PETG, ABS…")
    colour = models.CharField(_("colour"), max_length=40)
    maker = models.CharField(_("made by"), max_length=60, blank=True)
    weight_g = models.PositiveIntegerField(_("filament on it when new (g)"), default=1000)
    left_g = models.FloatField(_("left (g)"), validators=[MinValueValidator(0)])
    low_g = models.PositiveIntegerField(_("warn below (g)"), default=100)
    price_cents_per_kg = models.PositiveIntegerField(_("price per kg (cents)"), default=0)
    opened_at = models.DateField(_("opened on"), default=dt.date.today)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SpoolQuerySet.as_manager()

    class Meta:
        verbose_name = _("spool")
        verbose_name_plural = _("spools")
        ordering = ["material", "colour", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(left_g__gte=0), name="spool_holds_no_less_than_nothing"),
            models.CheckConstraint(condition=Q(weight_g__gt=0), name="spool_held_something"),
        ]

    def __str__(self) -> str:
        return f"{self.material} {self.colour}"

    @property
    def is_low(self) -> bool:
        return self.left_g < self.low_g


class SpoolEntry(models.Model):
    """Filament that went from a spool, or came back to it after a weighing. Never changed, never deleted."""

    class Kind(models.TextChoices):
        PRINT = "print", _("printed")
        WEIGHED = "weighed", _("weighed")

    spool = models.ForeignKey(Spool, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    grams = models.FloatField()
    at = models.DateTimeField()
    # The print it went into, once each: told twice, it is taken once.
    job_reference = models.CharField(max_length=12, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["job_reference"], condition=~Q(job_reference=""), name="print_is_taken_from_a_spool_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.spool_id}: {self.grams:+.1f} g"


class PrintPrice(models.Model):
    """What a print costs at a site; a kind of machine may have a price of its own."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="print_prices")
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.CASCADE, related_name="+", verbose_name=_("kind of machine")
    )
    base_cents = models.PositiveIntegerField(_("each print (cents)"), default=0)
    hour_cents = models.PositiveIntegerField(_("an hour of printing (cents)"), default=0)
    # Of filament that is the lab's, where the spool has no price of its own.
    kg_cents = models.PositiveIntegerField(_("a kilo of filament (cents)"), default=0)

    class Meta:
        verbose_name = _("price of prints")
        verbose_name_plural = _("prices of prints")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "category"], name="one_print_price_a_kind", nulls_distinct=False,
                violation_error_message=_("There is a price for this already."),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.site}: {self.category or _('all machines')}"
