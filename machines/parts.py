"""What is taken along with a unit: its parts, the parts of those, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from machines.models import Machine, Unit, UnitPart

# A part that is exclusive on any way to it is exclusive.
PARTS_SQL = """
WITH RECURSIVE found (part_id, is_shared) AS (
    SELECT part_id, is_shared FROM machines_unitpart WHERE whole_id = ANY(%s)
    UNION
    SELECT below.part_id, below.is_shared OR found.is_shared
    FROM machines_unitpart AS below JOIN found ON below.whole_id = found.part_id
)
SELECT part_id, bool_and(is_shared) FROM found GROUP BY part_id ORDER BY part_id
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A unit that is taken along. `machine` is None for a room; a shared one is held by nobody."""

    unit_id: int
    name: str
    machine: Machine | None
    is_shared: bool


def parts_of(unit_ids: Sequence[int]) -> list[Part]:
    """All that is taken along with these units, by id. One query, two more where there is something."""
    with connection.cursor() as cursor:
        cursor.execute(PARTS_SQL, [list(unit_ids)])
        found: dict[int, bool] = {part_id: shared for part_id, shared in cursor.fetchall() if part_id not in unit_ids}
    if not found:
        return []
    machines = {machine.unit_id: machine for machine in Machine.objects.filter(unit__in=found).with_places()}
    rooms = dict(Unit.objects.filter(pk__in=set(found) - set(machines)).values_list("pk", "room__name"))
    return [
        Part(unit_id, machine.name if machine else str(rooms[unit_id]), machine, is_shared)
        for unit_id, is_shared in found.items()
        for machine in [machines.get(unit_id)]
    ]


# Whoever takes one of these takes it from whoever wants another: what goes with it, and what it goes with.
KIN_SQL = """
WITH RECURSIVE below (id) AS (
    SELECT part_id FROM machines_unitpart WHERE whole_id = ANY(%s) AND NOT is_shared
    UNION
    SELECT part_id FROM machines_unitpart JOIN below ON whole_id = below.id WHERE NOT is_shared
), above (id) AS (
    SELECT id FROM below
    UNION
    SELECT unnest(%s::bigint[])
    UNION
    SELECT whole_id FROM machines_unitpart JOIN above ON part_id = above.id WHERE NOT is_shared
)
SELECT id FROM above
"""


def machines_in_the_way(unit_ids: Sequence[int]) -> list[Machine]:
    """The machines that cannot be had while these units are held: themselves, what goes with them, and whatever any
    of that goes with; by id. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(KIN_SQL, [list(unit_ids), list(unit_ids)])
        found = [row[0] for row in cursor.fetchall()]
    return list(Machine.objects.filter(unit__in=found).with_places().order_by("pk"))


@transaction.atomic
def set_parts(*, whole: Unit, exclusive: Sequence[Unit], shared: Sequence[Unit]) -> None:
    """From now on these are taken along with `whole`. Reservations that exist keep what they hold.

    Raises:
        ValidationError: one of them is of another site, named twice, or the whole would be a part of itself.
    """
    parts = [*exclusive, *shared]
    # All of the site's, so that two managers do not close a circle between them.
    list(Unit.objects.filter(site_id=whole.site_id).select_for_update(no_key=True).order_by("pk").values_list("pk"))
    if len({part.pk for part in parts}) != len(parts):
        raise ValidationError(_("The same thing is named twice."))
    if any(part.site_id != whole.site_id for part in parts):
        raise ValidationError(_("What goes together stands at one site."))
    below = {part.unit_id for part in parts_of([part.pk for part in parts])} if parts else set()
    if whole.pk in below or whole.pk in {part.pk for part in parts}:
        raise ValidationError(_("That would make it a part of itself."))
    UnitPart.objects.filter(whole=whole).delete()
    UnitPart.objects.bulk_create(
        [UnitPart(whole=whole, part=part, is_shared=False) for part in exclusive]
        + [UnitPart(whole=whole, part=part, is_shared=True) for part in shared]
    )
