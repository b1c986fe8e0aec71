"""What somebody of the team says of a machine that does not work."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from machines.models import Machine, Outage


class FaultForm(forms.Form):
    """Which machine, how bad, and what was seen. It begins now and lasts until somebody lifts it."""

    machine = forms.ModelChoiceField(label=_("Machine"), queryset=Machine.objects.none(), to_field_name="slug")
    kind = forms.ChoiceField(
        label=_("How is it?"),
        choices=[
            (Outage.Kind.FAULT, _("Broken: it does not work")),
            (Outage.Kind.TO_CHECK, _("To be checked: somebody looks at it before it is used again")),
        ],
        widget=forms.RadioSelect,
        initial=Outage.Kind.FAULT,
    )
    reason = forms.CharField(label=_("What did you see?"), max_length=200)

    examples = {
        "reason": _("“It makes a loud noise and stops.” Nothing about a person: the team reads it."),
    }

    def __init__(self, *args: Any, machines: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["machine"]
        field.queryset, field.empty_label = machines, _("choose a machine")
