"""Who may touch a reservation. Whether it can be touched at all is a matter of its state: see services."""

from typing import Any

import rules

from people.models import TeamMembership
from people.permissions import is_staff
from reservations.models import Participant


@rules.predicate
def is_holder(person: Any, reservation: Any = None) -> bool:
    return reservation is not None and person.is_authenticated and reservation.holder_id == person.pk


@rules.predicate
def is_staff_there(person: Any, reservation: Any = None) -> bool:
    return reservation is not None and is_staff(person, reservation)


@rules.predicate
def organises(person: Any, reservation: Any = None) -> bool:
    """Of the team in whose name it was made."""
    if reservation is None or not person.is_authenticated or reservation.team_id is None:
        return False
    rows = TeamMembership.objects.filter(team=reservation.team_id, person=person.pk, is_organiser=True)
    return bool(rows.exists())


@rules.predicate
def takes_part(person: Any, reservation: Any = None) -> bool:
    if reservation is None or not person.is_authenticated:
        return False
    return bool(Participant.objects.filter(reservation=reservation.pk, person=person.pk).exists())


rules.add_perm("reservations.change", is_holder | is_staff_there | organises)
# See it, check in, say that one comes, finish. Moving and cancelling are for those who answer for it.
rules.add_perm("reservations.take_part", is_holder | is_staff_there | takes_part | organises)
rules.add_perm("reservations.reserve_for_others", is_staff)
