from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from machines.models.booking_settings import (
    GRID_CHOICES,
    SETTING_NAMES,
    Attendance,
    BookingSettings,
    RiskLevel,
)
from machines.models.category import Category
from people.models import Kiosk, Person, Site

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Unit(models.Model):
    """What a reservation holds: the key of the constraint that keeps two of them apart."""

    class Kind(models.TextChoices):
        MACHINE = "machine", _("machine")
        ROOM = "room", _("room")
        KIT = "kit", _("kit")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="units")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MACHINE)

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Room(models.Model):
    """A room of a site."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="rooms")
    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, related_name="room", null=True, blank=True)
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("short name"), unique=True)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MachineQuerySet(models.QuerySet["Machine"]):
    def visible_to(self, person: "Person | AnonymousUser") -> "MachineQuerySet":
        """Machines hold nothing personal: everyone sees those in use, retired ones stay with the managers' history."""
        return self.filter(retired_at__isnull=True)

    def with_places(self) -> "MachineQuerySet":
        """What a card, a rule or a page needs, in one query."""
        return self.select_related("category__qualification", "room", "unit__site", "qualification")


class Machine(models.Model):
    """One physical thing, one address, one unit."""

    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, related_name="machine")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="machines")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="machines", null=True, blank=True)
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("short name"), unique=True)
    description_fr = models.TextField(_("description in French"), blank=True)
    description_en = models.TextField(_("description in English"), blank=True)
    photo = models.ImageField(_("photo"), upload_to="machines", blank=True)
    drawing = models.CharField(_("drawing"), max_length=40, blank=True, help_text=_("Shown when there is no photo."))
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    # The screen by which people sign in on this very computer: its sessions end with the seat.
    kiosk = models.OneToOneField(
        Kiosk, null=True, blank=True, on_delete=models.SET_NULL, related_name="machine", verbose_name=_("shared screen")
    )
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    # Machines of one model at one site stand in for each other: “any of them” means the least worn that is free.
    model_name = models.CharField(_("model"), max_length=80, blank=True)
    # Measured use since it came, counted up when a session ends.
    used_s = models.PositiveBigIntegerField(_("hours run"), default=0, editable=False)

    # Overrides; empty means "as the category says".
    risk_level = models.PositiveSmallIntegerField(_("risk"), choices=RiskLevel.choices, null=True, blank=True)
    qualification = models.ForeignKey(
        "machines.Qualification", null=True, blank=True, on_delete=models.PROTECT, related_name="machines"
    )
    attendance = models.CharField(_("presence"), max_length=12, choices=Attendance.choices, blank=True)
    shortest = models.DurationField(_("shortest"), null=True, blank=True)
    longest = models.DurationField(_("longest"), null=True, blank=True)
    grid_min = models.PositiveSmallIntegerField(_("times fall every"), choices=GRID_CHOICES, null=True, blank=True)
    notice = models.DurationField(_("least notice"), null=True, blank=True)
    window = models.DurationField(_("furthest ahead"), null=True, blank=True)
    setup_buffer = models.DurationField(_("set-up before"), null=True, blank=True)
    cleanup_buffer = models.DurationField(_("clean-up after"), null=True, blank=True)
    change_notice = models.DurationField(_("least notice to move"), null=True, blank=True)
    cancel_notice = models.DurationField(_("least notice to cancel"), null=True, blank=True)
    rest = models.DurationField(_("pause between two reservations of one person"), null=True, blank=True)
    needs_approval = models.BooleanField(_("somebody of the team says yes first"), null=True, blank=True)
    needs_membership = models.BooleanField(_("only for people with a plan"), null=True, blank=True)
    least_age_y = models.PositiveSmallIntegerField(_("least age"), null=True, blank=True)
    guardian_below_y = models.PositiveSmallIntegerField(_("with the responsible adult below"), null=True, blank=True)
    credits_per_hour = models.PositiveSmallIntegerField(_("credits an hour"), null=True, blank=True)
    no_show_min = models.PositiveSmallIntegerField(_("given to others after"), null=True, blank=True)

    objects = MachineQuerySet.as_manager()

    class Meta:
        verbose_name = _("machine")
        verbose_name_plural = _("machines")
        ordering = ["category__position", "position", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(longest__isnull=True) | Q(shortest__isnull=True) | Q(longest__gte=F("shortest")),
                name="machine_longest_not_below_shortest",
                violation_error_message=_("The longest reservation is at least as long as the shortest."),
            ),
            models.CheckConstraint(
                condition=Q(grid_min__isnull=True) | Q(grid_min__in=[5, 15, 30, 60]),
                name="machine_grid_is_known",
            ),
            models.CheckConstraint(
                condition=(Q(shortest__isnull=True) | Q(shortest__gt=timedelta(0)))
                & (Q(window__isnull=True) | Q(window__gt=timedelta(0)))
                & (Q(notice__isnull=True) | Q(notice__gte=timedelta(0)))
                & (Q(setup_buffer__isnull=True) | Q(setup_buffer__gte=timedelta(0)))
                & (Q(cleanup_buffer__isnull=True) | Q(cleanup_buffer__gte=timedelta(0)))
                & (Q(change_notice__isnull=True) | Q(change_notice__gte=timedelta(0)))
                & (Q(cancel_notice__isnull=True) | Q(cancel_notice__gte=timedelta(0)))
                & (Q(rest__isnull=True) | Q(rest__gte=timedelta(0))),
                name="machine_durations_are_positive",
                violation_error_message=_("Durations are not negative."),
            ),
            models.CheckConstraint(
                condition=Q(risk_level__isnull=True) | Q(risk_level__in=RiskLevel.values),
                name="machine_risk_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("machine", args=[self.slug])

    @property
    def site(self) -> Site:
        return self.unit.site

    @property
    def description(self) -> str:
        return self.description_en if get_language() == "en" else self.description_fr

    @property
    def risk(self) -> int:
        return self.category.risk_level if self.risk_level is None else self.risk_level

    @property
    def wanted_qualification(self):  # type: ignore[no-untyped-def]  # a Qualification or None
        return self.qualification or self.category.qualification

    @property
    def booking(self) -> BookingSettings:
        """The values in force: for whoever `machines.policies.apply_policies` was asked for, else for anybody."""
        in_force: BookingSettings | None = getattr(self, "_in_force", None)
        return in_force or self.usual_booking

    @property
    def usual_booking(self) -> BookingSettings:
        """The values for anybody: the machine's own, else its category's."""
        own = {name: getattr(self, name) for name in SETTING_NAMES}
        value = {name: getattr(self.category, name) if own[name] in (None, "") else own[name] for name in SETTING_NAMES}
        value["grid"] = timedelta(minutes=value.pop("grid_min"))
        return BookingSettings(**value, is_lent=self.category.is_lent)
