"""Writes of what a fab manager sets: weekly hours, rooms, categories, machines.

Each checks the whole thing first (`full_clean`): what breaks a rule raises Django's ValidationError, whose sentences
are shown beside the fields. Dated exceptions and outages are written by machines/closing_services.py.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from machines.checked import delete_unused, set_checked
from machines.errors import PhotoUnreadable, StillUsed
from machines.models import Category, Machine, OpeningHours, Room, Season, Unit
from machines.opening import Range
from machines.opening_checks import check_ranges
from machines.photos import NotAPhoto, reencoded
from machines.slugs import free_slug
from people.models import Person, Site


@transaction.atomic
def set_weekly_hours(
    *,
    site: Site,
    ranges: Mapping[int, Sequence[Range]],
    by: Person | None,
    now: dt.datetime,
    season: Season | None = None,
    unstaffed: AbstractSet[tuple[int, dt.time]] = frozenset(),
) -> list[OpeningHours]:
    """Replace the site's usual week, or that of a season: ISO weekday → local `(opens, closes)`; 00:00 is midnight.

    `unstaffed`: the ranges, by weekday and opening time, when nobody of the team is there. Side effects in order:
    lock the site; delete and insert the hours; announce the machines. Reservations stay as they are: see
    reservations.closures.

    Raises:
        ValidationError: a range ends before it begins, or two of a day overlap.
    """
    for day_ranges in ranges.values():
        check_ranges(day_ranges)
    # Two managers at once: the later one waits, and what they wrote holds.
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=site.pk)
    hours = [
        OpeningHours(
            site=site, season=season, weekday=weekday, opens=opens, closes=closes,
            is_staffed=(weekday, opens) not in unstaffed,
        )
        for weekday, day_ranges in sorted(ranges.items())
        for opens, closes in sorted(day_ranges)
    ]  # fmt: skip
    for row in hours:
        row.clean_fields()
    OpeningHours.objects.filter(site=site, season=season).delete()
    OpeningHours.objects.bulk_create(hours)
    tell_opening_changed(site)
    note_change("hours of", season or site, by)
    return hours


def tell_opening_changed(site: Site) -> None:
    """Let the open pages know that the site's hours are other ones."""
    # `machines.selectors.load_hours` keeps what it read on the object.
    site.__dict__.pop("_hours", None)
    announce_machines(Machine.objects.filter(unit__site=site, retired_at=None).values_list("pk", flat=True))


@transaction.atomic
def create_room(*, site: Site, name: str, by: Person | None) -> Room:
    """A room with its unit, so that it can be reserved like a machine.

    Raises:
        ValidationError: the name is missing or too long, or another room of the site has it.
    """
    room = Room(site=site, name=name.strip(), slug=free_slug(Room, name, otherwise="room"))
    _check_room(room)
    room.unit = Unit.objects.create(site=site, kind=Unit.Kind.ROOM)
    room.save()
    note_change("new", room, by)
    return room


@transaction.atomic
def rename_room(*, room: Room, name: str, by: Person | None) -> Room:
    """Another name; the short name stays, since addresses hold it.

    Raises:
        ValidationError: the name is missing or too long, or another room of the site has it.
    """
    room.name = name.strip()
    _check_room(room)
    room.save(update_fields=["name"])
    note_change("renamed", room, by)
    return room


def _check_room(room: Room) -> None:
    room.full_clean()
    if Room.objects.filter(site=room.site, name__iexact=room.name).exclude(pk=room.pk).exists():
        raise ValidationError({"name": _("There is a room of this name already.")})


def remove_room(*, room: Room, by: Person | None) -> None:
    """Remove a room that nothing ever stood in or was held for.

    Raises:
        StillUsed: machines stand in it, or it was reserved.
    """
    count = room.machines.count()
    if count:
        words = ngettext(
            "%(count)d machine stands in it: give it another room first.",
            "%(count)d machines stand in it: give them another room first.",
            count,
        )
        raise StillUsed("room_has_machines", words % {"count": count})
    unit = room.unit
    things: list[models.Model] = [room] if unit is None else [room, unit]
    delete_unused(things, StillUsed("room_was_reserved", _("It has been reserved before: its history is kept.")))
    note_change("removed", room, by)


@transaction.atomic
def create_category(*, name_fr: str, name_en: str, by: Person | None, **settings: Any) -> Category:
    """A kind of machine, last in order; `settings` are fields of Category, the model's own values hold for the rest.

    Raises:
        ValidationError: a setting is missing or breaks a rule.
    """
    last = Category.objects.aggregate(last=Max("position"))["last"]
    category = Category(
        slug=free_slug(Category, name_fr or name_en, otherwise="category"),
        name_fr=name_fr,
        name_en=name_en,
        **{"position": 0 if last is None else last + 1} | settings,
    )
    category.full_clean()
    category.save()
    note_change("new", category, by)
    return category


@transaction.atomic
def update_category(*, category: Category, by: Person | None, **settings: Any) -> Category:
    """Other settings of a category; they hold from now on for every machine that does not override them.

    Raises:
        ValidationError: a setting breaks a rule.
    """
    set_checked(category, settings)
    note_change("changed", category, by)
    announce_machines(category.machines.filter(retired_at=None).values_list("pk", flat=True))
    return category


def remove_category(*, category: Category, by: Person | None) -> None:
    """Remove a category that no machine belongs to.

    Raises:
        StillUsed: machines belong to it, retired ones included.
    """
    count = category.machines.count()
    words = ngettext(
        "%(count)d machine belongs to it, retired ones included.",
        "%(count)d machines belong to it, retired ones included.",
        count,
    )
    delete_unused([category], StillUsed("category_has_machines", words % {"count": count}))
    note_change("removed", category, by)


@transaction.atomic
def create_machine(
    *,
    site: Site,
    category: Category,
    name: str,
    by: Person | None,
    now: dt.datetime,
    room: Room | None = None,
    **fields: Any,
) -> Machine:
    """A machine with its unit and an address of its own; `fields` are those of Machine (drawing, overrides …).

    Side effects in order: insert the unit and the machine; announce it to the open pages.

    Raises:
        ValidationError: a field breaks a rule, or the room or screen stands at another site.
    """
    machine = Machine(
        unit=Unit.objects.create(site=site),
        category=category,
        room=room,
        name=name,
        slug=free_slug(Machine, name, otherwise="machine"),
        **fields,
    )
    _check_machine(machine)
    machine.save()
    announce_machines([machine.pk])
    note_change("new", machine, by)
    return machine


@transaction.atomic
def update_machine(*, machine: Machine, by: Person | None, now: dt.datetime, **fields: Any) -> Machine:
    """Other values of a machine; its address stays, since labels and links hold it.

    Raises:
        ValidationError: a field breaks a rule, or the room or screen stands at another site.
    """
    for name, value in fields.items():
        setattr(machine, name, value)
    _check_machine(machine)
    machine.save(update_fields=list(fields))
    announce_machines([machine.pk])
    note_change("changed", machine, by)
    return machine


def _check_machine(machine: Machine) -> None:
    machine.full_clean()
    site_id = machine.unit.site_id
    wrong = {
        name: _("That stands at another place.")
        for name in ("room", "kiosk")
        if (place := getattr(machine, name)) is not None and place.site_id != site_id
    }
    if wrong:
        raise ValidationError(wrong)


@transaction.atomic
def retire_machine(*, machine: Machine, by: Person | None, now: dt.datetime) -> Machine:
    """Out of the list for good, or until it is brought back; history and reservations stay as they are."""
    machine.retired_at = machine.retired_at or now
    machine.save(update_fields=["retired_at"])
    announce_machines([machine.pk])
    note_change("retired", machine, by)
    return machine


@transaction.atomic
def bring_back_machine(*, machine: Machine, by: Person | None, now: dt.datetime) -> Machine:
    """A retired machine can be reserved again."""
    machine.retired_at = None
    machine.save(update_fields=["retired_at"])
    announce_machines([machine.pk])
    note_change("brought back", machine, by)
    return machine


@transaction.atomic
def set_photo(*, machine: Machine, picture: BinaryIO | None, by: Person | None) -> Machine:
    """Another photo, drawn anew without its metadata, or none. The earlier file goes once the transaction commits.

    Raises:
        PhotoUnreadable: the file cannot be read as a picture.
    """
    storage, earlier = machine.photo.storage, machine.photo.name
    if picture is None:
        machine.photo = ""
    else:
        try:
            machine.photo.save(f"{machine.slug}.jpg", reencoded(picture), save=False)
        except NotAPhoto:
            sentence = _("The photo could not be read. Choose a JPEG or PNG picture of at most 50 megapixels.")
            raise PhotoUnreadable("photo_unreadable", sentence) from None
    machine.save(update_fields=["photo"])
    if earlier:
        transaction.on_commit(lambda: storage.delete(earlier))
    note_change("photo of", machine, by)
    return machine
