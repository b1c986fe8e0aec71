"""What is written when something leaves the place, and when it comes back."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from reservations.models import Condition, LoanItem

NOT_TICKED = _("Not ticked yet: how does it look?")


def field_of(machine: Machine) -> str:
    return f"thing-{machine.pk}"


class ChecklistForm(forms.Form):
    """A condition for each thing, and what was said. Nothing is chosen beforehand: each is looked at."""

    note = forms.CharField(label=_("What was said"), max_length=240, required=False)

    def __init__(self, *args: Any, things: Sequence[Machine], whole: Machine | None, **kwargs: Any) -> None:
        """`whole` cannot be missing: without it nothing is handed over."""
        super().__init__(*args, **kwargs)
        self.things = list(things)
        for machine in self.things:
            choices = [row for row in Condition.choices if row[0] != Condition.MISSING or machine != whole]
            self.fields[field_of(machine)] = forms.TypedChoiceField(
                label=machine.name, choices=choices, coerce=int, widget=forms.RadioSelect,
                error_messages={"required": NOT_TICKED},
            )  # fmt: skip
        self.order_fields([*(field_of(machine) for machine in self.things), "note"])

    @property
    def rows(self) -> list[tuple[Machine, forms.BoundField]]:
        """Each thing with its field, in order."""
        return [(machine, self[field_of(machine)]) for machine in self.things]

    @property
    def conditions(self) -> dict[int, Condition]:
        """By the key of each machine; call after `is_valid`."""
        return {machine.pk: Condition(self.cleaned_data[field_of(machine)]) for machine in self.things}

    @property
    def ticked(self) -> int:
        """How many things have a condition by now."""
        return sum(bool(field.value()) for _machine, field in self.rows)


class PhotoForm(forms.Form):
    """A photo of one of the things."""

    item = forms.ModelChoiceField(LoanItem.objects.none(), label=_("Of what?"), empty_label=None)
    picture = forms.FileField(
        label=_("Photo"),
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp", "capture": "environment"}),
    )

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].queryset = items  # type: ignore[attr-defined]


def scanned(text: str, things: Sequence[Machine]) -> Machine | None:
    """The thing whose short name, name or address a scanner has typed."""
    word = text.strip().split("?")[0].rstrip("/").rpartition("/")[2].casefold()
    if not word:
        return None
    return next((machine for machine in things if word in (machine.slug.casefold(), machine.name.casefold())), None)


def with_tick(data: QueryDict, machine: Machine | None) -> dict[str, Any]:
    """What was sent, with this thing ticked as good unless something else was said of it."""
    kept = {name: value for name, value in data.items() if name != "scan"}
    if machine is not None:
        kept.setdefault(field_of(machine), str(Condition.GOOD.value))
    return kept
