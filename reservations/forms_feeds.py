"""What is typed for a calendar's address."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from people.models import Site

# No machine's address: those hold no dot.
WHOLE_PLACE = "."


class FeedForm(forms.Form):
    """What the address is for, so that it is known again when it is to be revoked."""

    label = forms.CharField(label=_("What for?"), max_length=80)

    examples = {"label": _("“My telephone”, “Screen at the entrance”. You will know it again when you revoke it.")}


class PlaceFeedForm(FeedForm):
    """Of the whole place, or of one machine."""

    whose = forms.ChoiceField(label=_("Whose reservations?"))

    field_order = ["whose", "label"]

    def __init__(self, *args: Any, machines: Iterable[Machine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._machines = {machine.slug: machine for machine in machines}
        names = [(slug, machine.name) for slug, machine in self._machines.items()]
        fields: Any = self.fields
        fields["whose"].choices = [(WHOLE_PLACE, _("the whole place")), *names]

    def machine(self) -> Machine | None:
        """The one that was chosen, or None for the whole place."""
        return self._machines.get(self.cleaned_data["whose"])


def machines_at(site: Site) -> Sequence[Machine]:
    """What a feed may be made of."""
    return list(Machine.objects.filter(unit__site=site, retired_at=None).order_by("name"))
