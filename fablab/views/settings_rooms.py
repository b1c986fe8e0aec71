"""Settings: the rooms of a site."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.views.roles import for_role
from fablab.views.settings_places import parts_of, refusals_beside, site_there
from machines.errors import MachinesError
from machines.forms import RoomForm
from machines.models import Room
from machines.services import create_room, remove_room, rename_room
from people.permissions import is_manager
from people.signed_in import signed_in


@for_role(is_manager)
def rooms(request: HttpRequest, slug: str) -> HttpResponse:
    """The site's rooms, and a form for one more."""
    site = site_there(request, slug)
    form = RoomForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            create_room(site=site, name=form.cleaned_data["name"], by=signed_in(request))
            messages.success(request, _("The room is added."))
            return redirect("settings-rooms", site.slug)
    in_use = Count("machines", filter=Q(machines__retired_at=None))
    rows = Room.objects.filter(site=site).annotate(count=in_use)
    return render(request, "fablab/settings/rooms.html", {"site": site, "rooms": rows, "form": form})


def room_there(request: HttpRequest, slug: str) -> Room:
    """The room of the address, which the person must manage."""
    room = get_object_or_404(Room.objects.select_related("site", "unit"), slug=slug)
    if not is_manager(request.user, room):
        raise PermissionDenied
    return room


@for_role(is_manager)
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """Another name, or away with it."""
    found = room_there(request, slug)
    name = found.name
    form = RoomForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            rename_room(room=form.instance, name=form.cleaned_data["name"], by=signed_in(request))
            messages.success(request, _("Saved."))
            return redirect("settings-rooms", found.site.slug)
    context = {
        "title": name,
        "parts": parts_of(form),
        "form": form,
        "back": {"url": reverse("settings-rooms", args=[found.site.slug]), "words": _("Rooms")},
        "links": [(reverse("settings-goes-with", args=["rooms", found.slug]), _("What goes with it"))],
        "remove": {
            "url": reverse("settings-room-remove", args=[found.slug]),
            "words": _("Remove the room"),
            "question": _("It leaves the list. A room with machines or reservations stays."),
        },
    }
    return render(request, "fablab/settings/edit.html", context)


@require_POST
@for_role(is_manager)
def room_remove(request: HttpRequest, slug: str) -> HttpResponse:
    found = room_there(request, slug)
    try:
        remove_room(room=found, by=signed_in(request))
    except MachinesError as refused:
        messages.error(request, refused.sentence)
        return redirect("settings-room", found.slug)
    messages.success(request, _("The room is removed."))
    return redirect("settings-rooms", found.site.slug)
