"""How a device of ours behaves, as far as the lab may say: sent to it with a version of its own."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class DeviceSettingsForm(forms.Form):
    """Bounds and what it comes with are those of the agent itself: see `iot/agent/settings.py`."""

    language = forms.ChoiceField(label=_("Language of its display"), choices=settings.LANGUAGES, initial="fr")
    denied_for_s = forms.IntegerField(label=_("A refusal is shown for (seconds)"), min_value=1, max_value=60, initial=8)
    reading_every_s = forms.IntegerField(
        label=_("It tells what it measures every (seconds)"), min_value=5, max_value=3600, initial=60
    )
    idle_after_s = forms.IntegerField(
        label=_("Idle once its busy signal was off for (seconds)"), min_value=0, max_value=600, initial=10
    )
    heartbeat_s = forms.IntegerField(
        label=_("A sign of life at least every (seconds)"), min_value=5, max_value=60, initial=15
    )

    examples = {
        "denied_for_s": _("8 seconds: long enough to read why, short enough for the next one."),
        "reading_every_s": _("60 seconds for a machine, 10 for a curve with every detail."),
        "idle_after_s": _("10 seconds: a head that travels between two cuts is still the same work."),
        "heartbeat_s": _("15 seconds. “No news” comes only after the time that is set with its thresholds."),
    }

    def __init__(self, data: Any = None, *, config: dict[str, Any]) -> None:
        super().__init__(data, initial={name: value for name, value in config.items() if name in self.base_fields})
