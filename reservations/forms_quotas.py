"""What a manager types about a limit: for whom, on what, how much over which time."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from machines.forms_policies import SCOPE_NAMES, check_machine_scope, choose_scope
from people.models import Site
from reservations.models import Quota

# More hours than any period has.
MOST_AMOUNT = 10_000


class QuotaForm(forms.ModelForm):
    """A limit; hours are typed as hours and kept as minutes."""

    amount = forms.DecimalField(
        label=_("At most"), min_value=0, max_value=MOST_AMOUNT, decimal_places=2,
        widget=forms.NumberInput({"inputmode": "decimal", "step": "any", "min": "0"}),
    )  # fmt: skip

    examples = {
        "group": _("“Members” may have more than everybody: for them their limit replaces the other one."),
        "category": _("“Laser cutters”: what somebody holds of all of them together counts."),
        "machine": _("This machine alone counts."),
        "site": _("What somebody holds at this place counts. Every place: all of them together."),
        "amount": _("3, with reservations to come: whoever holds three uses one before they ask for the next."),
        "measure": _("Hours keep long times short; reservations keep the calendar from filling up."),
        "period": _("A week begins on Monday. To come: whatever is not over yet, however far ahead."),
        "is_peak_only": _("Evenings from 5 to 7 are wanted by all: only the hours inside them count."),
    }
    parts = (
        (_("For whom, and on what"), SCOPE_NAMES),
        (_("How much"), ("amount", "measure", "period", "is_peak_only")),
    )

    class Meta:
        model = Quota
        fields = [*SCOPE_NAMES, "measure", "period", "is_peak_only"]
        labels = {"measure": _("Counted in"), "period": _("Over which time")}
        widgets = {"measure": forms.RadioSelect, "period": forms.RadioSelect}

    def __init__(self, *args: Any, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_scope(self, sites)
        for name, choices in (("measure", Quota.Measure.choices), ("period", Quota.Period.choices)):
            field: Any = self.fields[name]
            field.choices = choices
        quota = self.instance
        if quota.most is not None:
            is_hours = quota.measure == Quota.Measure.MINUTES
            self.initial["amount"] = f"{quota.most / 60:g}" if is_hours else quota.most

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        check_machine_scope(self, data)
        measure, amount = data.get("measure"), data.pop("amount", None)
        if amount is not None and measure == Quota.Measure.COUNT and amount != int(amount):
            self.add_error("amount", _("Reservations are counted whole: 1, 2, 3 …"))
        elif amount is not None and measure:
            data["most"] = round(amount * 60) if measure == Quota.Measure.MINUTES else int(amount)
            self.instance.most = data["most"]
        if data.get("is_peak_only") and measure == Quota.Measure.COUNT:
            self.add_error("is_peak_only", _("Peak hours are counted in hours, not in reservations."))
        return data
