"""The queue of a machine, for everybody; and the farm, for the team: what runs, what waits for a yes, how it goes."""

import csv
import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from fablab.lib.denials import Denial
from fablab.lib.queries import query_word
from fablab.lib.spreadsheets import plain_cell
from fablab.machine_status import machine_statuses
from fablab.print_words import begins_words
from fablab.views.roles import for_role
from machines.models import Machine
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in
from printing.actions import ACTS, Said
from printing.errors import PrintRefused, WrongJobState
from printing.maintenance import note_intervention
from printing.messages import failure_words, sentence_of
from printing.models import JobState, PrintJob
from printing.overview import APPROVALS_MOST, ended_on, farm_of, open_jobs, queue_of
from printing.rules import Code
from printing.services import confirm_bed_clear
from printing.submitting import may_answer
from printing.success import Success, Successes, successes

# What may be done with many at once; a start is somebody's at the machine.
ACTS_ON_MANY = ("approve", "hold", "release", "first", "in-turn")
MANY_MOST = 200
PROFILES_SHOWN = 20


@require_safe
@login_required
def machine_prints(request: HttpRequest, slug: str) -> HttpResponse:
    """What prints there, what waits and in which order, what came out last. Whose it is, only the team reads."""
    person, now = signed_in(request), timezone.now()
    rows = Machine.objects.visible_to(person).with_places().select_related("printer__spool")
    machine = get_object_or_404(rows, slug=slug, printer__isnull=False)
    queue, is_team = queue_of(machine, now), is_staff(person, machine)
    context = {
        "machine": machine,
        "printer": machine.printer,
        "zone": machine.site.zone,
        "is_team": is_team,
        "running": queue.running,
        "prints_other": queue.prints_other,
        "waiting": [(each, begins_words(each)) for each in queue.waiting],
        "ended": ended_on(machine),
        "slicer_address": request.build_absolute_uri(f"/slicer/{machine.slug}"),
    }
    template = "fablab/prints/machine.html#live" if request.htmx else "fablab/prints/machine.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_safe
@for_role(is_staff)
def farm(request: HttpRequest) -> HttpResponse:
    """What waits for a yes; each printer with its next step; what waits for its turn; how prints came out. htmx asks
    for one printer's card, `?machine=`."""
    person, now = signed_in(request), timezone.now()
    sites = list(staff_sites(person).values_list("pk", flat=True))
    slug = query_word(request.GET, "machine") if request.htmx else ""  # type: ignore[attr-defined]
    jobs = open_jobs(sites)
    lines = _lines(sites, jobs, now, slug=slug)
    if slug:
        if not lines:
            raise Http404
        return render(request, "fablab/prints/_printer.html", {"each": lines[0], "now": now})
    asking = [job for job in jobs if job.state == JobState.AWAITING_APPROVAL]
    many = [job for job in jobs if job.state in (JobState.AWAITING_APPROVAL, JobState.QUEUED)]
    counted = successes(sites, now)
    context = {
        "asking": [(job, _concerns(job), may_answer(person, job.machine)) for job in asking[:APPROVALS_MOST]],
        "lines": lines,
        "many": many[:MANY_MOST],
        "is_cut": len(many) > MANY_MOST,
        "acts": _act_words(may_approve=any(may_answer(person, job.machine) for job in asking)),
        "tables": [(title, rows[:PROFILES_SHOWN]) for title, rows in _tables(counted)],
        "has_successes": bool(counted.printers),
    }
    return render(request, "fablab/prints/farm.html", context)


def _lines(sites: Sequence[int], jobs: Sequence[PrintJob], now: dt.datetime, *, slug: str = "") -> list[dict[str, Any]]:
    machines = Machine.objects.filter(printer__isnull=False, retired_at=None, unit__site__in=sites).with_places()
    statuses = machine_statuses(machines.filter(slug=slug) if slug else machines, now)
    found = farm_of([status.machine for status in statuses], jobs, now)
    return [
        {
            "status": status,
            "line": found[status.machine.pk],
            "trouble": failure_words(found[status.machine.pk].printer.error_code),
            "zone": status.machine.site.zone,
            "due_after": found[status.machine.pk].printer.maintenance_every_h,
            "printed": _hours(found[status.machine.pk].printed_since),
            "used": _hours(dt.timedelta(seconds=status.machine.used_s)),
        }
        for status in statuses
        if status.machine.pk in found
    ]


def _hours(time: dt.timedelta) -> str:
    return _("%(hours)d h") % {"hours": time.total_seconds() // 3600}


def _concerns(job: PrintJob) -> list[Any]:
    return [sentence_of(Denial(each["code"], each["params"])) for each in job.concerns]


def _act_words(*, may_approve: bool) -> list[tuple[str, str]]:
    words = {"approve": _("Let through"), "hold": _("Hold back"), "release": _("Let go"), "first": _("Put first"),
             "in-turn": _("In turn again")}  # fmt: skip
    return [(act, words[act]) for act in ACTS_ON_MANY if act != "approve" or may_approve]


@require_POST
@for_role(is_staff)
def act(request: HttpRequest) -> HttpResponse:
    """One button for the prints that are ticked, or the bed of one printer. Each refusal is told; none stops others."""
    person, now, wanted = signed_in(request), timezone.now(), query_word(request.POST, "act")
    if wanted == "bed-clear":
        return _bed_clear(request, person, now)
    if wanted == "maintained":
        return _maintained(request, person, now)
    if wanted != "send-back" and wanted not in ACTS_ON_MANY:
        raise Http404
    ticked = [word.replace("\x00", "") for word in request.POST.getlist("job")[:MANY_MOST]]
    said = Said(note=query_word(request.POST, "note"))
    if not ticked:
        messages.error(request, _("Tick at least one print first."))
    elif wanted == "send-back" and not said.note.strip():
        messages.error(request, _("Write why: the person reads it, and can mend the file."))
    else:
        _do(request, wanted, ticked, person, now, said)
    return redirect("manage-prints")


def _do(
    request: HttpRequest, wanted: str, references: Sequence[str], person: Person, now: dt.datetime, said: Said
) -> None:
    rows = PrintJob.objects.filter(reference__in=references, machine__unit__site__in=staff_sites(person))
    found = list(
        rows.select_related("file", "person", "machine__unit__site", "machine__category").order_by("queued_at", "pk")
    )
    done = 0
    for job in found:
        if refusal := _refusal(wanted, job, person, now, said):
            messages.error(request, f"{job.file.name}: {refusal}")
        else:
            done += 1
    if done:
        messages.success(request, ngettext("Done for one print.", "Done for %(n)d prints.", done) % {"n": done})
    if len(found) < len(set(references)):
        messages.error(request, _("Some of them are not at your places, or are gone."))


def _refusal(wanted: str, job: PrintJob, person: Person, now: dt.datetime, said: Said) -> str:
    """Do it; in words why it cannot be done, "" when it is."""
    try:
        ACTS[wanted](job, person, now, said)
    except NotAllowed as error:
        return str(error)
    except PrintRefused as refusal:
        return " ".join(sentence_of(denial).message for denial in refusal.denials)
    except WrongJobState:
        job.refresh_from_db(fields=["state"])
        return _("not possible, as its state is now: %(state)s.") % {"state": job.get_state_display()}
    return ""


def _printer_named(request: HttpRequest, person: Person) -> Machine:
    here = Machine.objects.filter(unit__site__in=staff_sites(person), printer__isnull=False)
    return get_object_or_404(here.select_related("unit__site"), slug=query_word(request.POST, "machine"))


def _maintained(request: HttpRequest, person: Person, now: dt.datetime) -> HttpResponse:
    machine = _printer_named(request, person)
    note_intervention(machine=machine, by=person, now=now, note=query_word(request.POST, "note"))
    messages.success(request, _("Noted. %(machine)s counts its hours anew.") % {"machine": machine.name})
    return redirect(f"{reverse('manage-prints')}#printer-{machine.pk}")


def _bed_clear(request: HttpRequest, person: Person, now: dt.datetime) -> HttpResponse:
    machine = _printer_named(request, person)
    say_bed(request, is_clear=confirm_bed_clear(machine=machine, by=person, now=now))
    return redirect(f"{reverse('manage-prints')}#printer-{machine.pk}")


def say_bed(request: HttpRequest, *, is_clear: bool) -> None:
    """What came of “the bed is clear”."""
    if is_clear:
        messages.success(request, _("Thank you. The next print may start."))
    else:
        messages.error(request, sentence_of(Denial(Code.PRINTS_OTHER)).message)


def _tables(counted: Successes) -> list[tuple[str, list[Success]]]:
    return [
        (_("Machine"), counted.printers),
        (_("Material"), counted.materials),
        (_("Slicer profile"), counted.profiles),
    ]


@require_safe
@for_role(is_staff)
def table(request: HttpRequest) -> HttpResponse:
    """How prints came out, as CSV; nobody is named in it."""
    now = timezone.now()
    counted = successes(list(staff_sites(signed_in(request)).values_list("pk", flat=True)), now)
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="prints-{now:%Y-%m-%d}.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response, delimiter=";")
    writer.writerow([_("By"), _("What"), _("Came out well"), _("Did not"), _("Failed"), _("Not said"), _("Share (%)")])
    for title, rows in _tables(counted):
        for row in rows:
            share = "" if row.share_pct is None else row.share_pct
            cells = (title, row.name or _("not known"), row.good, row.bad, row.failed, row.unsaid, share)
            writer.writerow([plain_cell(cell) for cell in cells])
    return response
