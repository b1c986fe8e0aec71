"""Settings: what a machine asks for at the machine itself, with what that means in sentences."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.views.roles import for_role
from fablab.views.settings_places import machine_there, parts_of, refusals_beside
from iot.access_services import set_access
from iot.forms_access import AccessForm, access_words
from iot.models import Device, DriverKind, MachineAccess
from people.permissions import is_manager
from people.signed_in import signed_in


@for_role(is_manager)
def access(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; what it means as it stands, or as it was typed and not saved yet (`preview`)."""
    machine = machine_there(request, slug)
    known = MachineAccess.objects.filter(machine=machine).first() or MachineAccess(machine=machine)
    meaning = access_words(known, machine)
    form = AccessForm(request.POST or None, instance=known)
    is_preview = "preview" in request.POST
    if request.method == "POST" and form.is_valid():
        meaning = access_words(form.instance, machine)
        if not is_preview:
            with refusals_beside(form):
                set_access(machine=machine, by=signed_in(request), now=timezone.now(), **form.cleaned_data)
                messages.success(request, _("Saved. It holds from the next badge on."))
                return redirect("settings-machine", machine.slug)
    context = {
        "title": _("Access at “%(machine)s”") % {"machine": machine.name},
        "lead": _("What it asks for when somebody stands before it with a badge or a code."),
        "machine": machine,
        "parts": parts_of(form),
        "form": form,
        "meaning": meaning,
        "is_preview": is_preview and not form.errors,
        "has_reader": Device.objects.filter(machine=machine, kind=DriverKind.FABLAB, revoked_at=None).exists(),
        "back": {"url": reverse("settings-machine", args=[machine.slug]), "words": machine.name},
    }
    return render(request, "fablab/settings/access.html", context, status=400 if form.errors else 200)
