"""What is written about badges and screens."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iot.models import Device
from people.forms_people import Examples, RefusableForm

# What the agent shows of a message, and what is kept of a reason.
LONGEST_MESSAGE = LONGEST_WHY = 200


class BadgeForm(RefusableForm):
    """At which reader it is tapped, and how to tell it from others."""

    reader = forms.ChoiceField(label=_("Reader"), widget=forms.RadioSelect)
    label = forms.CharField(label=_("How to recognise it"), max_length=60, required=False)

    examples: ClassVar[Examples] = {
        "reader": _("You have 15 seconds to tap the badge there: choose one that is near."),
        "label": _("Such as: blue key ring."),
    }

    def __init__(self, *args: Any, readers: Iterable[Device], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.readers = {device.slug: device for device in readers}
        choices = [(slug, _named(device)) for slug, device in self.readers.items()]
        self.fields["reader"].choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            self.fields["reader"].initial = choices[0][0]

    @property
    def chosen(self) -> Device:
        """The one that was chosen."""
        return self.readers[self.cleaned_data["reader"]]


def _named(device: Device) -> str:
    machine, name = str(device.machine or ""), str(device)
    return f"{machine} ({name})" if machine and machine != name else name


class MessageForm(RefusableForm):
    text = forms.CharField(label=_("Message"), max_length=LONGEST_MESSAGE)

    examples: ClassVar[Examples] = {"text": _("Such as: we close in ten minutes, please save your work.")}


class LockForm(RefusableForm):
    why = forms.CharField(label=_("Why"), max_length=LONGEST_WHY)

    examples: ClassVar[Examples] = {"why": _("Kept with the order, for the team only.")}
