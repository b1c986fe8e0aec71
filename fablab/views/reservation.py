"""One reservation: what it is, what was measured, and what can be done with it now."""

import datetime as dt
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from fablab.comers import who_words
from fablab.lending import Lending, lending_of
from fablab.machine_status import machine_statuses
from fablab.machines_away import machines_away
from fablab.opened_times import opened, opened_sessions
from fablab.views.on_behalf import sentences
from iot.early_finish import question_facts, question_of, stay
from iot.models import Device, UsageSession
from iot.selectors import measured_energy_wh, measured_time
from machines.models import Machine
from people.permissions import is_staff
from people.signed_in import signed_in
from printing.models import PrintJob
from reservations.deed_words import deed_lines
from reservations.deeds import history
from reservations.errors import ReservationRefused, WrongState
from reservations.lent import leaves_the_place
from reservations.life import CHECK_IN_OPENS, check_in, finish_reservation
from reservations.messages import STATE_WORDS
from reservations.models import Reservation, Status
from reservations.no_show import answer
from reservations.participants import may_choose_people, who_comes
from reservations.selectors import has_run_out, held_names
from reservations.services import cancel_reservation
from reservations.waiting import accept_offer, decline_offer

EXTENSION = dt.timedelta(minutes=30)
ACTIONS: dict[str, tuple[Callable[..., Reservation], object]] = {
    "cancel": (cancel_reservation, gettext_lazy("Cancelled. The time is free for others again.")),
    "check-in": (check_in, gettext_lazy("Checked in. Enjoy!")),
    "finish": (finish_reservation, gettext_lazy("Finished. Thank you for giving the rest of the time back.")),
    "accept": (accept_offer, gettext_lazy("It is yours. See you then!")),
    "decline": (decline_offer, gettext_lazy("Declined. The next one gets the offer.")),
    "stay": (stay, gettext_lazy("It stays yours.")),
    "coming": (answer, gettext_lazy("Thank you. It is kept for you a little longer.")),
}
ASKED_FOR = gettext_lazy("Asked for. Somebody of the team answers before it begins.")
AFTER_WHICH_IT_IS_GONE = ("cancel", "decline")
# What whoever comes along may do too; the rest is for those who answer for the reservation.
BY_THOSE_WHO_COME = frozenset({"answer", "check_in", "finish", "print"})
TAKING_PART = frozenset({"check-in", "finish", "coming", "stay"})


def _reservation(request: HttpRequest, reference: str, *, with_measures: bool = False) -> Reservation:
    rows = Reservation.objects.known_to(request.user).with_places()  # type: ignore[arg-type]
    if with_measures:
        sessions = Prefetch("usage_sessions", UsageSession.objects.order_by("start"))
        rows = (
            rows.select_related("machine__printer")
            .prefetch_related(sessions)
            .annotate(**opened_sessions(), **question_facts())
        )
    return get_object_or_404(rows.select_related("holder", "team"), reference=reference)


@login_required
def reservation(request: HttpRequest, reference: str) -> HttpResponse:
    """The page; htmx asks for its live part only."""
    found = _reservation(request, reference, with_measures=True)
    now = timezone.now()
    machine, is_team = found.machine, is_staff(request.user, found)
    people, may_change = who_comes(found), request.user.has_perm("reservations.change", found)
    takes_part = any(person.pk == request.user.pk for person in people)
    may = _may(found, now, may_change=may_change)
    is_choosable, printer = may_choose_people(found, now), getattr(machine, "printer", None)
    lending = lending_of(found, reader=signed_in(request), is_team=is_team, now=now)
    sessions, has_printer = list(found.usage_sessions.all()), printer is not None and printer.is_enabled
    # What is at somebody's home is seldom watched by a device here.
    is_measured = bool(sessions) or has_printer or (lending is None and _has_device(machine))
    context = {
        "reservation": found,
        "machine": machine,
        "away": machines_away([found], now).get(found.pk, []),
        "zone": found.site.zone,
        "now": now,
        "status": machine_statuses([machine], now)[0] if machine and (is_measured or lending is None) else None,
        "held": held_names(found) if machine is None else [],
        "measured": measured_time(found, now),
        "energy_wh": measured_energy_wh(found),
        "sessions": sessions,
        # Of a reservation for one person everybody knows who it was.
        "opened": opened(found, is_team=is_team, companions=people if len(people) > 1 else ()),
        "is_measured": is_measured,
        # Of those that others sent the names of the files are theirs.
        "jobs": list(PrintJob.objects.visible_to(request.user).filter(reservation=found).select_related("file")),  # type: ignore[arg-type]
        "has_printer": has_printer,
        "may": may,
        "who": who_words(people, signed_in(request)),
        "may_change": may_change,
        "may_print": has_printer and may["print"] and (takes_part or found.holder_id == request.user.pk),
        "may_choose_people": may_change and is_choosable,
        "may_leave": is_choosable and takes_part and found.holder_id != request.user.pk and len(people) > 1,
        "lending": lending,
        "resting": question_of(found, now) if may["finish"] and not any(run.end is None for run in sessions) else None,
        "longer": _longer(found, lending),
        "is_own": found.holder_id == request.user.pk,
        "is_team": is_team,
        "history": deed_lines(
            history(found),
            reader=signed_in(request),
            is_team=is_team,
            zone=found.site.zone,
            companions={person.pk for person in people if person.pk != found.holder_id},
        ),
    }
    template = "fablab/reservation.html#live" if request.htmx else "fablab/reservation.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _has_device(machine: Machine | None) -> bool:
    return machine is not None and Device.objects.filter(machine=machine, revoked_at=None).exists()


def _may(reservation: Reservation, now: dt.datetime, *, may_change: bool) -> dict[str, bool]:
    """Which buttons make sense now. The services ask again: a button shown is no permission."""
    possible = _possible(reservation, now)
    return possible if may_change else {name: may and name in BY_THOSE_WHO_COME for name, may in possible.items()}


def _longer(reservation: Reservation, lending: Lending | None) -> dt.datetime:
    """Until when it is offered to be extended: half an hour, or a day of what was taken home."""
    if lending is not None and lending.longer is not None:
        return lending.longer
    machine = reservation.machine
    return reservation.end + (max(EXTENSION, machine.booking.grid) if machine else dt.timedelta(0))


def _possible(reservation: Reservation, now: dt.datetime) -> dict[str, bool]:
    is_confirmed, has_machine = reservation.status == Status.CONFIRMED, reservation.machine_id is not None
    is_lent, is_near = leaves_the_place(reservation), reservation.start - CHECK_IN_OPENS <= now < reservation.end
    is_offered = reservation.status == Status.HELD and not has_run_out(reservation, now)
    is_asked = is_confirmed and reservation.asked_at is not None and reservation.start <= now < reservation.end
    return {
        "offer": is_offered,
        "answer": is_asked,
        # Asked whether one comes, the question has these two among its answers.
        "check_in": is_confirmed and not is_asked and not is_lent and is_near,
        "finish": reservation.status == Status.IN_USE and not is_lent,
        "extend": has_machine and reservation.status == Status.IN_USE and now < reservation.end,
        "cancel": not is_asked and (is_confirmed or reservation.status == Status.PENDING) and now < reservation.end,
        "move": has_machine and is_confirmed and now < reservation.start,
        "print": has_machine and reservation.status in (Status.CONFIRMED, Status.IN_USE) and now < reservation.end,
    }


@login_required
@require_POST
def act(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """One tap: check in, finish, cancel, answer an offer or the question whether one comes."""
    found = _reservation(request, reference)
    if not request.user.has_perm("reservations.take_part" if action in TAKING_PART else "reservations.change", found):
        raise PermissionDenied
    service, said = ACTIONS[action]
    try:
        done = service(reservation=found, by=request.user, now=timezone.now())
        messages.success(request, str(ASKED_FOR if done.status == Status.PENDING else said))
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        return redirect(found)
    except ReservationRefused as refusal:
        # Whoever checks in is told about themselves.
        about = signed_in(request) if action in TAKING_PART else found.holder
        for sentence in sentences(request, refusal.denials, about):
            words = {"sentence": sentence.message, "next": sentence.next_step}
            messages.error(request, gettext("%(sentence)s %(next)s") % words)
        return redirect(found)
    if action in AFTER_WHICH_IT_IS_GONE and found.holder_id == request.user.pk:
        return redirect("me")
    return redirect(found)
