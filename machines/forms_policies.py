"""What a manager types about a rule for some: for whom, on what, and only what differs."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.forms import LENGTH_EXAMPLES
from machines.length_field import LengthField
from machines.models import BookingPolicy, Machine
from machines.models.booking_settings import GRID_CHOICES, POLICY_NAMES
from machines.rule_fields import RULE_EXAMPLES, RULE_LABELS, WHO_NAMES, YES_NO_NAMES, mark_numbers, yes_no_field
from people.models import PersonGroup, Site

SCOPE_NAMES = ("group", "category", "machine", "site")
LENGTHS = ("shortest", "longest", "notice", "window", "change_notice", "cancel_notice", "rest")
SAYS_NOTHING = _("says nothing")
SCOPE_LABELS: dict[str, str | Promise] = {
    "group": _("For whom"),
    "category": _("On which kind of machine"),
    "machine": _("On one machine only"),
    "site": _("At which place"),
}
EVERY: dict[str, str | Promise] = {
    "group": _("everybody"),
    "category": _("every kind"),
    "machine": _("no: on all of them"),
    "site": _("every place"),
}


def choose_scope(form: forms.ModelForm, sites: Sequence[Site]) -> None:
    """Offer groups, categories, and the machines and places of these sites; say what an empty choice means."""
    machines = Machine.objects.filter(Q(retired_at=None) | Q(pk=form.instance.machine_id), unit__site__in=sites)
    querysets: dict[str, Any] = {
        "group": PersonGroup.objects.all(),
        "machine": machines.select_related("unit__site").order_by("unit__site__name", "name"),
        "site": Site.objects.filter(pk__in=[site.pk for site in sites]).order_by("name"),
    }
    for name in SCOPE_NAMES:
        field: Any = form.fields[name]
        field.queryset = querysets.get(name, field.queryset)
        field.empty_label, field.label = EVERY[name], SCOPE_LABELS[name]
    if len(sites) > 1:
        machine: Any = form.fields["machine"]
        machine.label_from_instance = lambda row: f"{row.name} ({row.site.name})"


def check_machine_scope(form: forms.ModelForm, data: dict[str, Any]) -> None:
    """A machine has its site and category already."""
    if data.get("machine") and (data.get("site") or data.get("category")):
        form.add_error("machine", _("A machine has its place and its category already: leave these two empty."))


class PolicyForm(forms.ModelForm):
    """Scope and values; an empty value says nothing."""

    examples = (
        LENGTH_EXAMPLES
        | RULE_EXAMPLES
        | {
            "group": _("“Members”: those with this role at the place. A plan or community: those put into it by hand."),
            "category": _("“Laser cutters”, for those only. Every kind: whatever the machine."),
            "machine": _("A group may have more time on one machine than on its twins."),
            "site": _("One place only, when it does otherwise than the others."),
        }
    )
    parts = (
        (_("For whom, and where"), SCOPE_NAMES),
        (_("How long and when"), ("longest", "shortest", "window", "notice", "grid_min", "rest")),
        (_("Who may"), WHO_NAMES),
        (_("Moving and cancelling"), ("change_notice", "cancel_notice")),
    )

    class Meta:
        model = BookingPolicy
        fields = [*SCOPE_NAMES, *POLICY_NAMES]
        field_classes = dict.fromkeys(LENGTHS, LengthField)
        labels = RULE_LABELS

    def __init__(self, *args: Any, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose_scope(self, sites)
        for name in YES_NO_NAMES:
            self.fields[name] = yes_no_field(self.fields[name].label, SAYS_NOTHING)
        self.fields["grid_min"] = forms.TypedChoiceField(
            label=self.fields["grid_min"].label, required=False, coerce=int, empty_value=None,
            choices=[("", SAYS_NOTHING), *GRID_CHOICES],
        )  # fmt: skip
        mark_numbers(self.fields)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        check_machine_scope(self, data)
        shortest, longest = data.get("shortest"), data.get("longest")
        if shortest is not None and longest is not None and longest < shortest:
            self.add_error("longest", _("The longest reservation is at least as long as the shortest."))
        if data.get("machine") and not data.get("group"):
            words = _("What holds for everybody on one machine is set on the machine itself. Say for which group.")
            self.add_error("group", words)
        elif not data.get("group") and not data.get("site"):
            self.add_error("group", _("Say for whom, or at which place, the rule differs."))
        return data
