"""What is wrong with a row, as a sentence in the reader's language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Promise] = {
    "no_name": _("The name is missing."),
    "no_first_name": _("The first name is missing: give it a column of its own."),
    "birth_year": _("“%(value)s” is no year of birth. Write four figures, like 1950, or a whole date."),
    "birth_year_range": _("“%(value)s” cannot be: a year of birth lies between %(first)s and %(last)s."),
    "email": _("“%(value)s” is no e-mail address."),
    "phone": _("“%(value)s” is no telephone number. Leave the field empty if there is none."),
    "language": _("“%(value)s” is no language that we know. Write French or English, or leave the field empty."),
    "too_long": _("This is longer than %(most)s letters."),
    "guardian_missing": _("Under 18: give the name of the responsible adult."),
    "guardian_phone_missing": _("Under 18: give the telephone number of the responsible adult."),
    "twice": _("The same as row %(earlier)s, which counts. If they are two people, give both years of birth."),
    "of_the_team": _("This person is of a team: change them on their own page."),
    "signs_in_by_email": _("This person signs in with their e-mail address: only they, or their own page, change it."),
    "not_saved": _("This row could not be kept. Add the person by hand."),
}  # fmt: skip
# What is told about a row that is taken all the same.
NOTICES = {
    "namesake": _("Somebody with this name is on file, with another year of birth or none. Is it the same person?"),
}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """`column` is its name in the file, "" when the whole row is meant; `cells` is the row as it came."""

    row: int
    column: str
    sentence: str
    cells: list[str]


def header_of(kept: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """`(name in the file, field)` of each column, from what an import keeps; the field of an ignored one is ""."""
    for entry in kept:
        if entry["code"] == "columns":
            return list(zip(entry["header"], entry["fields"], strict=True))
    return []


def problems_of(kept: Iterable[Mapping[str, Any]]) -> list[RowProblem]:
    """The rows that are left out, by row number."""
    kept = list(kept)
    return [_problem(entry, kept, SENTENCES) for entry in kept if entry["code"] in SENTENCES]


def notices_of(kept: Iterable[Mapping[str, Any]]) -> list[RowProblem]:
    """The rows that are taken, and that somebody should look at."""
    kept = list(kept)
    return [_problem(entry, kept, NOTICES) for entry in kept if entry["code"] in NOTICES]


def _problem(entry: Mapping[str, Any], kept: list[Mapping[str, Any]], sentences: Mapping[str, Promise]) -> RowProblem:
    columns = {field: name for name, field in header_of(kept) if field}
    sentence = str(sentences[entry["code"]]) % entry.get("params", {})
    return RowProblem(entry["row"], columns.get(entry.get("field", ""), ""), sentence, entry.get("cells", []))
