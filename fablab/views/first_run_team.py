"""The team on the first day: who they are, and the sheet that says how they sign in."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from fablab.addresses import is_here_only
from fablab.first_run import services, steps
from fablab.first_run.forms import TeamMemberForm
from fablab.first_run.progress import team_of
from fablab.first_run.steps import Step
from fablab.lib.queries import query_word
from fablab.views.first_run_asking import answer_to, answering, ask, go_on, is_kept, place_of
from people.models import STAFF_ROLES, RoleGrant
from people.signed_in import signed_in


def team(request: HttpRequest, asked: Step) -> HttpResponse:
    """The list so far, and one more; ?person= shows one of them to be changed."""
    by, site = signed_in(request), place_of()
    changed = _member(request, query_word(request.GET, "person")) if "person" in request.GET else None
    if request.method == "POST" and "go-on" in request.POST and not any(
        request.POST.get(name, "").strip() for name in ("first_name", "last_name", "email")
    ):  # fmt: skip
        return go_on(request, asked)
    form = TeamMemberForm(answer_to(request), initial=_initial(changed))

    def write(answer: dict[str, Any]) -> None:
        if changed:
            services.change_team_member(grant=changed, **answer, by=by, now=timezone.now())
        else:
            services.add_team_member(site=site, **answer, by=by, now=timezone.now())

    if is_kept(form, write):
        return go_on(request, asked) if "go-on" in request.POST else redirect("first-run-step", asked.slug)
    return ask(request, asked, form, team=team_of(site, by), changed=changed)


def _member(request: HttpRequest, reference: str) -> RoleGrant:
    """One of the list, never the person who answers."""
    grants = RoleGrant.objects.filter(site=place_of(), role__in=STAFF_ROLES).exclude(person=signed_in(request))
    return get_object_or_404(grants.select_related("person", "site"), person__reference=reference)


def _initial(grant: RoleGrant | None) -> dict[str, Any] | None:
    if grant is None:
        return None
    person = grant.person
    names = {"first_name": person.first_name, "last_name": person.last_name}
    return {**names, "email": person.contact_email, "role": grant.role}


@require_POST
@answering
def remove(request: HttpRequest, reference: str) -> HttpResponse:
    """Off the list again."""
    services.remove_team_member(grant=_member(request, reference), by=signed_in(request), now=timezone.now())
    return redirect("first-run-step", steps.TEAM.slug)


@answering
def sheet(request: HttpRequest) -> HttpResponse:
    """A slip of paper for each of the team: address, code and a first password, which are shown this once.

    Opened by its address alone, it leads to the button: each sheet makes new passwords.
    """
    if request.method != "POST":
        return redirect("first-run-step", steps.TEAM.slug)
    handed_out = services.hand_out_passwords(site=place_of(), by=signed_in(request))
    context = {
        "slips": handed_out,
        "address": settings.ADDRESSES[0],
        "is_here_only": is_here_only(settings.ADDRESSES[0]),
        "back": steps.TEAM,
        "next": steps.after(steps.TEAM),
    }
    return render(request, "fablab/first_run/sheet.html", context)
