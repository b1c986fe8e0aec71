"""What a fab manager types about how a 3D printer is reached."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class PrinterForm(forms.Form):
    """Its address and key; the key is written and never shown."""

    base_url = forms.CharField(label=_("Address of OctoPrint"), max_length=200)
    api_key = forms.CharField(
        label=_("Key"),
        max_length=512,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=_("It is kept encrypted and never shown again."),
    )
    is_enabled = forms.BooleanField(label=_("People may send prints to it"), required=False, initial=True)

    examples = {
        "base_url": _("http://192.168.1.20, or http://octopi.local: what you type in a browser to see OctoPrint."),
        "api_key": _("In OctoPrint: Settings, Application Keys, “fablab”, Generate. A user of its own is best."),
        "is_enabled": _("Untick it while the printer is being rebuilt: no print is sent, what waits goes on waiting."),
    }

    def __init__(self, *args: Any, has_key: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_key:
            self.fields["api_key"].help_text = _("A key is stored. Leave this empty to keep it.")
