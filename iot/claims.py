"""Runs of which nobody was known, claimed afterwards by whoever it was, or by the team for them."""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib.live import announce_machines
from iot.likely_users import MEANT, runs_likely_of
from iot.models import UsageSession
from people.errors import NotAllowed, WrongState
from people.models import Person
from people.permissions import is_staff
from reservations.models import Participant, Reservation

UNDONE_WITHIN = dt.timedelta(minutes=10)
CLAIMED_ALREADY = _("Somebody has claimed this run already.")
NOT_YOURS = _("This run is nothing you were asked about. Talk to the team if it was you.")
ONLY_THE_TEAM = _("Only the team says who else it was.")
TOO_LATE = _("This can no longer be undone here. Ask the team.")


def claim_run(*, session: UsageSession, person: Person, by: Person, now: dt.datetime) -> UsageSession:
    """It was this person: the run and its time are theirs from now on.

    Side effects in order: the run is theirs, once, with a reservation of theirs on that machine which touches it and
    with its team; who said so and when; the boards are told.

    Raises:
        NotAllowed: `not_yours`, a run that they were not asked about; `only_the_team`, said of somebody else.
        WrongState: `claimed_already`.
    """
    if not is_staff(by, session.machine):
        if by.pk != person.pk:
            raise NotAllowed("only_the_team", ONLY_THE_TEAM)
        if not runs_likely_of(person, now).filter(pk=session.pk).exists():
            # Nobody's run any more is asked about no more: whoever was a moment too late reads that.
            if UsageSession.objects.filter(pk=session.pk, claimed_at__gt=now - UNDONE_WITHIN).exists():
                raise WrongState("claimed_already", CLAIMED_ALREADY)
            raise NotAllowed("not_yours", NOT_YOURS)
    with transaction.atomic():
        reservation = _touching(session, person, now)
        team_id = reservation.team_id if reservation is not None else None
        free = UsageSession.objects.filter(pk=session.pk, person=None, team=None, reservation=None)
        # Of two who claim at once one changes the row; the other finds it taken.
        if not free.update(person=person, reservation=reservation, team=team_id, claimed_at=now, claimed_by=by):
            raise WrongState("claimed_already", CLAIMED_ALREADY)
        announce_machines([session.machine_id])
    session.refresh_from_db()
    return session


def undo_claim(*, session: UsageSession, by: Person, now: dt.datetime) -> UsageSession:
    """It was not them after all: nobody's again. Within ten minutes, by whoever said it, or by the team.

    Raises:
        WrongState: `too_late`, also of a run that was never claimed or was not claimed by `by`.
    """
    claimed = UsageSession.objects.filter(pk=session.pk, claimed_at__gt=now - UNDONE_WITHIN)
    if not is_staff(by, session.machine):
        claimed = claimed.filter(claimed_by=by)
    if not claimed.update(person=None, team=None, reservation=None, claimed_at=None, claimed_by=None):
        raise WrongState("too_late", TOO_LATE)
    announce_machines([session.machine_id])
    session.refresh_from_db()
    return session


def _touching(session: UsageSession, person: Person, now: dt.datetime) -> Reservation | None:
    """The reservation of theirs that overlaps the run or meets it; of several the first."""
    of_them = Q(holder=person) | Q(pk__in=Participant.objects.filter(person=person).values("reservation"))
    rows = Reservation.objects.filter(
        of_them, machine=session.machine_id, status__in=MEANT, start__lte=session.end or now, end__gte=session.start
    )
    return rows.order_by("start", "pk").first()
