"""Groups whose rules differ, and who is in them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.views.people_door import file_of, form_page, own_site, posted, today_at
from fablab.views.roles import for_role
from fablab.views.rules_door import others_concerned, read_only_words
from fablab.views.settings_places import parts_of, refusals_beside
from machines.models import BookingPolicy
from people.errors import PeopleError
from people.forms_groups import GroupForm, MembershipForm
from people.group_services import OWN_KINDS, add_to_group, create_group, end_membership, remove_group, update_group
from people.models import GroupMembership, PersonGroup
from people.permissions import is_manager, is_staff
from people.signed_in import signed_in


@for_role(is_manager)
def group_new(request: HttpRequest) -> HttpResponse:
    """A plan or a community."""
    form = GroupForm(posted(request))
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            create_group(by=signed_in(request), now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The group is added. Put people into it from their file."))
            return redirect("rules")
    return render(request, "fablab/settings/edit.html", _context(_("Add a group"), form))


@for_role(is_manager)
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """Its names and its order."""
    found = get_object_or_404(PersonGroup, pk=pk)
    form = GroupForm(posted(request), group=found)
    context = _context(found.name, form)
    # A group stands in no place: whoever changes it changes it for all.
    if others := others_concerned(signed_in(request), BookingPolicy(group=found)):
        if request.method == "POST":
            raise PermissionDenied
        return render(request, "fablab/settings/kind_read_only.html", context | {"lead": read_only_words(others)})
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            update_group(group=found, by=signed_in(request), now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("rules")
    if found.follows_roles:
        context["lead"] = _("Who is in it follows from their role at the place: nobody is put in by hand.")
    else:
        context["lead"] = _("People are put into it from their file, from a day until another.")
        context["remove"] = {
            "url": reverse("rules-group-remove", args=[found.pk]),
            "words": _("Remove the group"),
            "question": _("Who was in it is forgotten. A group with people or rules stays."),
        }
    return render(request, "fablab/settings/edit.html", context)


@require_POST
@for_role(is_manager)
def group_remove(request: HttpRequest, pk: int) -> HttpResponse:
    found, me = get_object_or_404(PersonGroup, pk=pk), signed_in(request)
    if others_concerned(me, BookingPolicy(group=found)):
        raise PermissionDenied
    try:
        remove_group(group=found, by=me, now=timezone.now())
    except PeopleError as refused:
        messages.error(request, str(refused.sentence))
        return redirect("rules-group", pk)
    messages.success(request, _("The group is removed."))
    return redirect("rules")


@for_role(is_staff)
def person_groups(request: HttpRequest, reference: str) -> HttpResponse:
    """Which plans and communities somebody is of, and one more."""
    person, me, now = file_of(request, reference), signed_in(request), timezone.now()
    today = today_at(own_site(request), now)
    groups = list(PersonGroup.objects.filter(kind__in=OWN_KINDS))
    form = MembershipForm(posted(request), groups=groups, today=today)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            add_to_group(
                person=person, group=form.groups[wanted["group"]], start=wanted["start"], end=wanted["end"],
                by=me, now=now,
            )  # fmt: skip
        except PeopleError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved. Their rules follow the group on these days."))
            return redirect("people-groups", reference)
    rows = GroupMembership.objects.filter(person=person).select_related("group").order_by("-start")
    context = {"person": person, "form": form, "memberships": rows, "today": today, "groups": groups}
    return form_page(request, "fablab/rules/person.html", context)


@require_POST
@for_role(is_staff)
def membership_end(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Today is the last day; what had not begun goes."""
    person, now = file_of(request, reference), timezone.now()
    membership = get_object_or_404(GroupMembership.objects.select_related("group", "added_by"), person=person, pk=pk)
    try:
        end_membership(
            membership=membership, last_day=today_at(own_site(request), now), by=signed_in(request), now=now
        )  # fmt: skip
    except PeopleError as refused:
        messages.error(request, str(refused.sentence))
    else:
        messages.success(request, _("Ended: today is the last day."))
    return redirect("people-groups", reference)


def _context(title: str, form: Any) -> dict[str, Any]:
    back = {"url": reverse("rules"), "words": _("Rules")}
    return {"title": title, "form": form, "parts": parts_of(form), "back": back}
