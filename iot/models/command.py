"""What a device was told to do, beside what it reports."""

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from iot.models.device import Device
from iot.purposes import MACHINE_ACCESS
from people.models import Person


class DeviceCommand(models.Model):
    """One order to a device: void after `expires_at`, carried out at most once, answered by the device itself."""

    class Kind(models.TextChoices):
        ENABLE = "enable", _("enable")
        DISABLE = "disable", _("disable")
        LOCK = "lock", _("lock")
        MESSAGE = "message", _("message")
        CONFIG = "set-config", _("settings")
        REBOOT = "reboot", _("restart")

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    data = models.JSONField(default=dict, blank=True)
    # Empty: the software itself, such as at the end of a session.
    by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    why = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    is_done = models.BooleanField(null=True, blank=True)
    answer = models.CharField(max_length=200, blank=True)

    personal_data = PersonalData(
        MACHINE_ACCESS,
        _("who of the team gave a device an order, and why"),
        retention.STAFF_DEEDS,
        subject="by",
        clock="created_at",
        free_text=("why", "data", "answer"),
    )

    class Meta:
        verbose_name = _("order to a device")
        verbose_name_plural = _("orders to devices")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(answered_at__isnull=True), name="command_waiting"),
            models.Index(fields=["device", "created_at"], name="command_device_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="command_expires_later"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, is_done__isnull=True)
                | Q(answered_at__isnull=False, is_done__isnull=False),
                name="command_answer_says_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.kind}"

    def state(self, now: dt.datetime) -> str:
        """`done`, `refused`, `expired`, `sent` or `waiting`: as far as anybody knows."""
        if self.answered_at is not None:
            return "done" if self.is_done else "refused"
        if self.expires_at <= now:
            return "expired"
        return "sent" if self.sent_at is not None else "waiting"
