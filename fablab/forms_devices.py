"""What the team types on the pages of devices."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from iot.models import Device, DeviceCommand, DriverKind
from machines.models import Machine

Kind = DeviceCommand.Kind
WHY_MOST = 200
# A display holds so much; see docs/protocol.md.
TEXT_MOST = 200

# On the button, its drawing, and what it does.
ORDER_WORDS: dict[str, tuple[str | Promise, str, str | Promise]] = {
    Kind.ENABLE: (
        _("Put back in service"), "check2",
        _("Lifts a lock. It switches nothing on: a badge or the button at the machine does."),
    ),
    Kind.DISABLE: (
        _("Switch off"), "stop-fill",
        _("Whoever has it just now loses it. Ticked, it goes off once the machine has stopped working."),
    ),
    Kind.LOCK: (
        _("Lock"), "shield-lock",
        _("Nobody starts it until it is put back in service. What runs goes on to its end."),
    ),
    Kind.MESSAGE: (_("Show a message"), "pc-display", _("On its display, for 20 seconds.")),
    Kind.REBOOT: (
        _("Restart"), "arrow-repeat",
        _("The device itself, not the machine: about a minute. It refuses while somebody has the machine."),
    ),
}  # fmt: skip


# A plug knows no badge: it switches at once.
PLUG_WORDS: dict[str, tuple[str | Promise, str, str | Promise]] = {
    Kind.ENABLE: (_("Switch on"), "plug", _("Power comes at once. Refused where the machine can hurt.")),
    Kind.DISABLE: (_("Switch off"), "stop-fill", _("Power goes at once. Refused while the machine works.")),
    Kind.REBOOT: (
        _("Restart"), "arrow-repeat",
        _("The plug itself; it may cut the power for a moment. Refused while the machine works."),
    ),
}  # fmt: skip


def order_words(device: Device, kind: str) -> tuple[str, str, str]:
    """On the button, its drawing, and what it does; as the order stands for one that has no button."""
    ours = device.kind == DriverKind.FABLAB
    word, drawing, meaning = (ORDER_WORDS if ours else ORDER_WORDS | PLUG_WORDS).get(kind, (Kind(kind).label, "", ""))
    return str(word).capitalize(), drawing, str(meaning)


class OrderForm(forms.Form):
    """One order, with what goes along with it."""

    text = forms.CharField(label=_("Message"), max_length=TEXT_MOST)
    when_idle = forms.BooleanField(label=_("Only once it has stopped working"), required=False, initial=True)
    why = forms.CharField(
        label=_("Why"), max_length=WHY_MOST, help_text=_("Kept with the order, for whoever wonders later.")
    )

    def __init__(self, data: Any = None, *, kind: str, device: Device) -> None:
        super().__init__(data, auto_id=f"id_{kind}_%s")
        self.kind = Kind(kind)
        self.words, self.drawing, self.meaning = order_words(device, kind)
        if kind != Kind.MESSAGE:
            del self.fields["text"]
        else:
            del self.fields["why"]
        if kind != Kind.DISABLE or device.kind != DriverKind.FABLAB:
            del self.fields["when_idle"]


class ThresholdsForm(forms.Form):
    """What the last hour proposed, as the page showed it."""

    busy_w = forms.FloatField(min_value=0)
    idle_w = forms.FloatField(min_value=0)
    busy_after = forms.DurationField()
    idle_after = forms.DurationField()


class AttachForm(forms.ModelForm):
    """A device seen on the broker becomes one of a machine's."""

    class Meta:
        model = Device
        fields = ["name", "machine"]

    examples = {"name": _("“Plug of the laser”: the words in the list of devices.")}

    def __init__(self, *args: Any, machines: QuerySet[Machine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["machine"]
        field.queryset, field.required, field.empty_label = machines, True, None
        self.fields["name"].required = True
