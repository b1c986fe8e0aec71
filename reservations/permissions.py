"""Who may touch a reservation. Whether it can be touched at all is a matter of its state: see services."""

from typing import Any

import rules

from people.permissions import is_staff


@rules.predicate
def is_holder(person: Any, reservation: Any = None) -> bool:
    return reservation is not None and person.is_authenticated and reservation.holder_id == person.pk


@rules.predicate
def is_staff_there(person: Any, reservation: Any = None) -> bool:
    return reservation is not None and is_staff(person, reservation)


rules.add_perm("reservations.change", is_holder | is_staff_there)
rules.add_perm("reservations.reserve_for_others", is_staff)
