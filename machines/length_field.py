"""How long, as people say it: a number and a unit. It becomes a timedelta."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
UNIT_WORDS = {"s": _("seconds"), "min": _("minutes"), "h": _("hours"), "d": _("days")}
BOOKING_UNITS = ("min", "h", "d")
# A PostgreSQL interval holds more; no setting of a lab does.
MOST_DAYS = 3_660


class LengthWidget(forms.MultiWidget):
    """The number and, beside it, the unit."""

    # Both belong to one label; the unit says by itself what it is.
    use_fieldset = False

    def __init__(self, units: tuple[str, ...] = BOOKING_UNITS, attrs: dict[str, Any] | None = None) -> None:
        self.units = units
        number = forms.NumberInput({"min": "0", "step": "any", "inputmode": "decimal"})
        unit = forms.Select({"aria-label": _("unit")}, choices=[(name, UNIT_WORDS[name]) for name in units])
        super().__init__([number, unit], attrs)

    def decompress(self, value: Any) -> list[Any]:
        """The largest unit of which it is a whole number: 90 minutes, but 2 hours."""
        if not isinstance(value, dt.timedelta):
            return [None, self.units[min(1, len(self.units) - 1)]]
        seconds = value.total_seconds()
        if not seconds:
            return [0, self.units[0]]
        unit = next((name for name in reversed(self.units) if seconds % SECONDS[name] == 0), self.units[0])
        number = seconds / SECONDS[unit]
        return [int(number) if number == int(number) else number, unit]

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0" if id_ else ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for part, words in zip(context["widget"]["subwidgets"], ("length-number", "length-unit"), strict=True):
            kind = part["attrs"].get("class", "")
            if words == "length-unit":
                kind = kind.replace("form-control", "form-select")
            part["attrs"]["class"] = f"{kind} {words}".strip()
        return context


class LengthField(forms.MultiValueField):
    """A length of time; nothing typed is None where the field is optional."""

    widget: Any = LengthWidget
    default_error_messages = {"too_long": _("That is longer than ten years.")}

    def __init__(self, *, units: tuple[str, ...] = BOOKING_UNITS, **kwargs: Any) -> None:
        required = kwargs.get("required", True)
        fields = (
            forms.FloatField(min_value=0, required=required),
            forms.ChoiceField(choices=[(name, UNIT_WORDS[name]) for name in units], required=required),
        )
        kwargs.setdefault("widget", LengthWidget(units))
        super().__init__(fields, require_all_fields=False, **kwargs)

    def clean(self, value: Any) -> dt.timedelta | None:
        # The unit always says something: only the number tells whether anything was typed.
        if not self.required and isinstance(value, list) and (not value or value[0] in (None, "")):
            return None
        return super().clean(value)

    def compress(self, data_list: list[Any]) -> dt.timedelta | None:
        if not data_list or data_list[0] in (None, ""):
            return None
        number, unit = data_list
        seconds = number * SECONDS[unit]
        if seconds > MOST_DAYS * SECONDS["d"]:
            raise ValidationError(self.error_messages["too_long"], code="too_long")
        return dt.timedelta(seconds=round(seconds))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.clean(data) != initial
        except ValidationError:
            return True
