"""What is typed for a calendar that somebody else keeps of a machine."""

from django import forms
from django.utils.translation import gettext_lazy as _


class CalendarInForm(forms.Form):
    """Whose calendar it is, and its secret address."""

    name = forms.CharField(label=_("Whose calendar?"), max_length=80)
    url = forms.CharField(
        label=_("Address of the calendar"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )

    examples = {
        "name": _("“Town hall”, “School”. The team reads it here; nobody else does."),
        "url": _(
            "In Google Calendar: Settings, the calendar, “Secret address in iCal format”. In Nextcloud: share the "
            "calendar, then copy the subscription link. It begins with https:// or webcal://."
        ),
    }
