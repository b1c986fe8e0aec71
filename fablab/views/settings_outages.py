"""Settings: machines out of service, declared and lifted."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.unfit import unfit_reservations
from fablab.views.roles import for_role
from fablab.views.settings_places import refusals_beside, site_there
from machines.closing_services import declare_outage, lift_outage
from machines.forms_opening import OutageForm
from machines.models import Machine, Outage
from people.permissions import is_manager
from people.signed_in import signed_in

PAST_SHOWN = 20


@for_role(is_manager)
def outages(request: HttpRequest, slug: str) -> HttpResponse:
    """What is out of service or will be, a form for more, and what is over."""
    site, now = site_there(request, slug), timezone.now()
    machines = Machine.objects.filter(unit__site=site, retired_at=None).order_by("name")
    # Times are typed and shown by the clock on the site's wall.
    with timezone.override(site.zone):
        form = OutageForm(
            request.POST or None, machines=machines, initial={"machine": query_word(request.GET, "machine")}
        )
        if request.method == "POST" and form.is_valid():
            with refusals_beside(form):
                data = form.cleaned_data
                fields = {name: data[name] for name in ("machine", "kind", "reason", "end", "expected_end")}
                declare_outage(by=signed_in(request), now=now, start=data["start"] or now, **fields)
                messages.success(request, _("Declared. Nobody can reserve it meanwhile."))
                return redirect("settings-outages", site.slug)
        rows = (
            Outage.objects.declared()
            .filter(machine__unit__site=site)
            .select_related("machine", "reported_by", "lifted_by")
        )
        context = {
            "site": site,
            "zone": site.zone,
            "now": now,
            "form": form,
            "has_machines": machines.exists(),
            "holding": [row for row in rows.order_by("start") if row.end is None or row.end > now],
            "past": list(rows.filter(end__lte=now).order_by("-end")[:PAST_SHOWN]),
            "unfit_count": len(unfit_reservations(site=site, now=now)),
        }
        return render(request, "fablab/settings/outages.html", context)


@require_POST
@for_role(is_manager)
def outage_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """The machine is back."""
    outage = get_object_or_404(Outage.objects.declared().select_related("machine__unit__site"), pk=pk)
    if not is_manager(request.user, outage.machine):
        raise PermissionDenied
    lift_outage(outage=outage, by=signed_in(request), now=timezone.now())
    messages.success(request, _("%(machine)s can be reserved again.") % {"machine": outage.machine.name})
    return redirect("settings-outages", outage.machine.site.slug)
