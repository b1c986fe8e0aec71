"""A machine is broken, said by whoever of the team stands before it; and it is back."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.people_door import posted
from fablab.views.roles import for_role
from fablab.views.settings_places import refusals_beside
from machines.closing_services import declare_outage, lift_outage
from machines.forms_faults import FaultForm
from machines.models import Machine, Outage
from machines.permissions import may_lift, may_report_fault
from people.selectors import staff_sites
from people.signed_in import signed_in


@for_role(may_report_fault)
def report(request: HttpRequest) -> HttpResponse:
    """A form for one of the machines of their own sites; `?machine=` chooses it already.

    Raises:
        Http404: that machine stands at none of their sites.
    """
    me, now, wanted = signed_in(request), timezone.now(), query_word(request.GET, "machine")
    theirs = Machine.objects.filter(unit__site__in=staff_sites(me), retired_at=None).order_by("name")
    chosen = theirs.filter(slug=wanted).first() if wanted else None
    if wanted and chosen is None:
        raise Http404
    form = FaultForm(posted(request), machines=theirs, initial={"machine": wanted})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        with refusals_beside(form):
            declare_outage(machine=said["machine"], kind=said["kind"], reason=said["reason"], start=now, by=me, now=now)
            messages.success(request, _("Noted. Nobody can reserve it from now on."))
            return redirect(said["machine"])
    context = {"form": form, "chosen": chosen, "has_machines": theirs.exists()}
    return render(request, "fablab/fault.html", context, status=400 if form.errors else 200)


@require_POST
@for_role(may_report_fault)
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """The machine is back; its page shows it."""
    outage = get_object_or_404(Outage.objects.select_related("machine__unit__site"), pk=pk)
    if not may_lift(request.user, outage):
        raise PermissionDenied
    lift_outage(outage=outage, by=signed_in(request), now=timezone.now())
    messages.success(request, _("%(machine)s can be reserved again.") % {"machine": outage.machine.name})
    return redirect(outage.machine)
