"""Reservations are looked at here and changed on their own pages, where the rules are asked."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from reservations.models import Refusal, Reservation


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["machine", "holder", "start", "end", "status"]
    list_filter = ["status", "machine"]
    list_select_related = ["machine", "holder"]
    date_hierarchy = "start"


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    list_display = ["at", "machine", "codes", "origin"]
    list_select_related = ["machine"]
