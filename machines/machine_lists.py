"""Reads a list of machines (name; kind; room) that somebody pasted or exported from a spreadsheet. Pure.

Spreadsheets write lists in many ways: separated by semicolons, commas or tabs, in UTF-8, UTF-16 or Windows-1252, with
a line of titles or without, with `sep=;` on top, with text as `="text"`. All of these are read alike.
"""

import csv
import difflib
import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fablab.lib.denials import Denial
from machines.machine_templates import TEMPLATES, MachineTemplate

MOST_BYTES = 256 * 1024
MOST_ROWS = 500
MOST_LETTERS = 80  # as Machine.name, Category.name_fr and Room.name
SEPARATORS = (";", "\t", ",")
LINES_LOOKED_AT = 50
# Below this two words are not a slip of the pen apart.
ALIKE = 0.82
COLUMNS = ("name", "kind", "room")
TITLES = {
    "name": {"name", "nom", "machine", "machine name", "nom de la machine", "designation", "equipement", "equipment"},
    "kind": {"kind", "type", "categorie", "category", "genre", "sorte", "modele"},
    "room": {"room", "salle", "piece", "lieu", "place", "location", "emplacement", "local"},
}
WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")


class Code(StrEnum):
    """What is wrong with a list or with one of its lines."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_ROWS = "too_many_rows"
    WORKBOOK = "workbook"
    NOT_TEXT = "not_text"
    NAME_MISSING = "name_missing"
    NAME_TOO_LONG = "name_too_long"
    NAME_TWICE = "name_twice"
    KIND_MISSING = "kind_missing"
    KIND_TOO_LONG = "kind_too_long"
    KIND_UNCLEAR = "kind_unclear"
    ROOM_TOO_LONG = "room_too_long"


class ListRefused(Exception):
    """The list as a whole cannot be read; `denial` says why."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.code)
        self.denial = denial


@dataclass(frozen=True, slots=True)
class Known:
    """What the lab has already: category names (of both languages), room names and machine names."""

    kinds: Sequence[str] = ()
    rooms: Sequence[str] = ()
    machines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of the list and what it comes to.

    `kind` is a category's name: of `template`, of one that exists, or (`is_new_kind`) of one to be made. A row that
    `is_there` names a machine that exists: it is left as it is.
    """

    line: int
    name: str
    kind: str
    room: str
    template: MachineTemplate | None = None
    is_new_kind: bool = False
    is_new_room: bool = False
    is_there: bool = False
    denials: tuple[Denial, ...] = field(default=())

    @property
    def is_to_be_made(self) -> bool:
        return not self.denials and not self.is_there


def folded(text: str) -> str:
    """Without accents, capitals, punctuation or plural s: by what people's words are compared."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe")).casefold()
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(word.removesuffix("s") if len(word) > 2 else word for word in letters.split())


# --- bytes to text ----------------------------------------------------------------------------------------------


def list_text(data: bytes) -> str:
    """The text of an uploaded list, whatever its encoding; lines end in a newline.

    Raises:
        ListRefused: `too_large`, `workbook` (a spreadsheet's own format) or `not_text`.
    """
    if len(data) > MOST_BYTES:
        raise ListRefused(Denial(Code.TOO_LARGE, {"kb": MOST_BYTES // 1024}))
    if data.startswith(WORKBOOK_STARTS):
        raise ListRefused(Denial(Code.WORKBOOK))
    text = _decoded(data).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text):
        raise ListRefused(Denial(Code.NOT_TEXT))
    return text


def _decoded(data: bytes) -> str:
    # Excel's "Unicode text" is UTF-16; its plain CSV is Windows-1252 in western Europe.
    encodings = ("utf-16",) if data.startswith(UTF16_STARTS) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ListRefused(Denial(Code.NOT_TEXT))


# --- text to cells ----------------------------------------------------------------------------------------------


def separator_of(lines: Iterable[str]) -> str:
    """What stands on most of the first lines; the earlier of SEPARATORS when two are as frequent."""
    looked_at = [line for line in lines if line.strip()][:LINES_LOOKED_AT]
    return max(SEPARATORS, key=lambda mark: sum(mark in line for line in looked_at))


def _cells(text: str) -> list[tuple[int, list[str]]]:
    """`(line, cells)` of each line that says something."""
    lines = text.split("\n")
    skipped = 1 if lines[0].casefold().startswith("sep=") else 0
    separator = lines[0][4:5] if skipped and lines[0][4:5] in SEPARATORS else separator_of(lines[skipped:])
    reader = csv.reader(io.StringIO("\n".join(lines[skipped:]), newline=""), delimiter=separator or ";")
    found, begins_at = [], skipped + 1
    for cells in reader:
        clean = [_clean(cell) for cell in cells]
        if any(clean):
            found.append((begins_at, clean))
        begins_at = skipped + reader.line_num + 1
    return found


def _clean(cell: str) -> str:
    """One line, single spaces (no-break ones too), and `="text"` taken out of its wrapping."""
    words = " ".join(cell.replace("\u200b", "").split())
    if words.startswith("=") and len(words) > 1:
        words = words[1:].strip('"')
    return words.strip()


def _columns(first: Sequence[str]) -> dict[str, int] | None:
    """Where each column stands when the first line holds titles; None when it is a machine already."""
    places: dict[str, int] = {}
    for number, cell in enumerate(first):
        title = next((name for name, words in TITLES.items() if folded(cell) in words), None)
        if title and title not in places:
            places[title] = number
    return places if "name" in places and (len(places) > 1 or len(first) == 1) else None


# --- cells to rows ----------------------------------------------------------------------------------------------


def parse_machine_list(text: str, known: Known) -> list[ListRow]:
    """What each line of the list comes to, in its order.

    Raises:
        ListRefused: `empty`, `too_many_rows`, or `not_text` when it is no list at all.
    """
    try:
        lines = _cells(text)
    except csv.Error:
        raise ListRefused(Denial(Code.NOT_TEXT)) from None
    places = _columns(lines[0][1]) if lines else None
    lines = lines[1:] if places else lines
    if not lines:
        raise ListRefused(Denial(Code.EMPTY))
    if len(lines) > MOST_ROWS:
        raise ListRefused(Denial(Code.TOO_MANY_ROWS, {"count": len(lines), "most": MOST_ROWS}))
    order = places or {name: number for number, name in enumerate(COLUMNS)}
    return _rows(lines, order, known)


def _rows(lines: Sequence[tuple[int, list[str]]], order: dict[str, int], known: Known) -> list[ListRow]:
    kinds = _kinds(known.kinds)
    rooms = {folded(room): room for room in known.rooms}
    there = {folded(name) for name in known.machines}
    first_lines: dict[str, int] = {}
    rows = []
    for line, cells in lines:
        value = {name: cells[place] if place < len(cells) else "" for name, place in order.items()}
        name, kind, room = (value.get(column, "") for column in COLUMNS)
        match = kinds.get(folded(kind))
        denials = (*_name_denials(name, first_lines), *_kind_denials(kind, kinds), *_room_denials(room))
        if word := folded(name):
            first_lines.setdefault(word, line)
        rows.append(
            ListRow(
                line=line,
                name=name,
                kind=match.name if isinstance(match, MachineTemplate) else match or kind,
                room=rooms.get(folded(room), room),
                template=match if isinstance(match, MachineTemplate) else None,
                is_new_kind=match is None and bool(kind),
                is_new_room=bool(room) and folded(room) not in rooms,
                is_there=bool(name) and folded(name) in there,
                denials=denials,
            )
        )
    return rows


def _kinds(own: Iterable[str]) -> dict[str, MachineTemplate | str]:
    """What a kind may be called, folded: the lab's own categories, else the templates' names and aliases."""
    templates = {
        folded(word): template
        for template in TEMPLATES
        for word in (*template.names, *template.machine_names, *template.aliases, template.slug)
    }
    taken = {folded(name) for template in TEMPLATES for name in template.names}
    return templates | {folded(name): name for name in own if folded(name) not in taken}


def _name_denials(name: str, first_lines: dict[str, int]) -> list[Denial]:
    if not name:
        return [Denial(Code.NAME_MISSING)]
    if len(name) > MOST_LETTERS:
        return [Denial(Code.NAME_TOO_LONG, {"most": MOST_LETTERS})]
    if folded(name) in first_lines:
        return [Denial(Code.NAME_TWICE, {"line": first_lines[folded(name)]})]
    return []


def _kind_denials(kind: str, kinds: dict[str, MachineTemplate | str]) -> list[Denial]:
    if not kind:
        return [Denial(Code.KIND_MISSING)]
    if len(kind) > MOST_LETTERS:
        return [Denial(Code.KIND_TOO_LONG, {"most": MOST_LETTERS})]
    word = folded(kind)
    if word not in kinds and (near := difflib.get_close_matches(word, kinds, n=1, cutoff=ALIKE)):
        match = kinds[near[0]]
        return [Denial(Code.KIND_UNCLEAR, {"kind": kind, "near": match if isinstance(match, str) else match.name})]
    return []


def _room_denials(room: str) -> list[Denial]:
    return [Denial(Code.ROOM_TOO_LONG, {"most": MOST_LETTERS})] if len(room) > MOST_LETTERS else []
