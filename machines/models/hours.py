from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from people.models import Site

MIDNIGHT = "00:00"


class Weekday(models.IntegerChoices):
    """ISO 8601."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class Season(models.Model):
    """A part of the year with a week of its own: the summer, or the school holidays of the site's zone."""

    class Kind(models.TextChoices):
        DATES = "dates", _("from a date to another")
        YEARLY = "yearly", _("the same dates every year")
        SCHOOL_HOLIDAYS = "school_holidays", _("the school holidays")

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="seasons")
    kind = models.CharField(_("when"), max_length=16, choices=Kind.choices, default=Kind.DATES)
    name = models.CharField(_("name, as people will read it"), max_length=80)
    # Both included. Of yearly ones only day and month count, and the last may come before the first: a winter.
    first = models.DateField(_("first day"), null=True, blank=True)
    last = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name = _("season")
        verbose_name_plural = _("seasons")
        # The first that holds decides.
        ordering = ["site", "first", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="school_holidays", first__isnull=True, last__isnull=True)
                | Q(kind="yearly", first__isnull=False, last__isnull=False)
                | Q(kind="dates", first__isnull=False, last__isnull=False, last__gte=F("first")),
                name="season_has_its_dates",
                violation_error_message=_("Give the first and the last day, in that order."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class OpeningHours(models.Model):
    """One range of one weekday, in the site's local time; a day may have several. 00:00 as an end is midnight."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="opening_hours")
    # Empty: the usual week.
    season = models.ForeignKey(Season, null=True, blank=True, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))
    # Nobody of the team is there: members with a key only, and no machine that wants supervision.
    is_staffed = models.BooleanField(_("somebody of the team is there"), default=True)

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["site", "weekday", "opens"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "season", "weekday", "opens"], name="opening_range_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name="opening_weekday_is_iso"),
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")) | Q(closes=MIDNIGHT),
                name="opening_closes_after_it_opens",
                violation_error_message=_("The closing time comes after the opening time; midnight is 00:00."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class OpeningException(models.Model):
    """What holds on one date instead of the week's hours: closed (no times), or open over a range."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="opening_exceptions")
    date = models.DateField(_("date"))
    opens = models.TimeField(_("opens"), null=True, blank=True)
    closes = models.TimeField(_("closes"), null=True, blank=True)
    title = models.CharField(_("why, as people will read it"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("dated exception")
        verbose_name_plural = _("dated exceptions")
        ordering = ["date", "opens"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "date", "opens"], name="exception_range_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True)
                # Without "is not null" a missing closing time makes the whole check unknown, which passes.
                | Q(opens__isnull=False, closes__isnull=False, closes__gt=F("opens"))
                | Q(opens__isnull=False, closes__isnull=False, closes=MIDNIGHT),
                name="exception_times_both_or_none",
                violation_error_message=_("Give both times, or neither when the site is closed."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.title}"


class PeakHours(models.Model):
    """When many want to come: quotas may count only these hours. In the site's local time."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="peak_hours")
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday.choices)
    begins = models.TimeField(_("from"))
    ends = models.TimeField(_("until"))

    class Meta:
        verbose_name = _("peak hours")
        verbose_name_plural = _("peak hours")
        ordering = ["site", "weekday", "begins"]
        constraints = [
            models.UniqueConstraint(fields=["site", "weekday", "begins"], name="peak_range_once"),
            models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name="peak_weekday_is_iso"),
            models.CheckConstraint(
                condition=Q(ends__gt=F("begins")) | Q(ends=MIDNIGHT),
                name="peak_ends_after_it_begins",
                violation_error_message=_("The end comes after the beginning; midnight is 00:00."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.begins:%H:%M}–{self.ends:%H:%M}"
