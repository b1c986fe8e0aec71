"""What a fab manager sets: site, hours, rooms, categories, machines, devices, roles, modules, texts."""

from django.urls import path

from fablab.views import (
    settings_devices,
    settings_index,
    settings_kinds,
    settings_machines,
    settings_opening,
    settings_outages,
    settings_printer,
    settings_roles,
    settings_rooms,
    settings_site,
    settings_unfit,
)

_SITE = "manage/settings/places/<slug:slug>"

urlpatterns = [
    path("manage/settings/", settings_index.index, name="settings"),
    path("manage/settings/new-place/", settings_site.site_new, name="settings-site-new"),
    path(f"{_SITE}/", settings_site.site, name="settings-site"),
    path(f"{_SITE}/hours/", settings_opening.hours, name="settings-hours"),
    path(f"{_SITE}/closures/", settings_opening.closures, name="settings-closures"),
    path(f"{_SITE}/closures/remove/", settings_opening.closure_remove, name="settings-closure-remove"),
    path(f"{_SITE}/calls/", settings_unfit.calls, name="settings-calls"),
    path(f"{_SITE}/calls/act/", settings_unfit.act, name="settings-calls-act"),
    path(f"{_SITE}/rooms/", settings_rooms.rooms, name="settings-rooms"),
    path(f"{_SITE}/machines/", settings_machines.machines, name="settings-machines"),
    path(f"{_SITE}/machines/new/", settings_machines.machine_new, name="settings-machine-new"),
    path(f"{_SITE}/labels/", settings_machines.labels, name="settings-labels"),
    path(f"{_SITE}/outages/", settings_outages.outages, name="settings-outages"),
    path(f"{_SITE}/team/", settings_roles.roles, name="settings-roles"),
    path(f"{_SITE}/team/grant/", settings_roles.role_grant, name="settings-role-grant"),
    path("manage/settings/team/<int:pk>/revoke/", settings_roles.role_revoke, name="settings-role-revoke"),
    path("manage/settings/rooms/<slug:slug>/", settings_rooms.room, name="settings-room"),
    path("manage/settings/rooms/<slug:slug>/remove/", settings_rooms.room_remove, name="settings-room-remove"),
    path("manage/settings/machines/<slug:slug>/", settings_machines.machine, name="settings-machine"),
    path(
        "manage/settings/machines/<slug:slug>/retire/", settings_machines.machine_retire, name="settings-machine-retire"
    ),
    path(
        "manage/settings/machines/<slug:slug>/return/", settings_machines.machine_return, name="settings-machine-return"
    ),
    path("manage/settings/machines/<slug:slug>/printer/", settings_printer.printer, name="settings-printer"),
    path(
        "manage/settings/machines/<slug:slug>/printer/key/", settings_printer.printer_key, name="settings-printer-key"
    ),
    path("manage/settings/outages/<int:pk>/lift/", settings_outages.outage_lift, name="settings-outage-lift"),
    path("manage/settings/categories/", settings_kinds.categories, name="settings-categories"),
    path("manage/settings/new-category/", settings_kinds.category_new, name="settings-category-new"),
    path("manage/settings/categories/<slug:slug>/", settings_kinds.category, name="settings-category"),
    path(
        "manage/settings/categories/<slug:slug>/remove/",
        settings_kinds.category_remove,
        name="settings-category-remove",
    ),
    path("manage/settings/qualifications/", settings_kinds.qualifications, name="settings-qualifications"),
    path("manage/settings/new-qualification/", settings_kinds.qualification_new, name="settings-qualification-new"),
    path("manage/settings/qualifications/<slug:slug>/", settings_kinds.qualification, name="settings-qualification"),
    path(
        "manage/settings/qualifications/<slug:slug>/remove/",
        settings_kinds.qualification_remove,
        name="settings-qualification-remove",
    ),
    path("manage/settings/devices/", settings_devices.devices, name="settings-devices"),
    path("manage/settings/new-device/", settings_devices.device_new, name="settings-device-new"),
    path("manage/settings/devices/<slug:slug>/", settings_devices.device, name="settings-device"),
    path("manage/settings/devices/<slug:slug>/revoke/", settings_devices.device_revoke, name="settings-device-revoke"),
    path("manage/settings/printers/", settings_printer.printers, name="settings-printers"),
    path("manage/settings/modules/", settings_site.modules, name="settings-modules"),
    path("manage/settings/texts/", settings_site.texts, name="settings-texts"),
]
