from django.db import models
from django.utils.translation import gettext_lazy as _


class SeenDevice(models.Model):
    """A device that speaks on the broker and reports for no machine yet; `topic` as its form asks for it."""

    kind = models.CharField(_("kind"), max_length=16)
    topic = models.CharField(_("topic"), max_length=200)
    label = models.CharField(_("name"), max_length=120)
    model = models.CharField(_("model"), max_length=120, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)
    # Somebody of the team wants to see it no more.
    ignored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("device seen")
        verbose_name_plural = _("devices seen")
        ordering = ["-last_seen_at"]
        constraints = [models.UniqueConstraint(fields=["kind", "topic"], name="device_seen_once")]

    def __str__(self) -> str:
        return self.label
