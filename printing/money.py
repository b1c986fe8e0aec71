"""Euros as people type them, cents as they are kept."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

CENTS = 100


class EurosField(forms.DecimalField):
    """Typed as 2.50 or 2,50, with or without its sign; its value is whole cents."""

    default_error_messages = {
        "invalid": _("Write it in euros, like 2.50."),
        "max_decimal_places": _("Write no more than two digits after the point."),
    }

    def __init__(self, *, most_euros: int, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(min_value=0, max_value=most_euros, decimal_places=2, **kwargs)

    def clean(self, value: Any) -> int:
        text = "".join(str(value or "").split()).replace("€", "").replace(",", ".")
        euros = super().clean(text)
        return int(euros * CENTS) if euros is not None else 0

    def prepare_value(self, value: Any) -> Any:
        return number_format(Decimal(value) / CENTS, 2) if isinstance(value, int) else value
