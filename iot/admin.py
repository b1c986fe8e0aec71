from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fablab.lib.read_only_admin import KeptAdmin, ReadOnlyAdmin
from iot.models import Device, QuarantinedMessage, UsageSession
from iot.services import refresh_broker, revoke


@admin.action(description=_("Revoke: shut out at once"))
def revoke_devices(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    for device in queryset:
        revoke(device=device, now=timezone.now())


@admin.register(Device)
class DeviceAdmin(KeptAdmin):
    list_display = ["slug", "machine", "kind", "is_online", "last_seen_at", "revoked_at"]
    actions = [revoke_devices]

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(refresh_broker)


@admin.register(UsageSession)
class UsageSessionAdmin(ReadOnlyAdmin):
    list_display = ["machine", "person", "start", "end", "stop_reason"]
    list_select_related = ["machine", "person"]


@admin.register(QuarantinedMessage)
class QuarantinedMessageAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "device", "topic", "code", "size_bytes"]
    exclude = ["payload"]
