from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone. Write one like Europe/Paris."), params={"name": name})


class Site(models.Model):
    """A place with a door: its own hours, people and machines."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("short name"), unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris", validators=[validate_time_zone])
    address = models.CharField(_("address"), max_length=240, blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    holiday_country = models.CharField(_("public holidays of"), max_length=2, default="FR", blank=True)
    holiday_region = models.CharField(_("region for holidays"), max_length=40, blank=True)
    school_zone = models.CharField(_("school holidays of zone"), max_length=40, blank=True)
    is_closed_on_holidays = models.BooleanField(_("closed on public holidays"), default=True)

    # Without it, everybody who opens the place watches over it: see machines/supervision.py.
    has_rota = models.BooleanField(_("who is on duty stands in a rota"), default=False)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
