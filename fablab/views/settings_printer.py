"""Settings: how 3D printers are reached, and the key that OctoPrint gives when somebody clicks there."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fablab.views.roles import for_role
from fablab.views.settings_places import machine_there, own_machines, parts_of, refusals_beside
from machines.models import Machine
from people.permissions import is_manager
from people.signed_in import signed_in
from printing.forms_printer import PrinterForm
from printing.key_requests import stop_asking
from printing.may_print import is_drawn_as_printer
from printing.messages import failure_words
from printing.models import BackendKind, KeyRequest, Printer
from printing.printer_services import save_printer


@for_role(is_manager)
def printers(request: HttpRequest) -> HttpResponse:
    """The machines of one's sites with how each is reached, those without a connection after them."""
    rows = list(own_machines(request).select_related("printer__spool", "category"))
    context = {
        "connected": [row for row in rows if hasattr(row, "printer")],
        "others": [row for row in rows if not hasattr(row, "printer") and is_drawn_as_printer(row)],
        "no_printers": [row for row in rows if not hasattr(row, "printer") and not is_drawn_as_printer(row)],
    }
    return render(request, "fablab/settings/printers.html", context)


@for_role(is_manager)
def printer(request: HttpRequest, slug: str) -> HttpResponse:
    """What drives a machine, what hangs in it and what becomes of files; the key is written and never shown."""
    machine = machine_there(request, slug)
    known = Printer.objects.filter(machine=machine).first()
    form = PrinterForm(request.POST or None, machine=machine, known=known)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            save_printer(machine=machine, by=signed_in(request), now=timezone.now(), **form.cleaned_data)
            if form.cleaned_data["asks_key"] and form.cleaned_data["kind"] == BackendKind.OCTOPRINT:
                messages.success(request, _("Saved. OctoPrint is being asked for its key."))
                return redirect("settings-printer", machine.slug)
            is_by_hand = form.cleaned_data["kind"] == BackendKind.BY_HAND
            said = _("Saved.") if is_by_hand else _("Saved. Whether it answers is shown here within a minute.")
            messages.success(request, said)
            return redirect("settings-printers")
    context = {
        "title": machine.name,
        "lead": _("A program drives the printer; fablab sends it the files when their turn comes."),
        "parts": parts_of(form),
        "form": form,
        "back": {"url": reverse("settings-printers"), "words": _("Connected printers")},
        "links": [(reverse("manage-spools"), _("Filament"))],
        **_key_context(machine),
    }
    return render(request, "fablab/settings/printer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_role(is_manager)
def printer_key(request: HttpRequest, slug: str) -> HttpResponse:
    """How the asking stands, for htmx; posted, nobody asks any more."""
    machine = machine_there(request, slug)
    if request.method == "POST":
        for known in Printer.objects.filter(machine=machine):
            stop_asking(printer=known)
        messages.success(request, _("OctoPrint is not asked any more."))
        return redirect("settings-printer", slug)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("settings-printer", slug)
    context = _key_context(machine)
    answer = render(request, "fablab/settings/_printer_key.html", context)
    if context["wish"] is None or not context["wish"].is_open:
        # The form below was filled in before: what it shows is no longer so.
        answer.headers["HX-Refresh"] = "true"
    return answer


def _key_context(machine: Machine) -> dict[str, Any]:
    wish = KeyRequest.objects.filter(printer__machine=machine).select_related("printer").first()
    code = wish.error_code if wish is not None else ""
    # Of a file there is nothing to refuse yet.
    none = _("It gives no keys itself: its part “Application Keys” is off, or it is too old.")
    return {"machine": machine, "wish": wish, "trouble": none if code == "printer_rejected" else failure_words(code)}
