from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from iot.models.device import Device
from iot.purposes import MESSAGES


class InboxMessage(models.Model):
    """A message as it came, committed before it is acknowledged; sessions and readings are derived from it."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="inbox")
    boot = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    leaf = models.CharField(max_length=12)
    device_at = models.CharField(max_length=40)
    uptime_s = models.FloatField()
    payload = models.BinaryField()
    received_at = models.DateTimeField(db_index=True)
    # A message whose data was quarantined fills its place in the numbering and is derived from no more.
    is_void = models.BooleanField(default=False)

    personal_data = PersonalData(
        MESSAGES,
        _("what a device sent, badge numbers replaced by a mark"),
        retention.INBOX,
        clock="received_at",
        fate=Fate.DELETED,
        free_text=("payload",),
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "boot", "seq"], name="inbox_message_once")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.boot} {self.seq}"


class QuarantinedMessage(models.Model):
    """A message that could not be read or used, with its reason; shown to the manager, never dropped silently."""

    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE, related_name="quarantine")
    topic = models.CharField(_("topic"), max_length=200)
    payload = models.BinaryField()
    size_bytes = models.PositiveIntegerField(_("size"))
    code = models.CharField(_("reason"), max_length=40)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received"), db_index=True)
    # Tried again, after a driver was mended: nothing when it still cannot be read.
    replayed_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        MESSAGES,
        _("what a device sent and nobody could read, badge numbers taken out"),
        retention.QUARANTINE,
        clock="received_at",
        fate=Fate.DELETED,
        free_text=("payload", "topic", "detail"),
    )

    class Meta:
        verbose_name = _("quarantined message")
        verbose_name_plural = _("quarantined messages")
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.code} {self.topic}"
