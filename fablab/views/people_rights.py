"""What people may do: qualifications for one or ten, roles, suspensions."""

import datetime as dt

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fablab.views.people_door import chosen_people, file_of, form_page, own_site, own_sites, posted, today_at
from fablab.views.roles import for_role
from machines.forms_qualifications import QualifyForm
from machines.models import Qualification
from machines.qualification_services import Granted, Outcome, grant_qualification
from people.errors import PeopleError
from people.forms_people import RoleForm, SuspensionForm
from people.models import Role
from people.permissions import is_manager, is_staff
from people.ranks import roles_to_grant
from people.services import grant_role, suspend_person
from people.signed_in import signed_in

PEOPLE_AT_ONCE = 50


@for_role(is_staff)
def qualify(request: HttpRequest) -> HttpResponse:
    """Grant one qualification to those who were ticked."""
    chosen, me, now = chosen_people(request, PEOPLE_AT_ONCE), signed_in(request), timezone.now()
    form = QualifyForm(posted(request))
    if request.method == "POST" and chosen and form.is_valid():
        wanted = form.cleaned_data
        try:
            done = grant_qualification(
                people=chosen, qualification=wanted["qualification"], level=wanted["level"],
                expires_at=form.expires_at(own_site(request), now), by=me, now=now,
            )  # fmt: skip
        except PeopleError as error:
            form.refuse(error)
        else:
            _tell(request, done, wanted["qualification"])
            return redirect("people-person", chosen[0].reference) if len(chosen) == 1 else redirect("people")
    context = {"form": form, "chosen": chosen, "has_any": Qualification.objects.exists()}
    return form_page(request, "fablab/people/qualify.html", context)


def _tell(request: HttpRequest, done: list[Granted], qualification: Qualification) -> None:
    given = [d for d in done if d.outcome != Outcome.KEPT]
    if given:
        sentence = ngettext(
            "%(what)s: granted to one person.", "%(what)s: granted to %(count)d people.", len(given)
        )  # fmt: skip
        messages.success(request, sentence % {"what": qualification, "count": len(given)})
    if kept := ", ".join(str(d.person) for d in done if d.outcome == Outcome.KEPT):
        messages.info(request, _("Nothing changed for %(names)s: they hold as much already.") % {"names": kept})


@for_role(is_staff)
def suspend(request: HttpRequest, reference: str) -> HttpResponse:
    """A reason, and a last day when there is one."""
    person, now, site = file_of(request, reference), timezone.now(), own_site(request)
    form = SuspensionForm(posted(request), today=today_at(site, now))
    if request.method == "POST" and form.is_valid():
        last = form.cleaned_data["last_day"]
        end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(0), site.zone) if last else None
        try:
            suspend_person(
                person=person, reason=form.cleaned_data["reason"], end=end, by=signed_in(request), now=now
            )  # fmt: skip
        except PeopleError as error:
            form.refuse(error)
        else:
            messages.success(request, _("%(name)s may not reserve for now.") % {"name": person})
            return redirect("people-person", reference)
    return form_page(request, "fablab/people/suspend.html", {"form": form, "person": person})


@for_role(is_manager)
def role(request: HttpRequest, reference: str) -> HttpResponse:
    """Give a role, at one of the sites that the asker manages."""
    person, me = file_of(request, reference), signed_in(request)
    sites = [site for site in own_sites(request) if is_manager(me, site)]
    if not sites:
        raise PermissionDenied
    reach = {granted for site in sites for granted in roles_to_grant(me, site)}
    form = RoleForm(posted(request), sites=sites, roles=[r for r in Role if r in reach])
    if request.method == "POST" and form.is_valid() and form.site:
        try:
            grant = grant_role(person=person, site=form.site, role=form.cleaned_data["role"], by=me, now=timezone.now())
        except PeopleError as error:
            form.refuse(error)
        else:
            words = {"name": person, "role": grant.get_role_display(), "site": grant.site}
            messages.success(request, _("%(name)s is now %(role)s at %(site)s.") % words)
            return redirect("people-person", reference)
    return form_page(request, "fablab/people/role.html", {"form": form, "person": person})
