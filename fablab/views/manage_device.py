"""Devices for the team: the list, and the page of each, where it is told what to do."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.curve_facts import curve_facts
from fablab.device_entry import device_entry
from fablab.device_page import LOG_WORDS, device_page, drawn_power, log_words, offered_orders, order_data, orders_beyond
from fablab.forms_devices import OrderForm, ThresholdsForm
from fablab.lib.queries import query_word
from fablab.power_spans import SPAN_WORDS, TITLES, Span
from fablab.views.desk import desk_site
from fablab.views.roles import for_role
from iot.device_log import LogKind
from iot.device_services import DeviceError, update_device
from iot.device_words import set_up_of
from iot.ingest_health import ingest_health
from iot.models import Device, DriverKind
from iot.orders import order
from iot.seen_selectors import devices_seen
from iot.selectors import account_name
from iot.services import make_enrolment_code, set_password
from people.errors import NotAllowed
from people.permissions import is_manager, is_staff
from people.signed_in import signed_in


@for_role(is_staff)
def devices(request: HttpRequest) -> HttpResponse:
    """Every device: heard when, of which machine; and how many more speak on the broker."""
    now = timezone.now()
    rows = Device.objects.filter(revoked_at=None).select_related("machine__unit__site")
    if slug := query_word(request.GET, "machine"):
        rows = rows.filter(machine__slug=slug)
    site = desk_site(request)
    lines = [{"device": device, "is_silent": device.is_silent(now)} for device in rows if _is_theirs(device, request)]
    seen = devices_seen(now).count() if is_manager(request.user) else 0
    context = {"lines": lines, "zone": site.zone, "seen_count": seen, "ingest": ingest_health(now)}
    return render(request, "fablab/manage_devices.html", context)


def _is_theirs(device: Device, request: HttpRequest, predicate: Callable[..., bool] = is_staff) -> bool:
    """Whether the device stands where the person has the role. One without a machine is anybody's of the team."""
    return predicate(request.user, device.machine)


def _device_there(request: HttpRequest, slug: str, predicate: Callable[..., bool] = is_staff) -> Device:
    rows = Device.objects.select_related("machine__unit__site", "machine__reported", "machine__access")
    found = get_object_or_404(rows, slug=slug)
    if not _is_theirs(found, request, predicate):
        raise PermissionDenied
    return found


@for_role(is_staff)
def device(request: HttpRequest, slug: str) -> HttpResponse:
    """One device: what it was told beside what it says, its last hour of power, and its log."""
    return _page(request, _device_there(request, slug))


def _page(request: HttpRequest, found: Device, refused: OrderForm | None = None) -> HttpResponse:
    now, person = timezone.now(), signed_in(request)
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    if htmx and htmx.target == "power":
        return render(request, "fablab/devices/_curve.html", _power(request, found, now))
    only = _kind_asked(request)
    page = device_page(found, now, only=only, is_whole=not htmx)
    context: dict[str, Any] = {"page": page, "device": found, "zone": _zone(request, found), "now": now}
    if htmx:
        return render(request, "fablab/devices/_live.html", context)
    forms = [OrderForm(kind=kind, device=found) for kind in offered_orders(found, person)]
    context |= {
        "log": [{"line": line, "words": log_words(line, found, now)} for line in page.log],
        "log_kinds": LOG_WORDS.items(),
        "only": only,
        "orders": [refused if refused is not None and form.kind == refused.kind else form for form in forms],
        "orders_beyond": orders_beyond(found, person),
        "form": refused,
        "set_up": set_up_of(found.kind),
        "account": account_name(found),
        **_power(request, found, now),
    }
    secret = _fresh_secret(request, found)
    context |= secret | {"entry": device_entry(request, secret.get("code", ""))}
    return render(request, "fablab/manage_device.html", context, status=400 if refused is not None else 200)


def _power(request: HttpRequest, found: Device, now: dt.datetime) -> dict[str, Any]:
    """What the part with the curve is made of; curve.js asks for it again by itself."""
    zone, word = _zone(request, found), query_word(request.GET, "span")
    span = Span(word) if word in set(Span) else Span.HOUR
    curve = drawn_power(found, span, now, zone)
    return {
        "curve": curve,
        "curve_facts": curve_facts(curve, found, zone) if curve else None,
        "span": span,
        "spans": SPAN_WORDS.items(),
        "power_title": TITLES[span],
        "device": found,
        "zone": zone,
        "now": now,
        "is_silent": found.is_silent(now),
        "may_change": _is_theirs(found, request, is_manager),
    }


def _kind_asked(request: HttpRequest) -> LogKind | None:
    word = query_word(request.GET, "log")
    return LogKind(word) if word in set(LogKind) else None


def _zone(request: HttpRequest, found: Device) -> Any:
    return found.machine.site.zone if found.machine else desk_site(request).zone


def _fresh_secret(request: HttpRequest, device: Device) -> dict[str, str]:
    """The code or password just made for this very device, once; another device's stays where it is."""
    secret: dict[str, str] = request.session.get("device_secret", {})
    if secret.get("slug") != device.slug:
        return {}
    del request.session["device_secret"]
    return secret


def keep_secret(request: HttpRequest, device: Device, **secret: str) -> None:
    """To be shown once, on the device's own page."""
    request.session["device_secret"] = {"slug": device.slug} | secret


@require_POST
@for_role(is_manager)
def device_code(request: HttpRequest, slug: str) -> HttpResponse:
    """What lets the device in, shown once on its page: a one-time code for our agent, a password for a plug."""
    found = _device_there(request, slug, is_manager)
    if found.revoked_at is not None:
        raise Http404
    now = timezone.now()
    if found.kind == DriverKind.FABLAB:
        keep_secret(request, found, code=make_enrolment_code(device=found, by=signed_in(request), now=now))
    else:
        keep_secret(request, found, password=set_password(found, now=now))
    return redirect("manage-device", slug)


@require_POST
@for_role(is_staff)
def device_order(request: HttpRequest, slug: str) -> HttpResponse:
    """Tell the device to do something; what became of it is shown on its page."""
    found, person = _device_there(request, slug), signed_in(request)
    kind = query_word(request.POST, "kind")
    if kind not in offered_orders(found, person):
        raise PermissionDenied
    form = OrderForm(request.POST, kind=kind, device=found)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        order(
            device=found, kind=form.kind, by=person, now=timezone.now(), data=order_data(kind, form.cleaned_data),
            why=form.cleaned_data.get("why", ""),
        )  # fmt: skip
    except (DeviceError, NotAllowed) as refusal:
        form.add_error(None, str(refusal.sentence))
        return _page(request, found, form)
    messages.success(request, _("The order is given. What becomes of it stands below."))
    return redirect("manage-device", slug)


@require_POST
@for_role(is_manager)
def device_thresholds(request: HttpRequest, slug: str) -> HttpResponse:
    """Take over what the last hour proposed, as it was shown."""
    found, form = _device_there(request, slug, is_manager), ThresholdsForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        update_device(device=found, by=signed_in(request), **form.cleaned_data)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("Saved. From now on, use is counted from these thresholds."))
    return redirect("manage-device", slug)
