"""Rows of text → people as they can be kept, and what is wrong with the others. Pure; the year is passed in."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from people.imports.columns import fields_of
from people.imports.read import Table
from people.models.person import ADULT_AGE_Y, SORT_NAME_LENGTH, Person, sort_key

OLDEST_YEAR = 1900
FEWEST_PHONE_DIGITS = 6
LANGUAGES = {
    "fr": "fr", "francais": "fr", "french": "fr", "en": "en", "anglais": "en", "english": "en",
}  # fmt: skip
TEXT_FIELDS = ("first_name", "last_name", "town", "phone", "contact_email", "guardian_name", "guardian_phone")
LENGTHS = {field.name: int(field.max_length or 0) for field in Person._meta.fields if field.name in TEXT_FIELDS}

# A person as JSON keeps them: the fields that were given, and "row".
Entry = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row is left out: `code` becomes a sentence in `words`; `field` is where to look, "" for the whole row."""

    row: int
    code: str
    field: str = ""
    params: dict[str, str | int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """`fields` of the header's columns; a row stands in `entries` or has at least one error."""

    fields: list[str]
    entries: list[Entry]
    errors: list[RowError]


def check_table(table: Table, *, year: int) -> Checked:
    """Each row by itself, then the list as a whole: who stands in it twice is taken once.

    `year` is the running one, in which somebody born in `year - 18` counts as an adult.
    """
    fields = fields_of(table.header)
    entries: list[Entry] = []
    errors: list[RowError] = []
    for number, cells in table.rows:
        entry, found = _entry(number, dict(zip(fields, cells, strict=False)), year)
        errors += found
        if not found:
            entries.append(entry)
    kept, twice = _once_each(entries)
    return Checked(fields, kept, sorted([*errors, *twice], key=lambda error: error.row))


def name_key(entry: Entry) -> str:
    """What `Person.sort_name` will be."""
    full = f"{entry.get('last_name', '')} {entry.get('first_name', '')}".strip()
    return sort_key(full)[:SORT_NAME_LENGTH]


def email_key(text: str) -> str:
    return text.strip().lower()


def _entry(number: int, cells: dict[str, str], year: int) -> tuple[Entry, list[RowError]]:
    entry: Entry = {"row": number}
    errors = []
    for name, cell in cells.items():
        text = " ".join(cell.split())
        if not name or not text:
            continue
        try:
            entry[name] = _value(name, text, year)
        except _NotUnderstood as problem:
            errors.append(RowError(number, problem.code, name, {"value": text[:80], **problem.params}))
    if not errors:
        errors = _errors_of_whole(number, entry, year)
    return entry, errors


def _errors_of_whole(number: int, entry: Entry, year: int) -> list[RowError]:
    if not name_key(entry):
        return [RowError(number, "no_name", "last_name")]
    if "first_name" not in entry:
        return [RowError(number, "no_first_name", "first_name")]
    born = entry.get("birth_year")
    is_minor = isinstance(born, int) and born > year - ADULT_AGE_Y
    if is_minor and "guardian_name" in entry and "guardian_phone" not in entry:
        return [RowError(number, "guardian_phone_missing", "guardian_phone")]
    return []


class _NotUnderstood(Exception):
    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def _value(name: str, text: str, year: int) -> str | int:
    if name == "birth_year":
        return _birth_year(text, year)
    if name == "language":
        try:
            return LANGUAGES[sort_key(text)]
        except KeyError:
            raise _NotUnderstood("language") from None
    if name in ("phone", "guardian_phone"):
        text = _phone(text)
    if len(text) > LENGTHS[name]:
        raise _NotUnderstood("too_long", most=LENGTHS[name])
    if name == "contact_email":
        try:
            validate_email(text)
        except ValidationError:
            raise _NotUnderstood("email") from None
    return text


def _birth_year(text: str, year: int) -> int:
    """Of “1950”, “1950-03-12”, “12/03/1950” or “12.3.1950”; two figures could be any century's."""
    match = re.fullmatch(r"(\d{4})(?:-\d{1,2}-\d{1,2}(?:[T ].*)?)?|\d{1,2}[/.\-]\d{1,2}[/.\-](\d{4})", text)
    if match is None:
        raise _NotUnderstood("birth_year")
    born = int(match[1] or match[2])
    if not OLDEST_YEAR <= born <= year:
        raise _NotUnderstood("birth_year_range", first=OLDEST_YEAR, last=year)
    return born


def _phone(text: str) -> str:
    digits = sum(c.isdigit() for c in text)
    if digits < FEWEST_PHONE_DIGITS or not re.fullmatch(r"[+\d][\d .\-/()]*", text):
        raise _NotUnderstood("phone")
    # A spreadsheet takes a number's first nought away: nine figures were ten.
    return f"0{text}" if re.fullmatch(r"[1-9]\d{8}", text) else text


def _once_each(entries: Iterable[Entry]) -> tuple[list[Entry], list[RowError]]:
    """Of rows with one name each needs a year of birth of its own, and no e-mail of another: else the first counts.

    So strict that no two rows can ever mean the same person on file: a list imported twice then changes nothing.
    """
    kept: list[Entry] = []
    twice: list[RowError] = []
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        namesakes = by_name.setdefault(name_key(entry), [])
        earlier = next((other for other in namesakes if _may_be_same(entry, other)), None)
        if earlier is None:
            kept.append(entry)
            namesakes.append(entry)
        else:
            twice.append(RowError(int(entry["row"]), "twice", "", {"earlier": earlier["row"]}))
    return kept, twice


def _may_be_same(one: Entry, other: Entry) -> bool:
    born = {entry.get("birth_year") for entry in (one, other)}
    emails = [email_key(str(entry.get("contact_email", ""))) for entry in (one, other)]
    return None in born or len(born) == 1 or (bool(emails[0]) and emails[0] == emails[1])
