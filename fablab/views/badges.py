"""Badges: given by tapping them at a reader, blocked when they are lost."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from fablab.forms_at_machine import BadgeForm
from fablab.views.people_door import file_of, form_page, own_site, posted
from fablab.views.roles import for_role
from iot.access.who import wait_for_badge
from iot.models import BadgeWanted, Device, DriverKind
from people.badge_services import block_badge
from people.errors import PeopleError
from people.models import Badge, Person
from people.permissions import is_staff
from people.ranks import may_change_access
from people.selectors import staff_sites
from people.signed_in import signed_in


@for_role(is_staff)
def badges(request: HttpRequest, reference: str) -> HttpResponse:
    """Somebody's badges; posted, the chosen reader waits for a new one."""
    person, me, now = file_of(request, reference), signed_in(request), timezone.now()
    may_give = may_change_access(me, person)
    form = BadgeForm(posted(request), readers=_readers(me))
    if request.method == "POST":
        # With a badge of somebody above one could start what oneself may not.
        if not may_give:
            raise PermissionDenied
        if form.is_valid():
            try:
                wanted = wait_for_badge(
                    device=form.chosen, person=person, by=me, now=now, label=form.cleaned_data["label"]
                )
            except PeopleError as error:
                form.refuse(error)
            else:
                return redirect("people-badge-wait", reference, wanted.pk)
    context = {
        "form": form,
        "person": person,
        "badges": list(Badge.objects.filter(person=person).order_by("-created_at", "-pk")),
        "zone": own_site(request).zone,
        "may_give": may_give,
    }
    return form_page(request, "fablab/badges/badges.html", context)


def _readers(me: Person) -> list[Device]:
    """The readers of machines at their sites, those that are heard first."""
    now = timezone.now()
    rows = Device.objects.filter(kind=DriverKind.FABLAB, revoked_at=None, machine__unit__site__in=staff_sites(me))
    rows = rows.filter(machine__category__is_seat=False).select_related("machine__unit__site")
    return sorted(rows, key=lambda device: (device.is_silent(now), device.slug))


@never_cache
@require_safe
@for_role(is_staff)
def wait(request: HttpRequest, reference: str, wanted: int) -> HttpResponse:
    """“Tap it now”: the page asks until the badge is there or the time is over; without JavaScript by a link."""
    person, now = file_of(request, reference), timezone.now()
    rows = BadgeWanted.objects.select_related("device__machine", "badge")
    found = get_object_or_404(rows, pk=wanted, person=person)
    left_s = max(0, int((found.expires_at - now).total_seconds() + 0.999))
    context = {"person": person, "wanted": found, "left_s": left_s}
    part = "#live" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"fablab/badges/wait.html{part}", context)


@require_POST
@for_role(is_staff)
def block(request: HttpRequest, reference: str, badge: int) -> HttpResponse:
    """The team blocks it for them."""
    person = file_of(request, reference)
    _block(request, get_object_or_404(Badge, person=person, pk=badge))
    return redirect("people-badges", reference)


@require_POST
@login_required
def lost(request: HttpRequest, badge: int) -> HttpResponse:
    """“I lost it”: blocked at once."""
    _block(request, get_object_or_404(Badge, person=signed_in(request), pk=badge))
    return redirect("me")


def _block(request: HttpRequest, badge: Badge) -> None:
    try:
        block_badge(badge=badge, by=signed_in(request), now=timezone.now())
    except PeopleError as error:
        messages.error(request, str(error.sentence))
    else:
        messages.success(request, _("Blocked: it opens nothing any more. The team gives a new one at the desk."))
