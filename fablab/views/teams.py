"""Teams: one's own, joined by a link; and those of a site, for its team."""

import datetime as dt
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.addresses import address_for_others, is_here_only
from fablab.lib.queries import query_word
from fablab.team_work import COMING_SHOWN, coming_of, lines_of, month_of, totals_of, year_of
from fablab.views.people_door import form_page, posted
from fablab.views.roles import for_role
from people.errors import PeopleError
from people.forms_people import TeamForm
from people.models import Person, Site, Team, TeamMembership
from people.permissions import is_staff
from people.selectors import staff_sites
from people.signed_in import signed_in
from people.teams import (
    archive_team,
    close_joining,
    create_team,
    join_team,
    leave_team,
    make_organiser,
    open_joining,
    remove_member,
    rename_team,
    restore_team,
)

TEAMS_A_PAGE = 25


@login_required
def mine(request: HttpRequest) -> HttpResponse:
    rows = TeamMembership.objects.filter(person=signed_in(request), team__archived_at=None).select_related("team__site")
    return render(request, "fablab/teams/mine.html", {"memberships": rows.order_by("team__name")})


@login_required
def new(request: HttpRequest) -> HttpResponse:
    form = TeamForm(posted(request), sites=Site.objects.all())
    if request.method == "POST" and form.is_valid():
        if form.site is None:
            raise Http404
        try:
            made = create_team(
                site=form.site, name=form.cleaned_data["name"], by=signed_in(request), now=timezone.now()
            )  # fmt: skip
        except PeopleError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The team is made. Now make its link and give it to the others."))
            return redirect("team", made.slug)
    return form_page(request, "fablab/teams/new.html", {"form": form})


def team_of(request: HttpRequest, slug: str) -> Team:
    """A team of one's own, or of one's site; nobody else learns that it exists."""
    me = signed_in(request)
    members = TeamMembership.objects.select_related("person").order_by("-is_organiser", "joined_at", "pk")
    rows = Team.objects.select_related("site").prefetch_related(Prefetch("memberships", members))
    found = get_object_or_404(rows, slug=slug)
    if not is_staff(me, found) and not any(member.person_id == me.pk for member in found.memberships.all()):
        raise Http404
    return found


def organises(me: Person, found: Team) -> bool:
    """As `may_organise`, of the members as they were read with the team."""
    mine = [member for member in found.memberships.all() if member.person_id == me.pk]
    return is_staff(me, found) or any(member.is_organiser for member in mine)


@login_required
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """What it reserved, and who is in it; for organisers the link and the name."""
    found, me, now = team_of(request, slug), signed_in(request), timezone.now()
    zone, may_organise = found.site.zone, organises(me, found)
    today = now.astimezone(zone).date()
    month, year = totals_of(found, [month_of(today, zone), year_of(today, zone)], now)
    link = address_for_others(request) + reverse("team-join", args=[found.join_code]) if found.join_code else ""
    context = {
        "team": found,
        "members": list(found.memberships.all()),
        "me": me,
        "is_member": any(member.person_id == me.pk for member in found.memberships.all()),
        "may_organise": may_organise and found.archived_at is None,
        "zone": zone,
        "now": now,
        "coming": lines_of(
            coming_of(found, now),
            reader=me,
            is_staff=is_staff(me, found),
            organises=may_organise,
            now=now,
            most=COMING_SHOWN,
        ),
        "totals": [(_("this month"), month), (_("this year"), year)],
        "link": link,
        "is_here_only": is_here_only(link),
        "form": TeamForm(initial={"name": found.name}, sites=[]),
    }
    return render(request, "fablab/teams/team.html", context)


def _member(request: HttpRequest, found: Team) -> TeamMembership:
    return get_object_or_404(
        TeamMembership.objects.select_related("team__site", "person"),
        team=found, person__reference=query_word(request.POST, "person"),
    )  # fmt: skip


def _rename(request: HttpRequest, found: Team, me: Person, now: dt.datetime) -> str:
    rename_team(team=found, name=query_word(request.POST, "name"), by=me)
    return _("Saved.")


def _open_link(request: HttpRequest, found: Team, me: Person, now: dt.datetime) -> str:
    open_joining(team=found, by=me)
    return _("Here is the link. Whoever has it may join.")


def _close_link(request: HttpRequest, found: Team, me: Person, now: dt.datetime) -> str:
    close_joining(team=found, by=me)
    return _("The link no longer works.")


def _remove(request: HttpRequest, found: Team, me: Person, now: dt.datetime) -> str:
    member = _member(request, found)
    remove_member(membership=member, by=me, now=now)
    return _("%(name)s is no longer in the team.") % {"name": member.person.get_short_name()}


def _make_organiser(request: HttpRequest, found: Team, me: Person, now: dt.datetime) -> str:
    member = _member(request, found)
    make_organiser(membership=member, by=me)
    return _("%(name)s may now invite and remove too.") % {"name": member.person.get_short_name()}


def _leave(request: HttpRequest, found: Team, me: Person, now: dt.datetime) -> str:
    leave_team(team=found, person=me, now=now)
    return _("You left “%(team)s”.") % {"team": found}


Deed = Callable[[HttpRequest, Team, Person, dt.datetime], str]
DEEDS: dict[str, Deed] = {
    "rename": _rename,
    "open-link": _open_link,
    "close-link": _close_link,
    "remove": _remove,
    "make-organiser": _make_organiser,
    "leave": _leave,
}


@require_POST
@login_required
def act(request: HttpRequest, slug: str, deed: str) -> HttpResponse:
    found, me = team_of(request, slug), signed_in(request)
    try:
        messages.success(request, DEEDS[deed](request, found, me, timezone.now()))
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    return redirect("teams") if deed == "leave" else redirect("team", slug)


@login_required
def join(request: HttpRequest, code: str) -> HttpResponse:
    """Which team it is and who invites, by first name only; then a yes."""
    found = Team.objects.filter(join_code=code, archived_at=None).select_related("site").first()
    if found is None:
        return render(request, "fablab/teams/link_over.html", status=404)
    me = signed_in(request)
    if request.method == "POST":
        try:
            join_team(code=code, person=me, now=timezone.now())
        except PeopleError:
            return render(request, "fablab/teams/link_over.html", status=404)
        messages.success(request, _("Welcome to “%(team)s”.") % {"team": found})
        return redirect("team", found.slug)
    if found.memberships.filter(person=me).exists():
        return redirect("team", found.slug)
    organisers = found.memberships.filter(is_organiser=True).order_by("joined_at", "pk")
    names = list(organisers.values_list("person__first_name", flat=True)[:3])
    return render(request, "fablab/teams/join.html", {"team": found, "names": [name for name in names if name]})


@for_role(is_staff)
def manage(request: HttpRequest) -> HttpResponse:
    """The teams of one's sites, archived ones behind a link."""
    is_archive = "archived" in request.GET
    rows = Team.objects.filter(site__in=staff_sites(signed_in(request)), archived_at__isnull=not is_archive)
    rows = rows.select_related("site").annotate(member_count=Count("memberships"))
    page = Paginator(rows.order_by("name", "pk"), TEAMS_A_PAGE).get_page(query_word(request.GET, "page"))
    kept = "archived=1" if is_archive else ""
    return render(request, "fablab/teams/manage.html", {"page": page, "is_archive": is_archive, "kept": kept})


@require_POST
@for_role(is_staff)
def archive(request: HttpRequest, slug: str, deed: str) -> HttpResponse:
    found, me = get_object_or_404(Team.objects.select_related("site"), slug=slug), signed_in(request)
    if not is_staff(me, found):
        raise PermissionDenied
    if deed == "archive":
        archive_team(team=found, by=me, now=timezone.now())
        messages.success(request, _("“%(team)s” is archived.") % {"team": found})
    else:
        restore_team(team=found, by=me)
        messages.success(request, _("“%(team)s” is back.") % {"team": found})
    return redirect("manage-teams")
