"""Devices for the team: one by one, those seen on the broker, what nobody could read, and access at the machines."""

from django.urls import path

from fablab.views import (
    manage_access,
    manage_device,
    manage_device_settings,
    manage_quarantine,
    manage_seen,
    settings_access,
)

_DEVICE = "manage/devices/<slug:slug>"
_MACHINE = "manage/machines/<slug:slug>/access"

urlpatterns = [
    path("manage/devices/", manage_device.devices, name="manage-devices"),
    path("manage/devices/seen/", manage_seen.seen, name="manage-devices-seen"),
    path("manage/devices/seen/<int:pk>/", manage_seen.attach, name="manage-device-attach"),
    path("manage/devices/seen/<int:pk>/ignore/", manage_seen.ignore, name="manage-device-ignore"),
    path(f"{_DEVICE}/", manage_device.device, name="manage-device"),
    path(f"{_DEVICE}/code/", manage_device.device_code, name="manage-device-code"),
    path(f"{_DEVICE}/order/", manage_device.device_order, name="manage-device-order"),
    path(f"{_DEVICE}/settings/", manage_device_settings.device_settings, name="manage-device-settings"),
    path(f"{_DEVICE}/thresholds/", manage_device.device_thresholds, name="manage-device-thresholds"),
    path("manage/quarantine/", manage_quarantine.quarantine, name="manage-devices-quarantine"),
    path("manage/quarantine/again/", manage_quarantine.again, name="manage-devices-replay"),
    path(f"{_MACHINE}/", manage_access.access, name="manage-access"),
    path(f"{_MACHINE}/list.csv", manage_access.table, name="manage-access-csv"),
    path("manage/settings/machines/<slug:slug>/access/", settings_access.access, name="settings-access"),
]
