"""The rooms from a list of names, one per line: what changed in the list changes in the rooms."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from django.db import transaction
from django.utils.translation import gettext as _

from machines.errors import StillUsed
from machines.models import Room
from machines.services import create_room, remove_room, rename_room
from people.models import Person, Site


def rooms_of(site: Site) -> list[Room]:
    """In the order in which they were written."""
    return list(Room.objects.filter(site=site).order_by("pk"))


def names_in(text: str) -> list[str]:
    """One per line, the second mention of a name left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if name := " ".join(line.split()):
            found.setdefault(name.casefold(), name)
    return list(found.values())


def changes(old: Sequence[str], new: Sequence[str]) -> tuple[list[int], dict[int, str], list[str]]:
    """What turns one list of names into the other: indices that go, `{index: other name}`, names to be made. Pure.

    A line that was written over is the same room under another name; the order means nothing.
    """
    was, becomes = [name.casefold() for name in old], [name.casefold() for name in new]
    stays = set(was) & set(becomes)
    spelling = dict(zip(becomes, new, strict=True))
    gone: list[int] = []
    renamed = {n: spelling[key] for n, key in enumerate(was) if key in stays and spelling[key] != old[n]}
    made: list[str] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, was, becomes, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        left = [n for n in range(i1, i2) if was[n] not in stays]
        right = [new[n] for n in range(j1, j2) if becomes[n] not in stays]
        renamed |= dict(zip(left, right, strict=False))
        gone += left[len(right) :]
        made += right[len(left) :]
    return gone, renamed, made


@transaction.atomic
def set_rooms(*, site: Site, names: Sequence[str], by: Person) -> list[Room]:
    """Make, rename and remove rooms until they are those of the list; a room that stays keeps its machines.

    Raises:
        StillUsed: machines stand in a room that was taken off the list, or it was reserved.
        ValidationError: a name is too long.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    rooms = rooms_of(site)
    gone, renamed, made = changes([room.name for room in rooms], names)
    for number in gone:
        try:
            remove_room(room=rooms[number], by=by)
        except StillUsed as refusal:
            sentence = _("“%(room)s” stays: %(reason)s") % {"room": rooms[number].name, "reason": refusal.sentence}
            raise StillUsed(refusal.code, sentence) from refusal
    for number, name in renamed.items():
        rename_room(room=rooms[number], name=name, by=by)
    for name in made:
        create_room(site=site, name=name, by=by)
    return rooms_of(site)
