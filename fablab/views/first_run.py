"""The questions of the first day: one a page, with a way back. Answers are kept as they are given."""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from fablab.first_run import services, steps
from fablab.first_run.forms import NO_COUNTRY, AdministratorForm, HoursForm, PlaceForm, RoomsForm
from fablab.first_run.key import is_setup_key, may_claim, note_key_shown
from fablab.first_run.machine_forms import MachinesForm
from fablab.first_run.machines import machines_by_template, set_machine_counts
from fablab.first_run.progress import furthest_step, has_administrator, is_askable, is_first_run, the_site
from fablab.first_run.rooms import rooms_of, set_rooms
from fablab.first_run.steps import Step
from fablab.first_run.summary import answers_so_far
from fablab.second_factor import has_second_key
from fablab.views.first_run_asking import SEEN, answer_to, answering, ask, go_on, is_kept, place_of
from fablab.views.first_run_team import team
from fablab.views.roles import for_role
from machines.models import Machine, OpeningHours
from people.forms_settings import ModulesForm
from people.lab import current_lab
from people.models import Person
from people.permissions import is_administrator
from people.settings_services import set_modules
from people.sign_in_backends import BY_PASSWORD
from people.signed_in import signed_in


@never_cache
@sensitive_post_parameters("key")
def first_run(request: HttpRequest) -> HttpResponse:
    """Where to go on; from another machine, the setup key is asked for first."""
    if not is_first_run():
        raise Http404
    if has_administrator() or may_claim(request):
        return redirect("first-run-step", furthest_step(request.session.get(SEEN, "")).slug)
    key = request.POST.get("key", request.GET.get("key", ""))
    if is_setup_key(key):
        note_key_shown(request)
        return redirect("first-run-step", steps.ADMINISTRATOR.slug)
    return render(request, "fablab/first_run/key.html", {"is_wrong": bool(key)}, status=403)


@answering
@sensitive_post_parameters("password")
def step(request: HttpRequest, slug: str) -> HttpResponse:
    """One question. Once sent, the answer is kept and the next one is asked."""
    asked = steps.BY_SLUG.get(slug)
    if asked is None:
        raise Http404
    if not is_askable(asked):
        return redirect("first-run")
    request.session[SEEN] = steps.later_of(request.session.get(SEEN, ""), slug)
    return QUESTIONS[slug](request, asked)


# --- the questions ----------------------------------------------------------------------------------------------


def _administrator(request: HttpRequest, asked: Step) -> HttpResponse:
    person = request.user if isinstance(request.user, Person) and request.user.is_superuser else None
    initial = {}
    if person:
        names = {"first_name": person.first_name, "last_name": person.last_name}
        initial = {**names, "email": person.contact_email}
    form = AdministratorForm(answer_to(request), person=person, initial=initial)

    def write(answer: dict[str, Any]) -> None:
        now = timezone.now()
        if person is None:
            language = "en" if get_language() == "en" else "fr"
            made = services.make_administrator(**answer, language=language, now=now)
            login(request, made, backend=BY_PASSWORD)
            # They have just typed it: the page of the second key must not ask for it again.
            record_authentication(request, made, method="password")
        else:
            changed = services.change_administrator(person=person, **answer, now=now)
            update_session_auth_hash(request, changed)

    if is_kept(form, write):
        return go_on(request, asked)
    return ask(request, asked, form, person=person)


def _place(request: HttpRequest, asked: Step) -> HttpResponse:
    by, site = signed_in(request), the_site()
    names = ("name", "address", "holiday_country", "time_zone")
    initial = {name: getattr(site, name) for name in names} if site else {}
    if site and not site.holiday_country:
        initial["holiday_country"] = NO_COUNTRY
    form = PlaceForm(answer_to(request), initial=initial)
    if is_kept(form, lambda answer: services.set_place(**answer, by=by, now=timezone.now())):
        return go_on(request, asked)
    return ask(request, asked, form, person=by)


def _hours(request: HttpRequest, asked: Step) -> HttpResponse:
    by, site, now = signed_in(request), place_of(), timezone.now()
    if request.method == "POST" and "unknown" in request.POST:
        services.set_usual_hours(site=site, by=by, now=now)
        messages.success(request, _("Noted: from Tuesday to Saturday, 10:00 to 18:00, until you say otherwise."))
        return go_on(request, asked)
    rows = list(OpeningHours.objects.filter(site=site))
    ranges = {(row.opens, row.closes) for row in rows}
    initial: dict[str, Any] = {"days": [row.weekday for row in rows]} if rows else {}
    if len(ranges) == 1:
        initial["opens"], initial["closes"] = ranges.pop()
    form = HoursForm(answer_to(request), initial=initial)
    if is_kept(form, lambda answer: services.set_hours(site=site, **answer, by=by, now=now)):
        return go_on(request, asked)
    return ask(request, asked, form, differs=len(ranges) > 1)


def _rooms(request: HttpRequest, asked: Step) -> HttpResponse:
    by, site = signed_in(request), place_of()
    form = RoomsForm(answer_to(request), initial={"names": "\n".join(room.name for room in rooms_of(site))})
    if is_kept(form, lambda answer: set_rooms(site=site, names=answer["names"], by=by)):
        return go_on(request, asked)
    return ask(request, asked, form)


def _machines(request: HttpRequest, asked: Step) -> HttpResponse:
    by, site = signed_in(request), place_of()
    there = machines_by_template(site)
    form = MachinesForm(answer_to(request), rooms=rooms_of(site), there=there)
    if is_kept(form, lambda _a: set_machine_counts(site=site, wishes=form.wishes(), by=by, now=timezone.now())):
        return go_on(request, asked)
    of_templates = [machine.pk for machines in there.values() for machine in machines]
    others = Machine.objects.filter(unit__site=site, retired_at=None).exclude(pk__in=of_templates)
    return ask(request, asked, form, others=list(others.select_related("category", "room")))


def _modules(request: HttpRequest, asked: Step) -> HttpResponse:
    by = signed_in(request)
    form = ModulesForm(answer_to(request), lab=current_lab())
    if is_kept(form, lambda _answer: set_modules(wanted=form.wanted(), by=by)):
        return go_on(request, asked)
    return ask(request, asked, form)


def _check(request: HttpRequest, asked: Step) -> HttpResponse:
    by, site = signed_in(request), place_of()
    if request.method == "POST":
        services.finish(by=by, now=timezone.now())
        request.session.pop(SEEN, None)
        return redirect("first-run-done")
    return ask(request, asked, answers=answers_so_far(site, by), person=by)


@for_role(is_administrator)
def done(request: HttpRequest) -> HttpResponse:
    """What to do next, for as long as an administrator likes to come back to it."""
    if is_first_run():
        return redirect("first-run")
    needs_key = settings.STAFF_NEEDS_SECOND_FACTOR and not has_second_key(request, signed_in(request))
    machine = Machine.objects.visible_to(request.user).order_by("pk").first()
    return render(request, "fablab/first_run/done.html", {"machine": machine, "needs_key": needs_key})


QUESTIONS: dict[str, Callable[[HttpRequest, Step], HttpResponse]] = {
    steps.ADMINISTRATOR.slug: _administrator,
    steps.PLACE.slug: _place,
    steps.HOURS.slug: _hours,
    steps.ROOMS.slug: _rooms,
    steps.MACHINES.slug: _machines,
    steps.TEAM.slug: team,
    steps.MODULES.slug: _modules,
    steps.CHECK.slug: _check,
}
