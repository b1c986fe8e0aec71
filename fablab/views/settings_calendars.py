"""Settings: calendars of a place and its machines for other programs. They name nobody."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.lib.queries import query_word
from fablab.views.calendars import shown_once
from fablab.views.roles import for_role
from fablab.views.settings_places import site_there
from people.permissions import is_manager
from people.signed_in import signed_in
from reservations.feeds import feeds_of_site, make_feed, revoke_feed
from reservations.forms_feeds import WHOLE_PLACE, PlaceFeedForm, machines_at
from reservations.models import CalendarFeed


@for_role(is_manager)
def calendars(request: HttpRequest, slug: str) -> HttpResponse:
    """The addresses of the place and of its machines; a new one is shown once. `?machine=` chooses the machine."""
    site, now, person = site_there(request, slug), timezone.now(), signed_in(request)
    machines = machines_at(site)
    initial = {"whose": query_word(request.GET, "machine") or WHOLE_PLACE}
    form = PlaceFeedForm(request.POST or None, machines=machines, initial=initial)
    fresh = {}
    if request.method == "POST" and form.is_valid():
        machine, label = form.machine(), form.cleaned_data["label"]
        try:
            _feed, token = make_feed(machine=machine, site=None if machine else site, label=label, by=person, now=now)
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            form, fresh = PlaceFeedForm(machines=machines), shown_once(request, token)
    context = {"site": site, "zone": site.zone, "form": form, "feeds": feeds_of_site(site), "fresh": fresh}
    return render(request, "fablab/calendars/place.html", context)


@require_POST
@for_role(is_manager)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """An address of a place or of a machine answers nobody any more."""
    feed = get_object_or_404(
        CalendarFeed.objects.select_related("site", "machine__unit__site").filter(person=None), pk=pk
    )
    site = feed.site or (feed.machine and feed.machine.site)
    if site is None or not is_manager(request.user, site):
        raise PermissionDenied
    revoke_feed(feed=feed, by=signed_in(request), now=timezone.now())
    messages.success(request, _("The address is revoked: no program reads it any more."))
    return redirect("settings-calendars", site.slug)
