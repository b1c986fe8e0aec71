"""Machines of the first day: so many of each template, or a list of one's own."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from machines.checked import delete_unused
from machines.errors import StillUsed
from machines.machine_lists import Known, ListRow, folded
from machines.machine_templates import TEMPLATES, UNKNOWN_KIND_SETTINGS, UNKNOWN_KIND_TRAINING, MachineTemplate
from machines.models import Category, Machine, Qualification, Room
from machines.qualification_kind_services import create_qualification, remove_qualification
from machines.services import (
    create_category,
    create_machine,
    create_room,
    remove_category,
    retire_machine,
    update_machine,
)
from people.models import Person, Site


@dataclass(frozen=True, slots=True)
class Wish:
    """So many machines of a template, in `room`; with `keeps_rooms`, those that are there stay where they are."""

    template: MachineTemplate
    count: int
    room: Room | None = None
    keeps_rooms: bool = False


# --- what is there ----------------------------------------------------------------------------------------------


def category_of(template: MachineTemplate) -> Category | None:
    """The category made from the template, as long as it has kept its names."""
    return Category.objects.filter(name_fr=template.names[0], name_en=template.names[1]).first()


def machines_by_template(site: Site) -> dict[str, list[Machine]]:
    """The site's machines by the template's slug, those made first in front."""
    rows = Machine.objects.filter(unit__site=site, retired_at=None).select_related("category", "room", "unit")
    by_names: dict[tuple[str, str], list[Machine]] = {}
    for machine in rows.order_by("pk"):
        by_names.setdefault((machine.category.name_fr, machine.category.name_en), []).append(machine)
    return {template.slug: by_names.get(template.names, []) for template in TEMPLATES}


def known_here(site: Site) -> Known:
    """What a list may name because it is there."""
    machines = Machine.objects.filter(unit__site=site, retired_at=None).values_list("name", flat=True)
    kinds = [name for names in Category.objects.values_list("name_fr", "name_en") for name in names]
    return Known(kinds, list(Room.objects.filter(site=site).values_list("name", flat=True)), list(machines))


# --- so many of each template -----------------------------------------------------------------------------------


@transaction.atomic
def set_machine_counts(*, site: Site, wishes: Iterable[Wish], by: Person, now: dt.datetime) -> None:
    """Make, move and remove machines until there are so many of each template, where they were wished to be.

    Those that go are the ones made last; a machine that was used already is retired instead.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    there = machines_by_template(site)
    for wish in wishes:
        machines = there[wish.template.slug]
        for machine in machines[wish.count :]:
            _take_away(machine, by, now)
        if not wish.keeps_rooms:
            for machine in machines[: wish.count]:
                if machine.room != wish.room:
                    update_machine(machine=machine, by=by, now=now, room=wish.room)
        if wish.count > len(machines):
            _make_more(site, wish, {machine.name for machine in machines}, wish.count - len(machines), by, now)
        elif machines and not wish.count:
            _clear_away(wish.template, by)


def _make_more(site: Site, wish: Wish, taken: set[str], count: int, by: Person, now: dt.datetime) -> None:
    template = wish.template
    category = category_of(template) or make_category(template, by)
    number = 0
    while count:
        number += 1
        name = f"{template.machine_name} {number}"
        if name not in taken:
            _make_machine(site, template, category, name, wish.room, number, by, now)
            count -= 1


def _make_machine(
    site: Site,
    template: MachineTemplate,
    category: Category,
    name: str,
    room: Room | None,
    position: int,
    by: Person,
    now: dt.datetime,
) -> Machine:
    french, english = template.descriptions
    return create_machine(
        site=site, category=category, name=name, room=room, position=position, drawing=template.drawing,
        description_fr=french, description_en=english, by=by, now=now,
    )  # fmt: skip


def make_category(template: MachineTemplate, by: Person) -> Category:
    """A category, and the qualification it asks for, as the template says."""
    settings = dict(template.settings)
    if wanted := template.qualification:
        settings["qualification"] = _qualification(wanted.names, wanted.training, by)
        settings["qualification_level"] = wanted.level
    french, english = template.names
    return create_category(name_fr=french, name_en=english, icon=template.icon, by=by, **settings)


def _qualification(names: tuple[str, str], training: tuple[str, str], by: Person) -> Qualification:
    known = Qualification.objects.filter(name_fr=names[0], name_en=names[1]).first()
    return known or create_qualification(
        name_fr=names[0], name_en=names[1], training_fr=training[0], training_en=training[1], by=by
    )


def _take_away(machine: Machine, by: Person, now: dt.datetime) -> None:
    try:
        delete_unused([machine, machine.unit], StillUsed("machine_was_used", ""))
    except StillUsed:
        retire_machine(machine=machine, by=by, now=now)


def _clear_away(template: MachineTemplate, by: Person) -> None:
    """The category and its qualification go with the last machine, unless something rests on them."""
    category = category_of(template)
    if category is None:
        return
    qualification = category.qualification
    try:
        remove_category(category=category, by=by)
        if qualification:
            remove_qualification(qualification=qualification, by=by)
    except StillUsed:
        return


# --- a list of one's own ----------------------------------------------------------------------------------------


@transaction.atomic
def make_listed_machines(*, site: Site, rows: Sequence[ListRow], by: Person, now: dt.datetime) -> list[Machine]:
    """The machines of those rows that are right and not there yet, with the kinds and rooms they name."""
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    rooms = {folded(room.name): room for room in Room.objects.filter(site=site)}
    there = {folded(name) for name in known_here(site).machines}
    made = []
    for row in rows:
        if not row.is_to_be_made or folded(row.name) in there:
            continue
        if row.room and folded(row.room) not in rooms:
            rooms[folded(row.room)] = create_room(site=site, name=row.room, by=by)
        made.append(_make_listed(site, row, rooms.get(folded(row.room)), by, now))
    return made


def _make_listed(site: Site, row: ListRow, room: Room | None, by: Person, now: dt.datetime) -> Machine:
    if row.template:
        category = category_of(row.template) or make_category(row.template, by)
        return _make_machine(site, row.template, category, row.name, room, row.line, by, now)
    return create_machine(
        site=site, category=_own_category(row.kind, by), name=row.name, room=room, position=row.line, by=by, now=now
    )


def _own_category(kind: str, by: Person) -> Category:
    """The category of this name in either language, else a new one that nobody may use before an induction."""
    for category in Category.objects.all():
        if folded(kind) in (folded(category.name_fr), folded(category.name_en)):
            return category
    qualification = _qualification((kind, kind), UNKNOWN_KIND_TRAINING, by)
    return create_category(name_fr=kind, name_en=kind, by=by, qualification=qualification, **UNKNOWN_KIND_SETTINGS)
