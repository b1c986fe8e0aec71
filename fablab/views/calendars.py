"""Calendars for other programs: the feed itself, and the page where a person makes addresses of their own."""

import uuid
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_POST, require_safe

from fablab.addresses import address_for_others, is_here_only
from people.lab import current_lab
from people.models import Site
from people.notices.atom import as_atom, mark_of_messages, newest_messages
from people.signed_in import signed_in
from reservations.feed_events import events_of, language_of, mark_of, name_of
from reservations.feeds import feed_with, feed_with_messages, feeds_of_person, make_feed, messages_seal, revoke_feed
from reservations.forms_feeds import FeedForm
from reservations.ical import as_calendar
from reservations.models import CalendarFeed


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of a secret address, whoever asks; 304 where the reader has it already."""
    now = timezone.now()
    found = feed_with(token, now=now)
    if found is None:
        raise Http404
    language = language_of(found)
    with override(language):
        events, name = events_of(found, now=now), name_of(found)
        mark = mark_of(found, events, language)
    response = get_conditional_response(request, etag=mark)
    if response is None:
        response = _written(as_calendar(events, name=name, language=language), "text/calendar", "calendar.ics")
    return _for_one_reader(response, mark)


@require_safe
def messages_feed(request: HttpRequest, token: str, seal: str) -> HttpResponse:
    """What the person of a secret address was told, for a feed reader, whoever asks; nothing becomes read by it."""
    now = timezone.now()
    found = feed_with_messages(token, seal, now=now)
    if found is None or found.person is None:
        raise Http404
    language = language_of(found)
    with override(language):
        told = newest_messages(person=found.person, is_for_the_team=found.tells_the_team, now=now)
        name = _("My messages at %(lab)s") % {"lab": current_lab().name or settings.LAB_NAME}
    own_url = settings.ADDRESSES[0] + request.path
    mark = mark_of_messages(told, name=name, language=language, own_url=own_url)
    response = get_conditional_response(request, etag=mark)
    if response is None:
        feed_id = uuid.uuid5(uuid.NAMESPACE_URL, f"fablab:messages:{found.token_digest}").urn
        more: dict[str, Any] = {"language": language, "own_url": own_url, "feed_id": feed_id}
        body = as_atom(told, name=name, since=found.created_at, **more)
        response = _written(body, "application/atom+xml", "messages.atom")
    return _for_one_reader(response, mark)


def _written(body: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def _for_one_reader(response: Any, mark: str) -> HttpResponse:
    response["ETag"] = mark
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex"
    return response


@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """The person's own addresses; a new one is shown once."""
    now, person = timezone.now(), signed_in(request)
    form, fresh = FeedForm(request.POST or None), {}
    if request.method == "POST" and form.is_valid():
        try:
            _feed, token = make_feed(person=person, label=form.cleaned_data["label"], by=person, now=now)
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            form, fresh = FeedForm(), shown_once(request, token)
    context = {"form": form, "feeds": feeds_of_person(person), "fresh": fresh, "zone": _zone()}
    return render(request, "fablab/calendars/mine.html", context)


@require_POST
@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """One of one's own: it answers nobody any more."""
    person = signed_in(request)
    found = get_object_or_404(CalendarFeed, pk=pk, person=person)
    revoke_feed(feed=found, by=person, now=timezone.now())
    messages.success(request, _("The address is revoked: no program reads it any more."))
    return redirect("me-calendars")


def shown_once(request: HttpRequest, token: str) -> dict[str, Any]:
    """The whole address of a new feed, for a program to be told: in letters, as a code and as a link."""
    base = address_for_others(request)
    url = base + reverse("calendar-feed", args=[token])
    return {
        "url": url,
        "messages_url": base + reverse("messages-feed", args=[token, messages_seal(token)]),
        "subscribe": f"webcal://{url.partition('://')[2]}",
        "code": segno.make(url, error="m", micro=False).svg_data_uri(scale=6, dark="#000", light="#fff"),
        "is_here_only": is_here_only(base),
    }


def _zone() -> Any:
    site = Site.objects.first()
    return site.zone if site else timezone.get_default_timezone()
