"""What is lent and not back when its time is over: nobody else is promised it, and whoever comes next is told.

The exclusion constraint protects a reservation's own time only; after its end this does. A sweep that comes late,
twice or not at all changes no outcome: until it comes, a hand-over of the same thing is refused all the same.
"""

import datetime as dt
from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop, override

from machines.closing_services import declare_outage, lift_outage
from machines.errors import AlreadyOut
from machines.models import Machine, Outage
from people.models import Person
from reservations.holding import lock_in_order
from reservations.loan_notices import tell_next, tell_team_overdue, was_told_of_next
from reservations.models import HeldUnit, Loan, Reservation, Status
from reservations.overruns import free_twin
from reservations.sweeps import each_alone

# Whoever stands in the queue at the desk as their time ends is not late.
GRACE = dt.timedelta(minutes=15)
NEXT_WITHIN = dt.timedelta(hours=24)
REASON = gettext_noop("Lent and not back yet.")


def watch_overdue(now: dt.datetime, *, most: int = 200) -> int:
    """Take out of service what is not back a quarter of an hour after it was due, once; how many things. The team is
    told, and so are those whose time with it begins within a day."""
    rows = Loan.objects.filter(returned_at=None, reservation__end__lte=now - GRACE).order_by("reservation__end", "pk")
    # All of them each time: what is never brought back stands before what is late since today.
    return each_alone(rows.values_list("pk", flat=True), lambda loan_id: _watch(loan_id, now), most=most)


@transaction.atomic
def _watch(loan_id: int, now: dt.datetime) -> int:
    units = HeldUnit.objects.filter(reservation__loan=loan_id).values_list("unit_id", flat=True)
    lock_in_order([], units)
    # It may have come back, or been lent for longer, while the lock was waited for.
    loan = (
        Loan.objects.select_for_update(of=("self",), no_key=True)
        .select_related("reservation__site", "reservation__machine__unit__site")
        .filter(pk=loan_id, returned_at=None, reservation__end__lte=now - GRACE)
        .first()
    )
    if loan is None:
        return 0
    things = list(Machine.objects.filter(pk__in=loan.items.values("machine")).with_places())
    declared = sum(_declare(thing, loan.reservation.end, now) for thing in things)
    tell_team_overdue(loan, now)
    for coming in _coming(things, loan, now):
        if not was_told_of_next(loan, coming):
            tell_next(loan, coming, free_twin(coming, now), now)
    return declared


def _declare(machine: Machine, due: dt.datetime, now: dt.datetime) -> bool:
    """Once: what the team lifts by hand stays lifted."""
    if overdue_outages([machine.pk], due).exists():
        return False
    others = list(Outage.objects.filter(machine=machine).holding_at(now))
    if others:
        # Out of service already; where that ends first, the next sweep goes on from there.
        return False
    over = Outage.objects.filter(machine=machine, end__gt=due, end__lte=now).order_by("-end").first()
    start = over.end if over is not None and over.end is not None else due
    with override(settings.LANGUAGE_CODE):
        reason = gettext(REASON)
    try:
        declare_outage(machine=machine, kind=Outage.Kind.TO_CHECK, reason=reason, start=start, by=None, now=now)
    except AlreadyOut:
        # Somebody was quicker by a moment: as above.
        return False
    return True


def _coming(things: list[Machine], loan: Loan, now: dt.datetime) -> QuerySet[Reservation]:
    """Whose time with any of it begins within a day, or has begun."""
    return (
        Reservation.objects.filter(
            status=Status.CONFIRMED, start__lt=now + NEXT_WITHIN, end__gt=now, holder__isnull=False,
            machine__isnull=False, held_units__unit__machine__in=things,
        )
        .exclude(pk=loan.reservation_id)
        .with_places()
        .select_related("holder")
        .distinct()
        .order_by("start", "pk")
    )  # fmt: skip


def overdue_outages(machine_ids: Collection[int], due: dt.datetime) -> QuerySet[Outage]:
    """What the sweep declared of these machines since then, lifted or not."""
    reasons = []
    for code, _name in settings.LANGUAGES:
        with override(code):
            reasons.append(gettext(REASON))
    return Outage.objects.filter(
        machine__in=machine_ids, kind=Outage.Kind.TO_CHECK, reported_by=None, start__gte=due, reason__in=reasons
    )


def lift_overdue(*, machine_ids: Collection[int], due: dt.datetime, by: Person, now: dt.datetime) -> None:
    """They are back: what the sweep declared ends now."""
    for outage in overdue_outages(machine_ids, due).filter(end=None):
        lift_outage(outage=outage, by=by, now=now)
