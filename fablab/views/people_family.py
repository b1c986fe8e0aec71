"""Who belongs together: the household, and the adult who answers for a child."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.queries import query_word
from fablab.views.people_door import file_of, form_page, refused, words_of
from fablab.views.roles import for_role
from people.errors import PeopleError
from people.forms_people import GuardianForm
from people.households import share_household
from people.models import Person
from people.permissions import is_staff
from people.selectors import matching, people_of
from people.services import update_person
from people.signed_in import signed_in

FOUND_SHOWN = 10


def _found(request: HttpRequest, person: Person) -> list[Person]:
    """Those who may be meant: by the words typed, else who has the same name."""
    words = words_of(request) or person.last_name
    if not words:
        return []
    return list(matching(people_of(signed_in(request)), words).exclude(pk=person.pk)[:FOUND_SHOWN])


def _chosen(request: HttpRequest) -> Person:
    return get_object_or_404(people_of(signed_in(request)), reference=query_word(request.POST, "person"))


@for_role(is_staff)
def household(request: HttpRequest, reference: str) -> HttpResponse:
    """Search somebody, add them."""
    person = file_of(request, reference)
    if request.method == "POST":
        other = _chosen(request)
        try:
            share_household(person=person, other=other, by=signed_in(request), now=timezone.now())
        except PeopleError as error:
            return refused(request, error, "people-household", reference)
        messages.success(request, _("%(name)s is in the household.") % {"name": other})
        return redirect("people-person", reference)
    lives_there = {person.household_id} - {None}
    found = [other for other in _found(request, person) if other.household_id not in lives_there]
    context = {"person": person, "words": words_of(request), "found": found}
    return render(request, "fablab/people/household.html", context)


@for_role(is_staff)
def guardian(request: HttpRequest, reference: str) -> HttpResponse:
    """Somebody on file, found and chosen; or a name and a telephone."""
    person, me, now = file_of(request, reference), signed_in(request), timezone.now()
    form = GuardianForm(
        request.POST if "guardian_name" in request.POST else None,
        initial={"guardian_name": person.guardian_name, "guardian_phone": person.guardian_phone},
    )
    fields: dict[str, object] = {}
    if "person" in request.POST:
        fields = {"guardian": _chosen(request), "guardian_name": "", "guardian_phone": ""}
    elif form.is_bound and form.is_valid():
        fields = {"guardian": None, **form.cleaned_data}
    if fields:
        try:
            update_person(person=person, by=me, now=now, **fields)
        except PeopleError as error:
            if not form.is_bound:
                return refused(request, error, "people-guardian", reference)
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("people-person", reference)
    found = [adult for adult in _found(request, person) if not adult.is_minor_in(now.year)]
    context = {"person": person, "words": words_of(request), "found": found, "form": form}
    return form_page(request, "fablab/people/guardian.html", context)
