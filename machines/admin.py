from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fablab.lib.read_only_admin import KeptAdmin
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
from machines.photos import NotAPhoto, reencoded


@admin.register(Machine)
class MachineAdmin(KeptAdmin):
    list_display = ["name", "category", "room", "retired_at"]
    list_filter = ["category", "room"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}

    def save_model(self, request: HttpRequest, obj: Machine, form: Any, change: bool) -> None:
        if "photo" in form.changed_data and form.cleaned_data["photo"]:
            # The form has read it as an image already; what cannot be drawn anew is not kept.
            try:
                picture = reencoded(form.cleaned_data["photo"].file)
                obj.photo.save(f"{obj.slug}.jpg", picture, save=False)
            except NotAPhoto:
                obj.photo = form.initial.get("photo")
                self.message_user(request, _("The photo could not be read and was left out."), messages.WARNING)
        super().save_model(request, obj, form, change)


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


admin.site.register([Category, Outage, Qualification, QualificationGrant, Room], KeptAdmin)
