from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fablab.lib.read_only_admin import ReadOnlyAdmin
from fablab.lib.secretbox import seal
from printing.models import Printer, PrintJob


class PrinterForm(forms.ModelForm):
    """The key is written, never shown."""

    api_key = forms.CharField(
        label=_("key"), required=False, widget=forms.PasswordInput, help_text=_("Leave empty to keep the one stored.")
    )

    class Meta:
        model = Printer
        fields = ["machine", "kind", "base_url", "is_enabled", "is_bed_clear"]


@admin.register(Printer)
class PrinterAdmin(admin.ModelAdmin):
    form = PrinterForm
    list_display = ["machine", "kind", "base_url", "is_enabled", "unreachable_since", "error_code"]

    def save_model(self, request: HttpRequest, obj: Printer, form: Any, change: bool) -> None:
        if form.cleaned_data.get("api_key"):
            obj.api_key_sealed = seal(form.cleaned_data["api_key"])
        super().save_model(request, obj, form, change)


@admin.register(PrintJob)
class PrintJobAdmin(ReadOnlyAdmin):
    list_display = ["machine", "file", "person", "state", "created_at"]
    list_select_related = ["machine", "file", "person"]
