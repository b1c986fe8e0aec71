from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from machines.models import (
    Category,
    Machine,
    OpeningException,
    OpeningHours,
    Outage,
    Qualification,
    QualificationGrant,
    Room,
    Unit,
)


@admin.register(Machine)
class MachineAdmin(admin.ModelAdmin):
    list_display = ["name", "category", "room", "retired_at"]
    list_filter = ["category", "room"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Unit)
class UnitAdmin(admin.ModelAdmin):
    list_display = ["pk", "site", "kind", "machine"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OpeningHours)
class OpeningHoursAdmin(admin.ModelAdmin):
    list_display = ["site", "weekday", "opens", "closes"]
    list_filter = ["site"]


@admin.register(OpeningException)
class OpeningExceptionAdmin(admin.ModelAdmin):
    list_display = ["site", "date", "opens", "closes", "title"]


for model in (Category, Outage, Qualification, QualificationGrant, Room):
    admin.site.register(model)
