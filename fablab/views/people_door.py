"""What every page about people asks first: whose file, at whose site, on whose clock."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from fablab.lib.queries import query_word
from people.errors import PeopleError
from people.models import FileAccess, Person, Site
from people.selectors import people_of, staff_sites
from people.services import note_access
from people.signed_in import signed_in


def file_of(request: HttpRequest, reference: str) -> Person:
    """Somebody whose file the one who asks may open; the reading is noted.

    Raises:
        Http404: nobody known at their sites has this reference.
    """
    me = signed_in(request)
    rows = people_of(me).select_related("household", "guardian", "registered_by")
    person = get_object_or_404(rows, reference=reference)
    if person.pk != me.pk:
        note_access(person=person, by=me, deed=FileAccess.Deed.READ, now=timezone.now())
    return person


def own_sites(request: HttpRequest) -> list[Site]:
    """Where they are of the team; the one whose desk they stood at last comes first."""
    last = request.session.get("desk_site", "")
    return sorted(staff_sites(signed_in(request)), key=lambda site: (site.slug != last, site.name))


def own_site(request: HttpRequest) -> Site:
    """The site whose clock and address the page uses; an unsaved one before there is any."""
    return next(iter(own_sites(request)), None) or Site.objects.first() or Site()


def chosen_people(request: HttpRequest, most: int) -> list[Person]:
    """Those ticked: `person=` as often as wanted. Whoever is unknown at their sites is left out."""
    params = request.POST if request.method == "POST" else request.GET
    wanted = [reference.replace("\x00", "") for reference in params.getlist("person")][:most]
    return list(people_of(signed_in(request)).filter(reference__in=wanted))


def words_of(request: HttpRequest) -> str:
    """What was typed into the search field."""
    return query_word(request.GET, "q").strip()[:120]


def today_at(site: Site, now: dt.datetime) -> dt.date:
    return now.astimezone(site.zone).date()


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with, even when that is nothing; None for a form not yet sent."""
    return request.POST if request.method == "POST" else None


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page around a form: 400 when what was sent cannot be taken."""
    return render(request, template, context, status=400 if context["form"].errors else 200)


def refused(request: HttpRequest, error: PeopleError, page: str, reference: str) -> HttpResponse:
    """Back to a page of somebody's file, which says why; to the list of people when there is no file any more."""
    messages.error(request, str(error.sentence))
    return redirect("people") if error.code == "person_is_gone" else redirect(page, reference)
