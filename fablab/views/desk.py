"""The desk: who is here, what is on, seats, and people who come in. One screen for a tablet."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.desk import SEAT_LENGTHS_MIN, absent, calls, desk_lines, lines_of_person, presence, seats
from fablab.desk_loans import loans_beside
from fablab.forms_desk import UnnamedForm, WelcomeForm
from fablab.lib.queries import query_word
from fablab.views.all_the_same import all_the_same, reason_given, set_aside_by
from fablab.views.on_behalf import is_about_another, sentences, whom
from fablab.views.roles import for_role
from machines.models import Machine
from people.duplicates import Described
from people.errors import PeopleError
from people.models import Person, Site, Suspension, Visit
from people.notices.calls import calls_waiting
from people.permissions import is_staff
from people.selectors import likely_duplicates, matching, people_of, staff_sites
from people.services import register_person
from people.signed_in import signed_in
from people.visits import arrive, arrive_unnamed, come_back, leave
from reservations.desk import start_seat
from reservations.errors import ReservationRefused, WrongState
from reservations.loan_selectors import overdue_count
from reservations.messages import STATE_WORDS, moment_words

FOUND_MOST = 12
UNDO_FOR = dt.timedelta(minutes=10)


def desk_site(request: HttpRequest) -> Site:
    """The site whose desk this is: the one that the form or the address names, else the last one used, else the first.

    Raises:
        Http404: not of the team of any site that exists.
    """
    return _site_among(list(staff_sites(signed_in(request))), request)


def _site_among(sites: Sequence[Site], request: HttpRequest) -> Site:
    mine = {site.slug: site for site in sites}
    if not mine:
        raise Http404
    # Each page names its own: in another tab somebody may stand at the desk of another site.
    asked = (query_word(request.POST, "site"), query_word(request.GET, "site"), request.session.get("desk_site", ""))
    site = next((mine[slug] for slug in asked if slug in mine), None) or next(iter(mine.values()))
    # A page left open asks again by itself, which is no use of that desk.
    if not request.htmx:  # type: ignore[attr-defined]
        remember_desk(request, site)
    return site


def remember_desk(request: HttpRequest, site: Site) -> None:
    """The desk that pages without a word about the site lead back to."""
    if request.session.get("desk_site") != site.slug:
        request.session["desk_site"] = site.slug


@for_role(is_staff)
def desk(request: HttpRequest) -> HttpResponse:
    """Everything at a glance; htmx asks for the live part only."""
    now, staff = timezone.now(), signed_in(request)
    sites = list(staff_sites(staff))
    site = _site_among(sites, request)
    words = query_word(request.GET, "q")
    found = list(matching(people_of(staff), words)[:FOUND_MOST]) if words else []
    missing = absent(site=site, now=now)
    context = {
        "site": site,
        "sites": sites,
        "zone": site.zone,
        "now": now,
        "left": _left_just_now(request, site, now),
        "calls": calls(sites=[site], now=now),
        "to_tell": calls_waiting(site=site, now=now).count(),
        "overdue": overdue_count(site=site, now=now),
        "presence": presence(site=site, staff=staff),
        "lines": [line for line in desk_lines(site=site, staff=staff, now=now) if line.reservation not in missing],
        "absent": missing,
        "seats": seats(site=site, now=now),
        "lent": loans_beside(site=site, staff=staff, now=now),
        "lengths": [dt.timedelta(minutes=minutes) for minutes in SEAT_LENGTHS_MIN],
        "unnamed_form": UnnamedForm(),
        "words": words,
        "found": found,
        "welcome_form": WelcomeForm(initial=_name_in(words)),
    }
    template = "fablab/desk/desk.html#live" if request.htmx else "fablab/desk/desk.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _left_just_now(request: HttpRequest, site: Site, now: dt.datetime) -> dict[str, Any] | None:
    """Whom one just sent off by a tap here, to be called back while it may still have been a slip."""
    left = request.session.get("desk_left")
    is_fresh = left and left.get("site") == site.slug and now.timestamp() - left["at"] < UNDO_FOR.total_seconds()
    return left if is_fresh else None


def _name_in(words: str) -> dict[str, str]:
    """A name that was searched for and not found need not be written twice."""
    first, _space, last = words.partition(" ")
    return {"first_name": first, "last_name": last} if words and not any(c.isdigit() for c in words) else {}


@for_role(is_staff)
def welcome(request: HttpRequest) -> HttpResponse:
    """Somebody who is not on file: four fields, a look at who they might be already, and they are here."""
    now, staff, site = timezone.now(), signed_in(request), desk_site(request)
    data = request.POST if request.method == "POST" else None
    form = WelcomeForm(data, initial=_name_in(query_word(request.GET, "q")))
    alike: list[Any] = []
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        if "anyway" not in request.POST:
            described = Described(said["first_name"], said["last_name"], said["birth_year"], said["town"])
            alike = likely_duplicates(people_of(staff), described)
        if not alike:
            try:
                person = register_person(by=staff, now=now, site=site, language=request.LANGUAGE_CODE, **said)
            except PeopleError as error:
                field = getattr(error, "field", "")
                form.add_error(field if field in form.fields else None, str(error))
            else:
                arrive(site=site, person=person, by=staff, now=now)
                return redirect("desk-person", person.reference)
    status = 400 if form.errors else 200
    context = {"site": site, "form": form, "alike": alike, "asks_guardian": form.asks_for_guardian(now.year)}
    return render(request, "fablab/desk/welcome.html", context, status=status)


@for_role(is_staff)
def person(request: HttpRequest, reference: str) -> HttpResponse:
    """Somebody at the desk: a seat at once, a reservation, their file. Of the file it is only said that they are
    suspended, for then nothing can be reserved; why, is read there."""
    now, staff, site = timezone.now(), signed_in(request), desk_site(request)
    found = get_object_or_404(people_of(staff), reference=reference)
    suspension = Suspension.objects.filter(person=found).holding_at(now).order_by("-end").first()
    context = {
        "suspension": suspension,
        "site": site,
        "zone": site.zone,
        "now": now,
        "person": found,
        "visit": Visit.objects.present().filter(site=site, person=found).first(),
        "seats": [] if suspension else [seat for seat in seats(site=site, now=now) if seat.is_startable],
        "lengths": [dt.timedelta(minutes=minutes) for minutes in SEAT_LENGTHS_MIN],
        "lines": lines_of_person(found, desk_lines(site=site, staff=staff, now=now)),
    }
    return render(request, "fablab/desk/person.html", context)


@require_POST
@for_role(is_staff)
def arrives(request: HttpRequest) -> HttpResponse:
    """Somebody known, or some who gave no name, came in."""
    now, staff, site = timezone.now(), signed_in(request), desk_site(request)
    if reference := query_word(request.POST, "person"):
        found = get_object_or_404(people_of(staff), reference=reference)
        try:
            arrive(site=site, person=found, by=staff, now=now)
        except PeopleError as error:
            messages.error(request, str(error.sentence))
            return redirect("desk")
        return redirect("desk-person", found.reference)
    form = UnnamedForm(request.POST)
    if form.is_valid():
        arrive_unnamed(site=site, by=staff, now=now, **form.cleaned_data)
        messages.success(request, _("Counted."))
    else:
        messages.error(request, _("Write how many people came, from 1 to 200."))
    return redirect("desk")


@require_POST
@for_role(is_staff)
def leaves(request: HttpRequest, pk: int) -> HttpResponse:
    """They left; said again with `undo`, they are back."""
    now, staff = timezone.now(), signed_in(request)
    visit = get_object_or_404(Visit.objects.visible_to(staff).select_related("site", "person"), pk=pk)
    if not is_staff(staff, visit.site):
        raise PermissionDenied
    if "undo" in request.POST:
        request.session.pop("desk_left", None)
        try:
            come_back(visit=visit, now=now)
        except PeopleError as error:
            messages.error(request, str(error.sentence))
    else:
        leave(visit=visit, now=now)
        request.session["desk_left"] = {
            "pk": visit.pk, "name": str(visit.person or ""), "site": visit.site.slug, "at": now.timestamp()
        }  # fmt: skip
    remember_desk(request, visit.site)
    return redirect("desk")


@require_POST
@for_role(is_staff)
def seat(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a seat now, for a person or a ticket."""
    now, staff = timezone.now(), signed_in(request)
    machine = get_object_or_404(Machine.objects.visible_to(staff).with_places(), slug=slug, category__is_seat=True)
    if not is_staff(staff, machine):
        raise PermissionDenied
    holder = _holder(request, machine)
    reason, length = reason_given(request, machine), _length(request)
    try:
        made = start_seat(
            machine=machine, length=length, holder=holder, by=staff, now=now, set_aside=set_aside_by(request, reason)
        )
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        remember_desk(request, machine.site)
        return redirect("desk")
    except ReservationRefused as refusal:
        context = {
            "machine": machine,
            "zone": machine.site.zone,
            "denials": sentences(request, refusal.denials, holder, machine),
            "alternatives": refusal.alternatives,
            "person": holder,
            "about": holder if is_about_another(request, holder) else None,
            "carry": f"&for={holder.reference if holder else 'ticket'}",
            "all_the_same": all_the_same(request, machine, refusal, reason),
            "again": {"for": holder.reference if holder else "ticket", "minutes": int(length.total_seconds() // 60)},
        }
        return render(request, "fablab/desk/refused.html", context, status=409)
    until = moment_words(made.end, machine.site.zone)
    messages.success(request, _("%(seat)s until %(moment)s.") % {"seat": machine.name, "moment": until})
    return redirect("desk-ticket", made.reference)


def _holder(request: HttpRequest, machine: Machine) -> Person | None:
    chosen = whom(request, machine)
    return chosen.person if chosen.is_other else None


def _length(request: HttpRequest) -> dt.timedelta:
    text = query_word(request.POST, "minutes")
    minutes = int(text) if text.isdecimal() and len(text) <= 4 else 60
    return dt.timedelta(minutes=max(5, minutes))
