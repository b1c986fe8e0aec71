"""Which values of the rules are in force for a machine and a person, and where each of them was set.

A group's value beats the machine's own, which beats the category's, which beats the site's. Among a group's, the one
for the machine beats the one for its category at the site, the category, the site, everywhere; somebody in several
groups follows the first of them.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from machines.models import BookingPolicy, BookingSettings, Machine
from machines.models.booking_settings import POLICY_NAMES
from people.groups import group_ids_of
from people.groups_of_many import GroupBook
from people.models import Person


class Level(enum.StrEnum):
    """What a value was set for."""

    GROUP = "group"
    MACHINE = "machine"
    CATEGORY = "category"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Where:
    """Where the value in force was set; `policy` is the key of the rule for some, if it is one."""

    level: Level
    policy_id: int | None = None
    group_id: int | None = None


def apply_policies(
    machines: Iterable[Machine],
    person: Person | None,
    *,
    now: dt.datetime,
    are_there_any: bool = True,
    book: GroupBook | None = None,
) -> None:
    """From here on `machine.booking` of these objects says what holds for this person. At most 3 queries, 1 usually,
    none where the caller knows that there is no policy at all; with a `book` of the person's groups never more than 1.
    """
    policies = list(BookingPolicy.objects.all()) if are_there_any else []
    groups: dict[int, list[int]] = {}
    for machine in machines:
        site = machine.site
        if site.pk not in groups:
            is_asked = person is not None and any(policy.group_id for policy in policies)
            day = now.astimezone(site.zone).date()
            groups[site.pk] = _groups(person, site.pk, day, book) if person and is_asked else []
        machine._in_force, machine._origins = settings_in_force(machine, groups[site.pk], policies)  # type: ignore[attr-defined]


def _groups(person: Person, site_id: int, day: dt.date, book: GroupBook | None) -> list[int]:
    if book is not None:
        return book.ids_of(person, site_id=site_id, day=day)
    return group_ids_of(person, site_id=site_id, day=day)


def origins_of(machine: Machine) -> Mapping[str, Where]:
    """Where each value in force was set, by name; only of machines that `apply_policies` saw."""
    found: Mapping[str, Where] = machine._origins  # type: ignore[attr-defined]
    return found


def settings_in_force(
    machine: Machine, group_ids: Sequence[int], policies: Sequence[BookingPolicy]
) -> tuple[BookingSettings, dict[str, Where]]:
    """The values and where each was set. Asks nothing of the database.

    `group_ids`: the person's groups, the one that decides first.
    """
    concerned = [policy for policy in policies if _concerns(policy, machine)]
    of_groups = sorted(
        (policy for policy in concerned if policy.group_id in group_ids),
        key=lambda policy: (group_ids.index(policy.group_id or 0), -_closeness(policy)),
    )
    of_places = sorted((policy for policy in concerned if policy.group_id is None), key=_closeness, reverse=True)
    values: dict[str, object] = {}
    origins: dict[str, Where] = {}
    for name in POLICY_NAMES:
        value, where = _decided(name, machine, of_groups, of_places)
        origins[name] = where
        if name == "grid_min":
            values["grid"] = timedelta(minutes=int(str(value)))
        else:
            values[name] = value
    return replace(machine.usual_booking, **values), origins  # type: ignore[arg-type]


def _decided(
    name: str, machine: Machine, of_groups: Sequence[BookingPolicy], of_places: Sequence[BookingPolicy]
) -> tuple[object, Where]:
    for policy in of_groups:
        if (value := getattr(policy, name)) is not None:
            return value, Where(Level.GROUP, policy.pk, policy.group_id)
    if (own := getattr(machine, name)) is not None:
        return own, Where(Level.MACHINE)
    for policy in of_places:
        # What is said of a category at one site is closer than what is said of the category everywhere.
        if policy.category_id is not None and (value := getattr(policy, name)) is not None:
            return value, Where(Level.CATEGORY, policy.pk)
    usual = getattr(machine.category, name)
    if usual not in (None, False, 0, timedelta(0)):
        return usual, Where(Level.CATEGORY)
    for policy in of_places:
        if (value := getattr(policy, name)) is not None:
            return value, Where(Level.SITE, policy.pk)
    return usual, Where(Level.CATEGORY)


def _concerns(policy: BookingPolicy, machine: Machine) -> bool:
    return (
        policy.machine_id in (None, machine.pk)
        and policy.category_id in (None, machine.category_id)
        and policy.site_id in (None, machine.unit.site_id)
    )


def _closeness(policy: BookingPolicy) -> int:
    """The machine itself, its category at the site, its category, the site, everywhere."""
    if policy.machine_id is not None:
        return 4
    return 2 * (policy.category_id is not None) + (policy.site_id is not None)
