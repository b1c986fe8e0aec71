"""Reserve in three taps: machine, how long and when, yes. Works without JavaScript."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.queries import query_word
from fablab.machine_status import machine_statuses
from fablab.views.days import chosen_day, days_ahead
from fablab.views.on_behalf import Whom, whom
from machines.models import Machine
from people.models import Person
from people.signed_in import signed_in
from reservations.day import day_starts
from reservations.desk import reserve_at_desk
from reservations.errors import ReservationRefused, WrongState
from reservations.facts import standing_facts
from reservations.forms import TimeForm
from reservations.messages import STATE_WORDS, Sentence, moment_words, sentence_of
from reservations.models import Origin, Reservation
from reservations.rules import Code, reservation_denials
from reservations.services import create_reservation, move_reservation, preview_reservation

FIRST_STARTS = 6
KEPT = ("machine", "day", "start", "end", "start_at", "end_at", "moving", "for")
LENGTHS_MIN = (15, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880)
# What another time does not change: said before a time is chosen.
ABOUT_THE_PERSON = frozenset(
    {Code.QUALIFICATION_MISSING, Code.QUALIFICATION_EXPIRED, Code.QUALIFICATION_LEVEL, Code.SUSPENDED}
)


def reserve(request: HttpRequest) -> HttpResponse:
    """Choose a machine; then how long and when. `moving` carries the reservation that is being moved."""
    now = timezone.now()
    slug = query_word(request.GET, "machine")
    if not slug:
        rows = list(Machine.objects.visible_to(request.user).with_places())  # type: ignore[arg-type]
        context = {"statuses": machine_statuses(rows, now), **_carried(None, whom(request))}
        return render(request, "fablab/reserve_machine.html", context)
    machine = _machine(request, slug)
    moving = _moving(request)
    wanted_for = whom(request, machine)
    lengths = _lengths(machine)
    length = _chosen_length(request, lengths, moving)
    day = chosen_day(request, machine, now)
    found = day_starts(machine, day, length, now)
    show_all = bool(request.GET.get("all"))
    return render(
        request,
        "fablab/reserve.html",
        {
            "machine": machine,
            "zone": machine.site.zone,
            "now": now,
            "lengths": lengths,
            "length": length,
            "length_min": int(length.total_seconds() // 60),
            "day": day,
            "days": days_ahead(machine, now),
            "starts": found if show_all else _spread(found),
            "has_more": not show_all and len(found) > FIRST_STARTS,
            "denials": _standing_denials(moving.holder if moving else wanted_for.person, machine, now, length),
            "form": TimeForm(machine=machine, initial={"day": day.isoformat()}),
            **_carried(moving, wanted_for),
        },
    )


def _carried(moving: Reservation | None, wanted_for: Whom) -> dict[str, Any]:
    """What each step hands to the next: the reservation being moved, or for whom it is."""
    kept = {"moving": moving.reference} if moving else {"for": wanted_for.key} if wanted_for.is_other else {}
    return {"moving": moving, "wanted_for": wanted_for, "kept": kept, "carry": f"&{urlencode(kept)}" if kept else ""}


def _machine(request: HttpRequest, slug: str) -> Machine:
    rows = Machine.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    return get_object_or_404(rows, slug=slug)


def _moving(request: HttpRequest) -> Reservation | None:
    reference = query_word(request.POST, "moving") or query_word(request.GET, "moving")
    if not reference:
        return None
    rows = Reservation.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    reservation = get_object_or_404(rows, reference=reference)
    if not request.user.has_perm("reservations.change", reservation):
        raise PermissionDenied
    return reservation


def _lengths(machine: Machine) -> list[dt.timedelta]:
    settings = machine.booking
    known = [dt.timedelta(minutes=m) for m in LENGTHS_MIN]
    offered = [d for d in known if settings.shortest <= d <= settings.longest and d % settings.grid == dt.timedelta(0)]
    return offered or [settings.shortest]


def _chosen_length(request: HttpRequest, lengths: list[dt.timedelta], moving: Reservation | None) -> dt.timedelta:
    try:
        wanted = dt.timedelta(minutes=int(request.GET.get("minutes", "")))
    except (ValueError, OverflowError):
        wanted = moving.end - moving.start if moving else dt.timedelta(hours=1)
    return min(lengths, key=lambda length: (abs(length - wanted), length))


def _spread(found: list[Any]) -> list[Any]:
    """At most six starts: the soonest, then those on whole hours, so that the day is covered."""
    if len(found) <= FIRST_STARTS:
        return found
    step = len(found) / FIRST_STARTS
    return [found[int(n * step)] for n in range(FIRST_STARTS)]


def _standing_denials(
    holder: Person | None, machine: Machine, now: dt.datetime, length: dt.timedelta
) -> list[Sentence]:
    if holder is None:
        return []
    facts = standing_facts(machine=machine, holder=holder, at=now)
    denials = reservation_denials(facts=facts, start=now, end=now + length, now=now)
    return [sentence_of(d) for d in denials if d.code in ABOUT_THE_PERSON]


def confirm(request: HttpRequest) -> HttpResponse:
    """The last look (GET), and the reservation itself (POST): 409 with every reason when it is refused."""
    now = timezone.now()
    data = request.POST if request.method == "POST" else request.GET
    if "machine" not in data:
        return redirect("reserve")
    if not request.user.is_authenticated:
        # The session may have ended while they thought it over: what they chose comes back after the sign-in.
        kept = urlencode({name: data[name] for name in KEPT if name in data})
        return redirect_to_login(f"{request.path}?{kept}")
    machine = _machine(request, query_word(data, "machine"))
    moving = _moving(request)
    wanted_for = whom(request, machine)
    form = TimeForm(data, machine=machine)
    context: dict[str, Any] = {"machine": machine, "zone": machine.site.zone, "form": form}
    context |= _carried(moving, wanted_for)
    if not form.is_valid():
        return render(request, "fablab/reserve_confirm.html", context, status=400)
    start, end = form.interval()
    context |= {"start": start, "end": end}
    if request.method != "POST":
        holder = moving.holder if moving else wanted_for.person
        origin = Origin.DESK if wanted_for.is_other else Origin.PAGE
        try:
            preview_reservation(
                machine=machine, start=start, end=end, holder=holder, now=now, moving=moving, origin=origin
            )
        except ReservationRefused as refusal:
            context["denials"] = [sentence_of(d) for d in refusal.denials]
            context["alternatives"] = refusal.alternatives
        return render(request, "fablab/reserve_confirm.html", context)
    try:
        reservation = _carry_out(request, machine, moving, wanted_for, start, end, form.cleaned_data["note"], now)
    except ReservationRefused as refusal:
        context |= {
            "denials": [sentence_of(d) for d in refusal.denials],
            "alternatives": refusal.alternatives,
            "was_refused": True,
        }
        return render(request, "fablab/reserve_confirm.html", context, status=409)
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        return redirect(moving or "me")
    words = {"machine": machine.name, "moment": moment_words(reservation.start, machine.site.zone)}
    said = _("Moved: %(machine)s, %(moment)s.") if moving else _("Reserved: %(machine)s, %(moment)s.")
    messages.success(request, said % words)
    return redirect("desk-ticket", reservation.reference) if wanted_for.is_other else redirect(reservation)


def _carry_out(
    request: HttpRequest,
    machine: Machine,
    moving: Reservation | None,
    wanted_for: Whom,
    start: dt.datetime,
    end: dt.datetime,
    note: str,
    now: dt.datetime,
) -> Reservation:
    person = signed_in(request)
    if moving is not None:
        return move_reservation(reservation=moving, machine=machine, start=start, end=end, by=person, now=now)
    if wanted_for.is_other:
        return reserve_at_desk(
            machine=machine, start=start, end=end, holder=wanted_for.person, by=person, now=now, note=note
        )
    return create_reservation(machine=machine, start=start, end=end, holder=person, by=person, now=now, note=note)
