"""What a fab manager types about a device."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from iot.drivers import FOREIGN
from iot.models import Device, DriverKind
from machines.length_field import LengthField, LengthWidget
from machines.models import Machine

DEVICE_UNITS = ("s", "min", "h")
LENGTH_NAMES = ("silent_after", "busy_after", "idle_after")


class DeviceLengthField(LengthField):
    """In seconds, minutes or hours."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = LengthWidget(DEVICE_UNITS)
        super().__init__(units=DEVICE_UNITS, **kwargs)


class DeviceForm(forms.ModelForm):
    """What reports for a machine, and from which power on the machine counts as busy."""

    examples = {
        "name": _("“Plug of the laser”: the words in the list of devices."),
        "kind": _("“Our agent” runs on a computer beside the machine. A metering plug is bought and measures power."),
        "topic": _("“plug-04”: what the plug’s own page shows as “Topic”. Our agent needs none; others: see below."),
        "silent_after": _("A plug that reports every 10 seconds: 60 seconds. Untouched, it follows the kind."),
        "busy_w": _("A laser cutter draws 30 W when it waits and 400 W when it cuts: busy from 100 W."),
        "idle_w": _("A little below “busy”: 60 W. Between the two nothing changes, so that it does not flicker."),
        "busy_after": _("10 seconds: switching on the light in the machine does not count as use."),
        "idle_after": _("60 seconds: a short pause between two cuts is still the same use."),
    }
    parts = (
        (_("What it is"), ("name", "kind", "machine", "topic")),
        (_("When is the machine in use?"), ("busy_w", "busy_after", "idle_w", "idle_after", "silent_after")),
    )

    class Meta:
        model = Device
        fields = ["name", "kind", "machine", "topic", "busy_w", "busy_after", "idle_w", "idle_after", "silent_after"]
        field_classes = dict.fromkeys(LENGTH_NAMES, DeviceLengthField)

    def __init__(self, *args: Any, machines: QuerySet[Machine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["machine"]
        field.queryset, field.required, field.empty_label = machines, True, None
        self.fields["name"].required = True
        if self.instance.pk:
            # Its topics and its credential follow from the kind: another kind is another device.
            del self.fields["kind"]
            if self.instance.kind == DriverKind.FABLAB:
                del self.fields["topic"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind") or self.instance.kind
        if kind == DriverKind.FABLAB:
            data["topic"] = ""
        elif kind in FOREIGN and "topic" not in self.errors:
            self._check_topic(kind, data)
        busy_w, idle_w = data.get("busy_w"), data.get("idle_w")
        if busy_w is not None and idle_w is not None and idle_w > busy_w:
            self.add_error("idle_w", _("The idle threshold is not above the busy one."))
        return data

    def _check_topic(self, kind: str, data: dict[str, Any]) -> None:
        topic, driver = data.get("topic"), FOREIGN[kind]
        if not topic:
            self.add_error("topic", _("Write the topic that is set on the device."))
        elif not driver.writes(topic):
            self.add_error("topic", _("No device of this kind can have that topic: look below how it is written."))
        if not self.instance.pk and "silent_after" not in self.changed_data:
            data["silent_after"] = driver.QUIET_FOR
