"""Reserve in three taps: machine, how long and when, yes. Works without JavaScript."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.comers import CARRIED, Comers, comers_of, members_of, questions_of, references_named
from fablab.kiosk_session import kiosk_of
from fablab.lib.denials import Denial
from fablab.lib.queries import query_word
from fablab.machine_status import machine_statuses
from fablab.views.all_the_same import ReasonForm, all_the_same, reason_given, set_aside_by
from fablab.views.any_of import models_of, twins_wanted
from fablab.views.days import chosen_day, days_ahead
from fablab.views.on_behalf import Whom, is_about_another, sentences, whom
from fablab.views.tell_me import tell_me
from fablab.views.waiting import waiting_offer
from machines.models import Machine
from people.lab import current_lab
from people.models import Module, Person, Team
from people.permissions import is_staff
from people.selectors import teams_to_reserve_as
from people.signed_in import signed_in
from reservations.any_of_model import likely_machine, reserve_any_of_model
from reservations.credit_selectors import cost_of
from reservations.day import day_starts
from reservations.desk import reserve_at_desk
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.facts import standing_facts
from reservations.forms import TimeForm
from reservations.lent import leaves_the_place
from reservations.messages import STATE_WORDS, moment_words
from reservations.models import Origin, Reservation, Status
from reservations.rules import Code, may_be_set_aside, reservation_denials
from reservations.services import move_reservation, preview_reservation
from reservations.services import reserve as reserve_wish
from reservations.wishes import Wish, companions_of

FIRST_STARTS = 6
KEPT = ("machine", "day", "start", "end", "start_at", "end_at", "moving", "for", "team", "any", CARRIED)
# The long ones are for what is taken home.
LENGTHS_MIN = (15, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 5760, 7200, 10080, 20160)
# What another time does not change: said before a time is chosen.
ABOUT_THE_PERSON = frozenset(
    {
        Code.QUALIFICATION_MISSING,
        Code.QUALIFICATION_EXPIRED,
        Code.QUALIFICATION_LEVEL,
        Code.RULES_UNSIGNED,
        Code.SUSPENDED,
    }
)


def reserve(request: HttpRequest) -> HttpResponse:
    """Choose a machine; then how long and when. `moving` carries the reservation that is being moved."""
    now = timezone.now()
    slug = query_word(request.GET, "machine")
    if not slug:
        rows = list(Machine.objects.visible_to(request.user).with_places())  # type: ignore[arg-type]
        moved = _moving(request)
        context = {"statuses": machine_statuses(rows, now), **_carried(moved, whom(request))}
        context["models"] = [] if moved else models_of(rows)
        return render(request, "fablab/reserve_machine.html", context)
    machine = _machine(request, slug)
    moving = _moving(request)
    wanted_for = whom(request, machine)
    lengths = _lengths(machine)
    length = _chosen_length(request, lengths, moving)
    day = chosen_day(request, machine, now)
    twins = twins_wanted(request, machine)
    found = day_starts(machine, day, length, now, twins=twins)
    holder = moving.holder if moving else wanted_for.person
    standing, hard = _standing_denials(request, holder, machine, now, length)
    open_to_them = [start for start in found if not _stands_in_the_way(hard, start.interval.start)]
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
            "starts": open_to_them if show_all else _spread(open_to_them),
            "has_more": not show_all and len(open_to_them) > FIRST_STARTS,
            "has_others": len(found) > len(open_to_them),
            "is_barred": _stands_in_the_way(hard),
            "denials": sentences(request, standing, holder, machine),
            "about": holder if is_about_another(request, holder) else None,
            "form": TimeForm(machine=machine, initial={"day": day.isoformat()}),
            **({} if moving else tell_me(wanted_for.person, machine, day, now, length)),
            **_carried(moving, wanted_for, twins),
        },
    )


def _carried(moving: Reservation | None, wanted_for: Whom, twins: list[Machine] | None = None) -> dict[str, Any]:
    """What each step hands to the next: the reservation being moved, for whom it is, or that any of a model will do."""
    kept = {"moving": moving.reference} if moving else {"for": wanted_for.key} if wanted_for.is_other else {}
    # A move names its machine.
    twins = [] if moving or not twins else twins
    kept |= {"any": "1"} if twins else {}
    carry = f"&{urlencode(kept)}" if kept else ""
    return {"moving": moving, "wanted_for": wanted_for, "kept": kept, "carry": carry, "twins": twins}


def _machine(request: HttpRequest, slug: str) -> Machine:
    rows = Machine.objects.visible_to(request.user).with_places()  # type: ignore[arg-type]
    return get_object_or_404(rows, slug=slug)


def _moving(request: HttpRequest) -> Reservation | None:
    reference = query_word(request.POST, "moving") or query_word(request.GET, "moving")
    if not reference:
        return None
    rows = Reservation.objects.known_to(request.user).with_places()  # type: ignore[arg-type]
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
    request: HttpRequest, holder: Person | None, machine: Machine, now: dt.datetime, length: dt.timedelta
) -> tuple[list[Denial], list[Denial]]:
    """What another time does not change, and of that what bars them: the team may go on where it may set it aside."""
    if holder is None:
        return [], []
    facts = standing_facts(machine=machine, holder=holder, at=now)
    denials = reservation_denials(facts=facts, start=now, end=now + length, now=now)
    standing = [denial for denial in denials if denial.code in ABOUT_THE_PERSON]
    is_team = is_staff(request.user, machine)
    return standing, [denial for denial in standing if not (is_team and may_be_set_aside(denial.code, facts))]


def _stands_in_the_way(standing: list[Denial], start: dt.datetime | None = None) -> bool:
    """Whether one of them holds at this start, or for good when none is named: only a suspension may end by itself."""
    ends = [denial.params.get("end") if denial.code == Code.SUSPENDED else None for denial in standing]
    return any(end is None or (start is not None and start < end) for end in ends)


def confirm(request: HttpRequest) -> HttpResponse:
    """The last look (GET), and the reservation itself (POST): 409 with every reason when it is refused."""
    now = timezone.now()
    data = request.POST if request.method == "POST" else request.GET
    if "machine" not in data:
        return redirect("reserve")
    if not request.user.is_authenticated:
        # The session may have ended while they thought it over: what they chose comes back after the sign-in.
        kept = {name: data[name] for name in KEPT if name in data}
        if who := references_named(data, query_word(data, "team")):
            kept[CARRIED] = ",".join(who)
        return redirect_to_login(f"{request.path}?{urlencode(kept)}")
    machine = _machine(request, query_word(data, "machine"))
    moving = _moving(request)
    wanted_for = whom(request, machine)
    form = TimeForm(
        data, machine=machine, teams=_teams(machine, moving, wanted_for), is_for_another=wanted_for.is_other
    )  # fmt: skip
    twins = [] if moving else twins_wanted(request, machine)
    context: dict[str, Any] = {"machine": machine, "zone": machine.site.zone, "form": form}
    context |= _carried(moving, wanted_for, twins)
    is_valid, comers = form.is_valid(), Comers()
    if "team" in form.fields:
        comers = _ask_who_comes(request, form, wanted_for, context)
    if not is_valid or comers.error:
        return render(request, "fablab/reserve_confirm.html", context, status=400)
    start, end = form.interval()
    holder = moving.holder if moving else wanted_for.person
    context |= {"start": start, "end": end, "team": form.cleaned_data.get("team")}
    context["about"] = holder if is_about_another(request, holder) else None
    reason = reason_given(request, machine)
    if request.method != "POST" or (reason is not None and not reason.is_valid()):
        origin = Origin.DESK if wanted_for.is_other else _origin(request)
        if twins:
            machine = context["machine"] = likely_machine(Wish(machine, start, end, holder, None), now)
        try:
            facts = preview_reservation(
                machine=machine, start=start, end=end, holder=holder, now=now, moving=moving, origin=origin,
                companions=companions_of(moving) if moving else comers.others,
                holder_takes_part=moving.holder_takes_part if moving else comers.holder_takes_part,
            )  # fmt: skip
            context["cost"] = cost_of(facts, start, end)
        except ReservationRefused as refusal:
            context |= _refusal(request, machine, form, moving, wanted_for, refusal, reason, now)
        return render(request, "fablab/reserve_confirm.html", context, status=200 if reason is None else 400)
    try:
        reservation = _carry_out(request, machine, moving, wanted_for, form, comers, reason, now, is_any=bool(twins))
    except NotOfTheTeam:
        # They left it, or it was archived, since the page was made.
        form.add_error("team", form.fields["team"].error_messages["invalid_choice"])
        return render(request, "fablab/reserve_confirm.html", context, status=400)
    except ReservationRefused as refusal:
        context |= _refusal(request, machine, form, moving, wanted_for, refusal, reason, now) | {"was_refused": True}
        return render(request, "fablab/reserve_confirm.html", context, status=409)
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        return redirect(moving or "me")
    _say_done(request, reservation, is_moved=moving is not None)
    has_ticket = wanted_for.is_other and current_lab().has(Module.DESK)
    return redirect("desk-ticket", reservation.reference) if has_ticket else redirect(reservation)


def _say_done(request: HttpRequest, reservation: Reservation, *, is_moved: bool) -> None:
    words = {"machine": reservation.what, "moment": moment_words(reservation.start, reservation.site.zone)}
    said = _("Moved: %(machine)s, %(moment)s.") if is_moved else _("Reserved: %(machine)s, %(moment)s.")
    if reservation.status == Status.PENDING:
        said = _("Asked for: %(machine)s, %(moment)s. Somebody of the team answers before it begins.")
    text = said % words
    if leaves_the_place(reservation):
        due = _("Bring it back: %(due)s.") % {"due": moment_words(reservation.end, reservation.site.zone)}
        text = f"{text} {due}"
    messages.success(request, text)


def _ask_who_comes(request: HttpRequest, form: TimeForm, wanted_for: Whom, context: dict[str, Any]) -> Comers:
    """Who of the chosen team comes, as it was answered; the questions for all teams, and what is carried along."""
    holder, teams = wanted_for.person or signed_in(request), list(form.fields["team"].queryset)  # type: ignore[attr-defined]
    members, team = members_of(teams), getattr(form, "cleaned_data", {}).get("team")
    data = request.POST if request.method == "POST" else request.GET
    comers = comers_of(data, team, holder, members.get(team.pk, []) if team else [])
    context["questions"] = questions_of(
        teams, members, holder, asked=team, comers=comers, is_own=not wanted_for.is_other
    )
    if comers.error:
        form.add_error("team", comers.error)
    elif team is not None:
        context["who"] = comers.carried(holder)
        context["question"] = next((asked for asked in context["questions"] if asked.team == team), None)
    return comers


def _refusal(
    request: HttpRequest,
    machine: Machine,
    form: TimeForm,
    moving: Reservation | None,
    wanted_for: Whom,
    refusal: ReservationRefused,
    reason: ReasonForm | None,
    now: dt.datetime,
) -> dict[str, Any]:
    """Every reason, what is free instead, a place on the waiting list, and the team's way past its own rules."""
    (start, end), holder = form.interval(), moving.holder if moving else wanted_for.person
    kept = {name: form.data[name] for name in ("machine", "day", "start", "end", "note", "team") if name in form.data}
    if who := references_named(request.POST if request.method == "POST" else request.GET, kept.get("team", "")):
        kept[CARRIED] = ",".join(who)
    instants = {"start_at": f"{start.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
                "end_at": f"{end.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip
    return {
        "denials": sentences(request, refusal.denials, holder, machine),
        "alternatives": refusal.alternatives,
        "all_the_same": all_the_same(request, machine, refusal, reason),
        "again": kept | instants | _carried(moving, wanted_for)["kept"],
        "waiting": None if moving else waiting_offer(machine, holder, start, end, refusal, now),
    }


def _teams(machine: Machine, moving: Reservation | None, wanted_for: Whom) -> QuerySet[Team] | None:
    """What whoever it is for may reserve as; nothing is asked for a move, nor for a ticket."""
    return None if moving or wanted_for.is_ticket else teams_to_reserve_as([wanted_for.person], machine.site)


def _origin(request: HttpRequest) -> Origin:
    return Origin.PAGE if kiosk_of(request) is None else Origin.KIOSK


def _carry_out(
    request: HttpRequest,
    machine: Machine,
    moving: Reservation | None,
    wanted_for: Whom,
    form: TimeForm,
    comers: Comers,
    reason: ReasonForm | None,
    now: dt.datetime,
    *,
    is_any: bool = False,
) -> Reservation:
    person, (start, end), note = signed_in(request), form.interval(), form.cleaned_data["note"]
    aside = set_aside_by(request, reason)
    if moving is not None:
        return move_reservation(
            reservation=moving, machine=machine, start=start, end=end, by=person, now=now, set_aside=aside
        )
    if wanted_for.is_other:
        if is_any:
            machine = likely_machine(Wish(machine, start, end, wanted_for.person, person), now)
        return reserve_at_desk(
            machine=machine, start=start, end=end, holder=wanted_for.person, by=person, now=now, note=note,
            set_aside=aside, team=form.cleaned_data.get("team"), comers=comers.others,
            holder_takes_part=comers.holder_takes_part,
        )  # fmt: skip
    wish = Wish(
        machine=machine, start=start, end=end, holder=person, by=person, note=note, origin=_origin(request),
        team=form.cleaned_data.get("team"), set_aside=aside, companions=comers.others,
        holder_takes_part=comers.holder_takes_part,
    )  # fmt: skip
    return reserve_any_of_model(wish, now) if is_any else reserve_wish(wish, now)
