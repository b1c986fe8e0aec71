"""What the desk hands out at once: packs of credits."""

import datetime as dt
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fablab.views.people_door import posted
from fablab.views.roles import for_role
from fablab.views.rules_door import others_concerned, read_only_words
from fablab.views.settings_places import parts_of, refusals_beside
from machines.models import BookingPolicy
from people.models import Person, Site
from people.permissions import is_manager
from people.signed_in import signed_in
from reservations.credit_packs import archive_pack, create_pack, restore_pack, update_pack
from reservations.forms_credits import PackForm
from reservations.models import CreditPack

Deed = Callable[..., None]
DEEDS: dict[str, tuple[Deed, str | Promise]] = {
    "archive": (archive_pack, gettext_lazy("No longer handed out. What people have of it holds.")),
    "restore": (restore_pack, gettext_lazy("It is handed out again.")),
}


@for_role(is_manager)
def packs(request: HttpRequest) -> HttpResponse:
    """Those that are handed out, then those that were."""
    rows = list(CreditPack.objects.all())
    context = {
        "packs": [pack for pack in rows if pack.archived_at is None],
        "archived": [pack for pack in rows if pack.archived_at is not None],
    }
    return render(request, "fablab/credits/packs.html", context)


@for_role(is_manager)
def pack_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@for_role(is_manager)
def pack(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(CreditPack, pk=pk))


def _edit(request: HttpRequest, found: CreditPack | None) -> HttpResponse:
    me, now = signed_in(request), timezone.now()
    form = PackForm(posted(request), instance=found)
    context = {
        "title": _("Add a pack") if found is None else found.name,
        "lead": _("What it holds from now on. What was handed out before stays as it was."),
        "form": form,
        "parts": parts_of(form),
        "back": {"url": reverse("rules-credits"), "words": _("Credits")},
    }
    if found is not None and (others := _others(me)):
        if request.method == "POST":
            raise PermissionDenied
        return render(
            request, "fablab/settings/kind_read_only.html", context | {"lead": read_only_words(others)}
        )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form):
            _save(found, form, me, now)
            messages.success(request, _("Saved."))
            return redirect("rules-credits")
    if found is not None and found.archived_at is None:
        context["remove"] = {
            "url": reverse("rules-pack-act", args=[found.pk, "archive"]),
            "words": _("No longer hand it out"),
            "question": _("It leaves the list. What people have of it holds until it runs out."),
        }
    return render(request, "fablab/settings/edit.html", context, status=400 if form.errors else 200)


def _save(found: CreditPack | None, form: PackForm, me: Person, now: dt.datetime) -> None:
    if found is None:
        create_pack(by=me, now=now, **form.cleaned_data)
    else:
        update_pack(pack=found, by=me, now=now, **form.cleaned_data)


@require_POST
@for_role(is_manager)
def act(request: HttpRequest, pk: str, deed: str) -> HttpResponse:
    """Archive a pack, or bring it back."""
    found, me = get_object_or_404(CreditPack, pk=pk), signed_in(request)
    if _others(me):
        raise PermissionDenied
    service, said = DEEDS[deed]
    service(pack=found, by=me, now=timezone.now())
    messages.success(request, str(said))
    return redirect("rules-credits")


def _others(me: Person) -> list[Site]:
    """A pack stands in no place: whoever changes it changes it for all."""
    return others_concerned(me, BookingPolicy())
