"""Add, change and remove a rule for some, or a limit; and what it would have changed last month, before it is saved."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.people_door import posted
from fablab.views.roles import for_role
from fablab.views.rules_door import others_concerned, others_words, read_only_words, rules_seen
from fablab.views.settings_places import parts_of, refusals_beside
from machines.forms_policies import SCOPE_NAMES, PolicyForm
from machines.models import BookingPolicy
from machines.policy_services import check_policy, create_policy, remove_policy, update_policy
from people.groups import group_that_follows_roles
from people.models import PersonGroup
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in
from reservations.forms_quotas import QuotaForm
from reservations.models import Quota
from reservations.quota_services import check_quota, create_quota, remove_quota, update_quota
from reservations.rule_preview import Preview, preview_policy, preview_quota

SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a rule for some differs in from a limit: both are made, tried, changed and removed alike."""

    name: str  # Of the argument of its services, and in the names of its pages.
    model: Any
    form: Callable[..., Any]
    check: Callable[[Any], None]
    create: Callable[..., object]
    update: Callable[..., object]
    remove: Callable[..., None]
    preview: Callable[..., Preview]
    add: Promise
    change: Promise
    lead: Promise
    removal: Promise
    question: Promise

    def url(self, deed: str, *args: object) -> str:
        return reverse(f"rules-{self.name}{deed}", args=args)


POLICY = _Kind(
    name="policy", model=BookingPolicy, form=PolicyForm, check=check_policy, create=create_policy,
    update=update_policy, remove=remove_policy, preview=preview_policy,
    add=_("Add a rule for some"), change=_("Rule for some"),
    lead=_("Fill in only what differs: an empty line says nothing, and what the machine or its category says holds."),
    removal=_("Remove the rule"), question=_("What the machine or its category says holds again for these people."),
)  # fmt: skip
QUOTA = _Kind(
    name="quota", model=Quota, form=QuotaForm, check=check_quota, create=create_quota, update=update_quota,
    remove=remove_quota, preview=preview_quota,
    add=_("Add a limit"), change=_("Limit"),
    lead=_("How much one person may hold. What they hold already stays theirs."),
    removal=_("Remove the limit"), question=_("Nobody is held to it any more."),
)  # fmt: skip


@for_role(is_manager)
def policy_new(request: HttpRequest) -> HttpResponse:
    """`?group=`, `?category=`, `?machine=` and `?site=` fill in what is known already."""
    return _edit(request, POLICY, None)


@for_role(is_manager)
def policy(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, POLICY, get_object_or_404(rules_seen(signed_in(request), BookingPolicy), pk=pk))


@require_POST
@for_role(is_manager)
def policy_remove(request: HttpRequest, pk: int) -> HttpResponse:
    return _remove(request, POLICY, get_object_or_404(rules_seen(signed_in(request), BookingPolicy), pk=pk))


@for_role(is_manager)
def quota_new(request: HttpRequest) -> HttpResponse:
    """`?group=`, `?category=`, `?machine=` and `?site=` fill in what is known already."""
    return _edit(request, QUOTA, None)


@for_role(is_manager)
def quota(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, QUOTA, get_object_or_404(rules_seen(signed_in(request), Quota), pk=pk))


@require_POST
@for_role(is_manager)
def quota_remove(request: HttpRequest, pk: int) -> HttpResponse:
    return _remove(request, QUOTA, get_object_or_404(rules_seen(signed_in(request), Quota), pk=pk))


def _edit(request: HttpRequest, kind: _Kind, found: BookingPolicy | Quota | None) -> HttpResponse:
    me, now = signed_in(request), timezone.now()
    sites = list(managed_sites(me))
    for each in (PersonGroup.Kind.TEAM, PersonGroup.Kind.MEMBERS):
        group_that_follows_roles(each)
    form = kind.form(posted(request), instance=found, sites=sites, **_initial(request, found))
    context: dict[str, Any] = {
        "title": kind.add if found is None else kind.change,
        "lead": kind.lead,
        "parts": parts_of(form),
        "form": form,
        "back": {"url": reverse("rules"), "words": gettext("Rules")},
    }
    if found is not None and (others := others_concerned(me, found)):
        if request.method == "POST":
            raise PermissionDenied
        return render(
            request, "fablab/settings/kind_read_only.html", context | {"lead": read_only_words(others)}
        )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        if others := others_concerned(me, form.instance):
            form.add_error("site", others_words(others))
        else:
            with refusals_beside(form):
                if "preview" in request.POST:
                    kind.check(form.instance)
                    context |= _preview(kind, form.instance, sites, now)
                else:
                    return _save(request, kind, found, form, now)
    if found is not None:
        remove = {"url": kind.url("-remove", found.pk), "words": kind.removal, "question": kind.question}
        context["remove"] = remove
    return render(request, "fablab/rules/edit.html", context)


def _save(request: HttpRequest, kind: _Kind, found: Any, form: Any, now: dt.datetime) -> HttpResponse:
    if found is None:
        kind.create(by=signed_in(request), now=now, **form.cleaned_data)
    else:
        kind.update(**{kind.name: found}, by=signed_in(request), now=now, **form.cleaned_data)
    messages.success(request, gettext("Saved. It holds for new reservations; those that exist stay as they are."))
    return redirect("rules")


def _preview(kind: _Kind, rule: BookingPolicy | Quota, sites: list[Any], now: dt.datetime) -> dict[str, Any]:
    preview = kind.preview(**{kind.name: rule}, sites=sites, now=now)
    newest = sorted(preview.refused, key=lambda each: each.asked.time.start, reverse=True)
    is_partial = any(getattr(rule, name, None) is not None for name in ("credits_per_hour", "cancel_notice"))
    return {
        "preview": preview,
        "shown": newest[:SHOWN],
        "more_count": max(0, len(newest) - SHOWN),
        "is_partial": is_partial,
    }


def _initial(request: HttpRequest, found: object) -> dict[str, Any]:
    """What the link that led here knows of the scope."""
    if found is not None:
        return {}
    words = {name: query_word(request.GET, name) for name in SCOPE_NAMES}
    return {"initial": {name: int(word) for name, word in words.items() if word.isdecimal() and len(word) < 19}}


def _remove(request: HttpRequest, kind: _Kind, found: BookingPolicy | Quota) -> HttpResponse:
    me = signed_in(request)
    if others_concerned(me, found):
        raise PermissionDenied
    kind.remove(**{kind.name: found}, by=me, now=timezone.now())
    messages.success(request, gettext("Removed. What exists stays as it is."))
    return redirect("rules")
