"""Somebody's file: who they are, what they may do, what they do here; and the small deeds done from it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.people_door import file_of, form_page, own_site, posted, refused
from fablab.views.roles import for_role
from fablab.views.standing import standing_on_file
from machines.models import QualificationGrant
from machines.qualification_selectors import qualifications_of
from machines.qualification_services import revoke_qualification
from people.access import reset_card
from people.errors import PeopleError
from people.forms_people import ContactForm
from people.households import leave_household
from people.models import Badge, FileAccess, GroupMembership, Person, RoleGrant, Suspension, TeamMembership, Visit
from people.permissions import is_staff
from people.ranks import may_change_access, may_lift_suspension, may_take_data, may_undo_each, roles_to_grant
from people.selectors import colleagues_of, people_of, staff_sites
from people.services import lift_suspension, revoke_role, update_person
from people.sign_in import (
    check_may_change_access,
    has_second_keys,
    may_take_second_keys,
    sign_in_emails,
    take_email_sign_in,
    take_second_keys,
)
from people.signed_in import signed_in
from reservations.models import Reservation

RESERVATIONS_SHOWN = VISITS_SHOWN = 10
DEEDS_SHOWN = 25


@for_role(is_staff)
def file(request: HttpRequest, reference: str) -> HttpResponse:
    """Everything the asker may know of one person, noted as read. What other sites know stays with them."""
    person, me, now = file_of(request, reference), signed_in(request), timezone.now()
    context = {
        "person": person,
        "now": now,
        "zone": own_site(request).zone,
        "is_minor": person.is_minor_in(now.year),
        "may_change_access": may_change_access(me, person),
        "may_take_data": may_take_data(me, person),
        "may_take_second_keys": has_second_keys(person) and may_take_second_keys(me, person),
        "grants": _grants(me, person, now),
        **_suspension(me, person, now),
        "emails": sign_in_emails(person),
        "badges": list(Badge.objects.filter(person=person).order_by("-created_at", "-pk")),
        **_people_around(me, person),
        **_at_own_sites(me, person, now),
        **standing_on_file(person, staff_sites(me), now),
        "deeds": list(FileAccess.objects.filter(person=person).select_related("by")[:DEEDS_SHOWN]),
    }
    _name_authors(me, context)
    return render(request, "fablab/people/file.html", context)


def _suspension(me: Person, person: Person, now: dt.datetime) -> dict[str, Any]:
    """The one that began first, and whether the asker may lift all that hold: one press ends them together."""
    rows = Suspension.objects.filter(person=person).holding_at(now).select_related("suspended_by")
    holding = list(rows.order_by("pk"))
    return {
        "suspension": holding[0] if holding else None,
        "may_lift": all(may_lift_suspension(me, suspension) for suspension in holding),
    }


def _grants(me: Person, person: Person, now: dt.datetime) -> list[tuple[QualificationGrant, bool, bool]]:
    """Each with whether it holds, and whether the asker may end it."""
    found = qualifications_of(person, now)
    allowed = may_undo_each(me, [grant.granted_by for grant in found])
    return [(grant, _holds(grant, now), may) for grant, may in zip(found, allowed, strict=True)]


def _holds(grant: QualificationGrant, now: dt.datetime) -> bool:
    return grant.expires_at is None or grant.expires_at > now


def _name_authors(me: Person, context: dict[str, Any]) -> None:
    """Give each row its `author`: a name that the asker may know, “another place”, or "" for nobody."""
    suspensions = [context["suspension"]] if context["suspension"] else []
    authored: list[tuple[Any, Person | None]] = [
        *((deed, deed.by) for deed in context["deeds"]),
        *((grant, grant.granted_by) for grant, *_flags in (*context["grants"], *context["roles"])),
        *((suspension, suspension.suspended_by) for suspension in suspensions),
    ]
    authors = {author.pk for _row, author in authored if author}
    known = set(colleagues_of(me).filter(pk__in=authors).values_list("pk", flat=True)) if authors else set()
    for row, author in authored:
        row.author = "" if author is None else str(author) if author.pk in known else _("another place")


def _people_around(me: Person, person: Person) -> dict[str, Any]:
    """Household, responsible adult and wards; those whose own files the asker may not open are named only."""
    members = (
        list(Person.objects.filter(household=person.household_id).exclude(pk=person.pk)) if person.household else []
    )
    wards = list(person.wards.filter(erased_at=None))
    related = {p.pk for p in (*members, *wards, *([person.guardian] if person.guardian else []))}
    open_to_me = set(people_of(me).filter(pk__in=related).values_list("pk", flat=True)) if related else set()
    return {
        "members": [p for p in members if p.pk in open_to_me],
        "wards": [p for p in wards if p.pk in open_to_me],
        "may_open_guardian": person.guardian_id in open_to_me,
    }


def _at_own_sites(me: Person, person: Person, now: dt.datetime) -> dict[str, Any]:
    sites = staff_sites(me)
    grants = RoleGrant.objects.filter(person=person, site__in=sites).select_related("site", "granted_by")
    coming = Reservation.objects.visible_to(me).filter(holder=person, end__gt=now).open().with_places()
    return {
        "roles": [(g, g.role in roles_to_grant(me, g.site)) for g in grants.order_by("site__name", "granted_at")],
        "teams": TeamMembership.objects.filter(person=person, team__site__in=sites, team__archived_at=None)
        .select_related("team")
        .order_by("team__name"),
        "memberships": GroupMembership.objects.on(now.date()).filter(person=person).select_related("group"),
        "coming": coming.order_by("start")[:RESERVATIONS_SHOWN],
        "visits": Visit.objects.filter(person=person, site__in=sites).select_related("site")[:VISITS_SHOWN],
    }


@for_role(is_staff)
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    """Who they are and how they are reached."""
    person, me = file_of(request, reference), signed_in(request)
    form = ContactForm(posted(request), initial={name: getattr(person, name) for name in ContactForm.base_fields})
    if request.method == "POST" and form.is_valid():
        try:
            # What the lab writes to somebody of the team is not sent elsewhere by whoever is below them.
            check_may_change_access(me, person)
            update_person(person=person, by=me, now=timezone.now(), **form.cleaned_data)
        except PeopleError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("people-person", reference)
    return form_page(request, "fablab/people/edit.html", {"form": form, "person": person})


def _revoke_qualification(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    grant = get_object_or_404(QualificationGrant, person=person, pk=_number(request, "grant"))
    revoke_qualification(grant=grant, by=me, now=now)
    return _("%(what)s is revoked.") % {"what": grant.qualification}


def _lift_suspension(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    for suspension in Suspension.objects.filter(person=person).holding_at(now):
        lift_suspension(suspension=suspension, by=me, now=now)
    return _("%(name)s may reserve again.") % {"name": person}


def _take_role(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    rows = RoleGrant.objects.filter(person=person, site__in=staff_sites(me)).select_related("site", "person")
    grant = get_object_or_404(rows, pk=_number(request, "grant"))
    revoke_role(grant=grant, by=me, now=now)
    return _("%(name)s is no longer %(role)s.") % {"name": person, "role": grant.get_role_display()}


def _leave_household(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    leave_household(person=person, by=me, now=now)
    return _("%(name)s is no longer in this household.") % {"name": person}


def _take_email(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    take_email_sign_in(person=person, by=me, now=now)
    return _("%(name)s now signs in with the card only.") % {"name": person}


def _new_card(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    reset_card(person=person, by=me, now=now)
    return _("The old card no longer works. Print the new one.")


def _new_second_key(request: HttpRequest, person: Person, me: Person, now: dt.datetime) -> str:
    take_second_keys(person=person, by=me, now=now)
    return _("%(name)s signs in with the password alone next time, then adds a new second key.") % {"name": person}


Deed = Callable[[HttpRequest, Person, Person, dt.datetime], str]
# What each does, and the page it comes back to.
DEEDS: dict[str, tuple[Deed, str]] = {
    "revoke-qualification": (_revoke_qualification, "people-person"),
    "lift-suspension": (_lift_suspension, "people-person"),
    "take-role": (_take_role, "people-person"),
    "leave-household": (_leave_household, "people-person"),
    "take-email": (_take_email, "people-person"),
    "new-card": (_new_card, "people-card"),
    "new-second-key": (_new_second_key, "people-person"),
}


@require_POST
@for_role(is_staff)
def act(request: HttpRequest, reference: str, deed: str) -> HttpResponse:
    """One of DEEDS; a refusal is told on the page it came from."""
    person = file_of(request, reference)
    do, page = DEEDS[deed]
    try:
        messages.success(request, do(request, person, signed_in(request), timezone.now()))
    except PeopleError as error:
        return refused(request, error, page, reference)
    return redirect(page, reference)


def _number(request: HttpRequest, name: str) -> int:
    """A key of ours that came with a form; 0, which nothing has, for anything else."""
    word = query_word(request.POST, name)
    return int(word) if word.isascii() and word.isdigit() and len(word) < 18 else 0
