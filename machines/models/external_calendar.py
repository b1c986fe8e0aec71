from django.db import models
from django.utils.translation import gettext_lazy as _

from machines.models.machine import Machine


class ExternalCalendar(models.Model):
    """A calendar that somebody else keeps of a machine (iCalendar, read over HTTPS): its events make it taken."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="external_calendars")
    name = models.CharField(_("name"), max_length=80)
    # Its address is often a secret: sealed by fablab.lib.secretbox, shown to nobody again.
    sealed_url = models.TextField(editable=False)
    host = models.CharField(max_length=120, editable=False)
    etag = models.CharField(max_length=200, blank=True, editable=False)
    read_at = models.DateTimeField(null=True, blank=True, editable=False)
    tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = _("calendar of somebody else")
        verbose_name_plural = _("calendars of others")
        ordering = ["machine", "name"]

    def __str__(self) -> str:
        return self.name
