"""How many of each template, and where: one line of the page for each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from fablab.first_run.machines import Wish
from machines.machine_templates import TEMPLATES, MachineTemplate
from machines.models import Machine, Room

MOST_OF_A_KIND = 50
AS_THEY_ARE = "as-they-are"


@dataclass(frozen=True, slots=True)
class Line:
    """A template with its two controls; `room` is None while the lab has no rooms."""

    template: MachineTemplate
    count: BoundField
    room: BoundField | None


class MachinesForm(forms.Form):
    """Filled with what is there, so that saving it again changes nothing."""

    def __init__(
        self, *args: Any, rooms: Sequence[Room], there: Mapping[str, Sequence[Machine]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rooms = {str(room.pk): room for room in rooms}
        for template in TEMPLATES:
            machines = there[template.slug]
            self.fields[_count_name(template)] = forms.IntegerField(
                label=template.name, min_value=0, max_value=max(MOST_OF_A_KIND, len(machines)), initial=len(machines),
                required=False, widget=forms.NumberInput({"inputmode": "numeric"}),
            )  # fmt: skip
            if rooms:
                self.fields[_room_name(template)] = self._room_field(template, machines)

    def _room_field(self, template: MachineTemplate, machines: Sequence[Machine]) -> forms.ChoiceField:
        places = {str(machine.room_id or "") for machine in machines}
        choices = [("", _("No room")), *((pk, room.name) for pk, room in self.rooms.items())]
        if len(places) > 1:
            choices = [(AS_THEY_ARE, _("As they are now")), *choices]
        first_room = next(iter(self.rooms))
        initial = AS_THEY_ARE if len(places) > 1 else next(iter(places), first_room)
        return forms.ChoiceField(
            label=_("Room of: %(machines)s") % {"machines": template.name},
            choices=choices, initial=initial, required=False,
        )  # fmt: skip

    def lines(self) -> Iterator[Line]:
        for template in TEMPLATES:
            room = self[_room_name(template)] if self.rooms else None
            yield Line(template, self[_count_name(template)], room)

    def wishes(self) -> list[Wish]:
        """What was asked for; an empty number is none at all."""
        found = []
        for template in TEMPLATES:
            room = self.cleaned_data.get(_room_name(template), "")
            count = self.cleaned_data[_count_name(template)] or 0
            found.append(Wish(template, count, self.rooms.get(room), keeps_rooms=room == AS_THEY_ARE or not self.rooms))
        return found


def _count_name(template: MachineTemplate) -> str:
    return f"{template.slug}-count"


def _room_name(template: MachineTemplate) -> str:
    return f"{template.slug}-room"
