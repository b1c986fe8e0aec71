"""Finding people, adding them, and taking their list away."""

import csv
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.queries import query_word
from fablab.lib.spreadsheets import plain_cell
from fablab.views.people_door import form_page, own_sites, words_of
from fablab.views.roles import for_role
from people.duplicates import Described
from people.errors import PeopleError
from people.forms_people import NewPersonForm
from people.lab import current_lab
from people.models import FileAccess, Module, Person, Suspension
from people.permissions import is_manager, is_staff
from people.selectors import (
    likely_duplicates,
    managed_sites,
    matching,
    people_known_at,
    people_of,
    staff_sites,
    who_is_here,
)
from people.services import note_accesses, register_person
from people.signed_in import signed_in

PEOPLE_A_PAGE = 25
ADULTS_SHOWN = 5


def _asked_for(request: HttpRequest, people: QuerySet[Person]) -> QuerySet[Person]:
    """Those of them that the address asks for: by words, or who is here now."""
    if _is_here(request):
        people = who_is_here(people, staff_sites(signed_in(request)))
    words = words_of(request)
    return matching(people, words) if words else people


@for_role(is_staff)
def people(request: HttpRequest) -> HttpResponse:
    """The list, 25 a page, to open a file or to tick several."""
    now, words = timezone.now(), words_of(request)
    suspended = Suspension.objects.holding_at(now).filter(person=OuterRef("pk"))
    rows = (
        _asked_for(request, people_of(signed_in(request)))
        .annotate(is_suspended=Exists(suspended))
        .select_related("guardian")
    )
    page = Paginator(rows, PEOPLE_A_PAGE).get_page(query_word(request.GET, "page"))
    kept = {name: value for name, value in (("q", words), ("here", "1" if _is_here(request) else "")) if value}
    context = {
        "page": page,
        "words": words,
        "is_here": _is_here(request),
        "kept": urlencode(kept),
        "may_export": is_manager(request.user),
        "year": now.year,
        "new_name": urlencode(_name_in(words)),
    }
    return render(request, "fablab/people/list.html", context)


def _is_here(request: HttpRequest) -> bool:
    """Who is here is known only where a desk writes it down."""
    return "here" in request.GET and current_lab().has(Module.DESK)


def _name_in(words: str) -> dict[str, str]:
    """What was searched for and not found need not be written again."""
    if not words or any(character.isdigit() or character == "@" for character in words):
        return {}
    first, _space, last = words.partition(" ")
    return {"first_name": first, "last_name": last}


@for_role(is_staff)
def new(request: HttpRequest) -> HttpResponse:
    """Four fields; then who on file is likely the same person; for a child the responsible adult."""
    if request.method != "POST":
        initial = {name: request.GET[name][:80] for name in ("first_name", "last_name") if name in request.GET}
        return _new_page(request, NewPersonForm(sites=own_sites(request), initial=initial))
    form = _new_form(request)
    if not form.is_valid():
        return _new_page(request, form)
    if question := _question_before(request, form):
        return _new_page(request, **question)
    try:
        person = register_person(**form.facts, by=signed_in(request), now=timezone.now(), site=form.site)
    except PeopleError as error:
        form.refuse(error)
        return _new_page(request, form)
    messages.success(request, _("%(name)s is on file.") % {"name": person})
    return redirect("people-person", person.reference)


def _new_page(request: HttpRequest, form: NewPersonForm, **context: Any) -> HttpResponse:
    asked = {"form": form, "is_sure": "anyway" in request.POST}
    return form_page(request, "fablab/people/new.html", asked | context)


def _new_form(request: HttpRequest) -> NewPersonForm:
    """The form as it was sent: with the responsible adult once it was asked for, and whom the name may mean."""
    adults: Iterable[Person] | None = None
    if "guardian_name" in request.POST:
        year = timezone.now().year
        known = matching(people_of(signed_in(request)), query_word(request.POST, "guardian_name"))[: 4 * ADULTS_SHOWN]
        adults = [person for person in known if not person.is_minor_in(year)][:ADULTS_SHOWN]
    return NewPersonForm(request.POST, sites=own_sites(request), adults=adults)


def _question_before(request: HttpRequest, form: NewPersonForm) -> dict[str, Any] | None:
    """What is still to be asked before the person is made: is it somebody on file, and who answers for a child?"""
    facts = form.facts
    four = Described(facts["first_name"], facts["last_name"], facts["birth_year"], facts["town"])
    if "anyway" not in request.POST:
        duplicates = likely_duplicates(people_of(signed_in(request)), four)
        if duplicates:
            return {"form": form, "duplicates": duplicates}
    if not Person(birth_year=four.birth_year).is_minor_in(timezone.now().year):
        return None
    if "guardian_name" not in form.fields:
        asked = NewPersonForm(initial=form.cleaned_data, sites=own_sites(request), adults=[])
        return {"form": asked, "asks_guardian": True}
    if form.adults and "guardian" not in request.POST:
        return {"form": form, "asks_which": True}
    return None


@for_role(is_manager)
def table(request: HttpRequest) -> HttpResponse:
    """The list as CSV, of the sites that the asker manages; noted in each file as exported."""
    me, now = signed_in(request), timezone.now()
    rows = list(_asked_for(request, people_known_at(managed_sites(me))).select_related("guardian"))
    note_accesses(people=rows, by=me, deed=FileAccess.Deed.EXPORTED, now=now)
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="people-{now:%Y-%m-%d}.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response, delimiter=";")
    writer.writerow([_("First name"), _("Name"), _("Year of birth"), _("Town"), _("Telephone"), _("E-mail"),
                     _("Responsible adult"), _("Telephone of the responsible adult"), _("Language")])  # fmt: skip
    for person in rows:
        cells = (person.first_name, person.last_name, person.birth_year or "", person.town, person.phone,
                 person.contact_email, *_adult_of(person), person.language)  # fmt: skip
        writer.writerow([plain_cell(value) for value in cells])
    return response


def _adult_of(person: Person) -> tuple[str, str]:
    """Name and telephone of who answers for them: as written by hand, else from that person's own file."""
    adult = person.guardian
    if adult is None:
        return person.guardian_name, person.guardian_phone
    return person.guardian_name or str(adult), person.guardian_phone or adult.phone
