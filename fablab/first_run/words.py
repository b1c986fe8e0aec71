"""What a list of machines comes to, and why it is refused, in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fablab.lib.denials import Denial
from machines.machine_lists import Code, ListRow

Facts = Mapping[str, Any]

LIST_WORDS: Mapping[str, Callable[[Facts], str]] = {
    Code.EMPTY: lambda _facts: _("There is no machine in this list. Write one a line: name; kind; room."),
    Code.TOO_LARGE: lambda facts: _("This file is too large: at most %(kb)d kB.") % facts,
    Code.TOO_MANY_ROWS: lambda facts: (
        _("This list has %(count)d lines, and at most %(most)d go at once. Is it the right one?") % facts
    ),
    Code.WORKBOOK: lambda _facts: _(
        "This is a spreadsheet in its own format. In your spreadsheet: File, Save as, CSV; then choose that file."
    ),
    Code.NOT_TEXT: lambda _facts: _("This is not a list that can be read. Choose a CSV or text file."),
    Code.NAME_MISSING: lambda _facts: _("The name is missing. Write it first: name; kind; room."),
    Code.NAME_TOO_LONG: lambda facts: _("The name is too long: at most %(most)d letters.") % facts,
    Code.NAME_TWICE: lambda facts: _("Line %(line)d has the same name. Add a number to tell them apart.") % facts,
    Code.KIND_MISSING: lambda _facts: _("The kind is missing. Write it after the name: name; kind; room."),
    Code.KIND_TOO_LONG: lambda facts: _("The kind is too long: at most %(most)d letters.") % facts,
    Code.KIND_UNCLEAR: lambda facts: _("Which kind is “%(kind)s”? Did you mean “%(near)s”?") % facts,
    Code.ROOM_TOO_LONG: lambda facts: _("The name of the room is too long: at most %(most)d letters.") % facts,
}


def list_sentence(denial: Denial) -> str:
    """Why the list or one of its lines is refused, and what to write instead."""
    return LIST_WORDS[denial.code](denial.params)


def list_summary(rows: Sequence[ListRow]) -> list[str]:
    """How many machines would be made, are there, are left out; what is none is not said."""
    made = sum(row.is_to_be_made for row in rows)
    there = sum(row.is_there and not row.denials for row in rows)
    wrong = sum(bool(row.denials) for row in rows)
    counted = (
        (made, ngettext("%(n)d machine will be made.", "%(n)d machines will be made.", made)),
        (there, ngettext("%(n)d is there already: it stays as it is.",
                         "%(n)d are there already: they stay as they are.", there)),
        (wrong, ngettext("%(n)d line needs another look, and is left out until then.",
                         "%(n)d lines need another look, and are left out until then.", wrong)),
    )  # fmt: skip
    return [words % {"n": count} for count, words in counted if count]
