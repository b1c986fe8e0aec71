"""What is taken along with a machine or a room: an extractor, the machines of a room, what is in a kit."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.changes import note_change
from fablab.lib.queries import query_word
from fablab.views.roles import for_role
from fablab.views.settings_places import refusals_beside
from machines.forms_rota import GoesWithForm
from machines.models import Machine, Room, Unit, UnitPart
from machines.parts import set_parts
from people.models import Site
from people.permissions import is_manager
from people.signed_in import signed_in


@dataclass(frozen=True, slots=True)
class Thing:
    """A machine or a room, with the unit that reservations hold."""

    name: str
    unit: Unit
    site: Site
    kind: str
    slug: str


def _thing_there(request: HttpRequest, kind: str, slug: str) -> Thing:
    if kind == "machines":
        machine = get_object_or_404(Machine.objects.with_places(), slug=slug)
        thing = Thing(machine.name, machine.unit, machine.site, kind, slug)
    else:
        room = get_object_or_404(Room.objects.select_related("unit", "site").exclude(unit=None), slug=slug)
        thing = Thing(room.name, room.unit, room.site, kind, slug)  # type: ignore[arg-type]
    if not is_manager(request.user, thing.site):
        raise PermissionDenied
    return thing


@for_role(is_manager)
def goes_with(request: HttpRequest, kind: str, slug: str) -> HttpResponse:
    """What goes with it, in words, and a form for one thing more."""
    thing = _thing_there(request, kind, slug)
    rows, names = _rows_of(thing), _names_at(thing.site)
    known = {row.part_id for row in rows} | {thing.unit.pk}
    form = GoesWithForm(request.POST or None, choices=[(str(pk), n) for pk, n in names.items() if pk not in known])
    if request.method == "POST" and form.is_valid():
        part = Unit.objects.get(pk=int(form.cleaned_data["part"]))
        is_shared = form.cleaned_data["how"] == GoesWithForm.SHARED
        with refusals_beside(form):
            _write(request, thing, [*((row.part, row.is_shared) for row in rows), (part, is_shared)])
            messages.success(request, _("Added. It counts for reservations from now on."))
            return redirect("settings-goes-with", kind, slug)
    context = {
        "thing": thing,
        "parts": [(row, names.get(row.part_id, "")) for row in rows],
        "wholes": [names[row.whole_id] for row in _wholes_of(thing) if row.whole_id in names],
        "form": form,
        "has_choice": len(known) < len(names),
        "back": reverse("settings-machine" if kind == "machines" else "settings-room", args=[slug]),
    }
    return render(request, "fablab/opening/goes_with.html", context)


@require_POST
@for_role(is_manager)
def goes_with_remove(request: HttpRequest, kind: str, slug: str) -> HttpResponse:
    """It is no longer taken along. Reservations that exist keep what they hold."""
    thing = _thing_there(request, kind, slug)
    gone = query_word(request.POST, "part")
    _write(request, thing, [(row.part, row.is_shared) for row in _rows_of(thing) if str(row.part_id) != gone])
    messages.success(request, _("Removed. Reservations that exist keep what they hold."))
    return redirect("settings-goes-with", kind, slug)


def _write(request: HttpRequest, thing: Thing, parts: list[tuple[Unit, bool]]) -> None:
    set_parts(
        whole=thing.unit,
        exclusive=[part for part, is_shared in parts if not is_shared],
        shared=[part for part, is_shared in parts if is_shared],
    )
    note_change("what goes with", thing.unit, signed_in(request))


def _rows_of(thing: Thing) -> list[UnitPart]:
    return list(UnitPart.objects.filter(whole=thing.unit).select_related("part").order_by("pk"))


def _wholes_of(thing: Thing) -> list[UnitPart]:
    return list(UnitPart.objects.filter(part=thing.unit).order_by("pk"))


def _names_at(site: Site) -> dict[int, str]:
    """Machines and rooms of the site by unit, machines first. Two queries."""
    machines = Machine.objects.filter(unit__site=site, retired_at=None).order_by("name").values_list("unit_id", "name")
    rooms = Room.objects.filter(site=site, unit__isnull=False).order_by("name").values_list("unit_id", "name")
    return dict(machines) | {pk: _("%(room)s (room)") % {"room": name} for pk, name in rooms if pk is not None}
