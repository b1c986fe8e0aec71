"""Reservations are looked at here and changed on their own pages, where the rules are asked."""

from django.contrib import admin

from fablab.lib.read_only_admin import ReadOnlyAdmin
from reservations.models import Refusal, Reservation


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
