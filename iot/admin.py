from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from iot.models import Device, QuarantinedMessage, UsageSession
from iot.services import refresh_broker, revoke


@admin.action(description=_("Revoke: shut out at once"))
def revoke_devices(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    for device in queryset:
        revoke(device=device, now=timezone.now())


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    list_display = ["slug", "machine", "kind", "is_online", "last_seen_at", "revoked_at"]
    actions = [revoke_devices]

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        refresh_broker()


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(UsageSession)
class UsageSessionAdmin(ReadOnlyAdmin):
    list_display = ["machine", "person", "start", "end", "stop_reason"]
    list_select_related = ["machine", "person"]


@admin.register(QuarantinedMessage)
class QuarantinedMessageAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "device", "topic", "code", "size_bytes"]
    exclude = ["payload"]
