from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from machines.models.booking_settings import GRID_CHOICES, Attendance, RiskLevel
from machines.models.qualification import Level, Qualification


class Category(models.Model):
    """A kind of machine, with the booking rules its machines start from."""

    slug = models.SlugField(_("short name"), unique=True)
    name_fr = models.CharField(_("name in French"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80)
    icon = models.CharField(_("icon"), max_length=40, default="tools")
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    # A seat that the desk starts, extends and ends by hand: a public computer.
    is_seat = models.BooleanField(_("seat that the desk starts and ends"), default=False)

    risk_level = models.PositiveSmallIntegerField(_("risk"), choices=RiskLevel.choices, default=RiskLevel.NONE)
    qualification = models.ForeignKey(
        Qualification, null=True, blank=True, on_delete=models.PROTECT, related_name="categories"
    )
    qualification_level = models.PositiveSmallIntegerField(_("level"), choices=Level.choices, default=Level.ALONE)

    attendance = models.CharField(
        _("presence"), max_length=12, choices=Attendance.choices, default=Attendance.THROUGHOUT
    )
    shortest = models.DurationField(
        _("shortest"), default=timedelta(minutes=30), validators=[MinValueValidator(timedelta(minutes=1))]
    )
    longest = models.DurationField(_("longest"), default=timedelta(hours=4))
    grid_min = models.PositiveSmallIntegerField(_("times fall every"), choices=GRID_CHOICES, default=15)
    notice = models.DurationField(_("least notice"), default=timedelta(0))
    window = models.DurationField(_("furthest ahead"), default=timedelta(days=28))
    setup_buffer = models.DurationField(_("set-up before"), default=timedelta(0))
    cleanup_buffer = models.DurationField(_("clean-up after"), default=timedelta(0))
    change_notice = models.DurationField(_("least notice to move"), default=timedelta(0))
    cancel_notice = models.DurationField(_("least notice to cancel"), default=timedelta(0))
    rest = models.DurationField(_("pause between two reservations of one person"), default=timedelta(0))
    needs_approval = models.BooleanField(_("somebody of the team says yes first"), default=False)
    needs_membership = models.BooleanField(_("only for people with a plan"), default=False)
    least_age_y = models.PositiveSmallIntegerField(_("least age"), null=True, blank=True)
    guardian_below_y = models.PositiveSmallIntegerField(_("with the responsible adult below"), null=True, blank=True)
    credits_per_hour = models.PositiveSmallIntegerField(_("credits an hour"), default=0)
    # Empty: never given to others without somebody saying so.
    no_show_min = models.PositiveSmallIntegerField(_("given to others after"), null=True, blank=True, default=15)
    # A kit that leaves the place: it is handed over and comes back, see reservations.Loan.
    is_lent = models.BooleanField(_("leaves the place"), default=False)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(longest__gte=F("shortest")),
                name="category_longest_not_below_shortest",
                violation_error_message=_("The longest reservation is at least as long as the shortest."),
            ),
            models.CheckConstraint(
                condition=Q(
                    shortest__gt=timedelta(0),
                    window__gt=timedelta(0),
                    notice__gte=timedelta(0),
                    setup_buffer__gte=timedelta(0),
                    cleanup_buffer__gte=timedelta(0),
                    change_notice__gte=timedelta(0),
                    cancel_notice__gte=timedelta(0),
                    rest__gte=timedelta(0),
                ),
                name="category_durations_are_positive",
                violation_error_message=_("Durations are not negative."),
            ),
            models.CheckConstraint(condition=Q(grid_min__in=[5, 15, 30, 60]), name="category_grid_is_known"),
            models.CheckConstraint(condition=Q(risk_level__in=RiskLevel.values), name="category_risk_is_known"),
            models.CheckConstraint(
                condition=~Q(is_seat=True, is_lent=True),
                name="category_seat_is_not_lent",
                violation_error_message=_(
                    "A seat stays in the place, and what leaves the place is no seat: tick one of the two."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_fr
