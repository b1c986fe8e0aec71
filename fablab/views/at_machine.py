"""“Start here”: for whoever scanned the square on a machine and may use it."""

import datetime as dt
from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from fablab.at_machine import Way, bed_of, use_now, way_of, with_use
from fablab.lib.denials import Denial
from fablab.lib.ways_back import way_back
from fablab.views.on_behalf import sentences
from iot.access.time_for import standing_denials
from iot.access.who import CODE_LASTS, new_start_code
from iot.access.words import OWN
from iot.manual_use import start_manual, stop_manual
from iot.models import UsageSession
from machines.models import Machine
from people.errors import PeopleError
from people.models import Person
from people.signed_in import signed_in
from printing.services import confirm_bed_clear
from reservations.errors import ReservationRefused
from reservations.messages import Sentence


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """A code to type at the machine's reader; or, where no device sees it, the use written down.

    Neither switches anything on: the code works only where it is typed, and a use written down sends no order. So a
    photograph of the square, read at home, starts nothing.
    """
    me, now = signed_in(request), timezone.now()
    machine = _machine(request, slug, now)
    way = way_of(machine)
    if way is None:
        raise Http404
    denials = standing_denials(machine, me, now)
    code = ""
    if request.method == "POST" and not denials:
        if way == Way.CODE:
            code = new_start_code(machine=machine, person=me, now=now)
        else:
            found = _begin(request, machine, me, now)
            if isinstance(found, HttpResponse):
                return found
            denials = found
    context = {
        "machine": machine,
        "zone": machine.site.zone,
        "is_code": way == Way.CODE,
        "use": use_now(machine, me, now),
        "denials": _said(request, denials, me, machine),
        "code": code,
        "until": now + CODE_LASTS,
        "lasts_s": int(CODE_LASTS.total_seconds()),
    }
    is_refused = bool(denials) and request.method == "POST"
    return render(request, "fablab/at_machine/start.html", context, status=409 if is_refused else 200)


def _machine(request: HttpRequest, slug: str, now: dt.datetime) -> Machine:
    rows = Machine.objects.visible_to(signed_in(request)).with_places().select_related("printer")
    return get_object_or_404(with_use(rows, now), slug=slug)


def _begin(request: HttpRequest, machine: Machine, me: Person, now: dt.datetime) -> HttpResponse | list[Denial]:
    """Back to the machine's page, or every reason why not."""
    try:
        start_manual(machine, me, now)
    except ReservationRefused as refusal:
        return refusal.denials
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    else:
        messages.success(request, _("Written down: you use it from now on. End it here when you leave."))
    return redirect("machine", machine.slug)


def _said(request: HttpRequest, denials: Iterable[Denial], me: Person, machine: Machine) -> list[Sentence]:
    """What only a machine asks for has words of its own, as its reader shows them."""
    of_machine = [denial for denial in denials if denial.code in OWN]
    of_rules = [denial for denial in denials if denial.code not in OWN]
    own = [Sentence(str(denial.code), OWN[denial.code](), "") for denial in of_machine]
    return [*own, *sentences(request, of_rules, me, machine)]


@require_POST
@login_required
def stop(request: HttpRequest, reference: str) -> HttpResponse:
    """They have finished, or the team says so for them."""
    me, now = signed_in(request), timezone.now()
    rows = UsageSession.objects.filter(machine__in=Machine.objects.visible_to(me), source=UsageSession.Source.MANUAL)
    session = get_object_or_404(rows.select_related("machine__unit__site", "reservation"), reference=reference)
    try:
        stop_manual(session, me, now)
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    else:
        messages.success(request, _("Ended. Thank you for leaving it as you found it."))
    return redirect(way_back(request) or session.machine.get_absolute_url())


@require_POST
@login_required
def bed_clear(request: HttpRequest, slug: str) -> HttpResponse:
    """Whoever stands there took the last print off: the next may start. Their own print's page asks how it came out."""
    me, now = signed_in(request), timezone.now()
    machine = _machine(request, slug, now)
    bed = bed_of(machine, me, now)
    if bed is None:
        messages.info(request, _("There is nothing to clear there for you."))
        return redirect(machine)
    confirm_bed_clear(machine=machine, by=me, now=now)
    messages.success(request, _("Thank you. The next print may start."))
    return redirect(bed.job if bed.job is not None and not bed.job.outcome else machine)
