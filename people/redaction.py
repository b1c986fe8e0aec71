"""A person's name taken out of what others wrote: a team's name, the reason of an outage, a printer's complaint.

The full name goes wherever it stands. A name alone may be an ordinary word (somebody may sign up as “Workshop”): it
goes only from rows that lead to the person, and never from what is shown to everybody or is an address.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BinaryField, Func, IntegerField, JSONField, Model, Q, SlugField, TextField, Value
from django.db.models.functions import Cast
from django.utils.text import slugify

from fablab.lib.personal_data import PersonalData
from fablab.lib.references import new_reference
from people.forgetting import declared, person_fields
from people.models import ImportRun, Person, Team
from people.models.person import sort_key

MARK = "…"
SHORTEST_NAME = 4
# “de la” could be somebody's full name too: shorter ones are looked for with capitals only.
SHORTEST_IN_SMALL_LETTERS = 8
# A telephone field may hold any word; a number has at least so many digits.
FEWEST_DIGITS = 6
# What everybody reads under this name, and machines go by it.
KEPT_FROM_A_NAME_ALONE = {"title", "slug"}


class _Position(Func):
    """Where bytes stand in bytes, from 1; 0 when they do not."""

    function = "position"
    template = "%(function)s(%(expressions)s)"
    arg_joiner = " in "
    output_field = IntegerField()


@dataclass(frozen=True, slots=True)
class Words:
    """What would tell who somebody was, longest first."""

    words: tuple[str, ...]
    finder: re.Pattern[str]


def words_of(person: Person, emails: Iterable[str] = ()) -> Words:
    """What names the person and nobody else, anywhere: full names, addresses, numbers, with and without accents."""
    found = {person.contact_email, person.card_code, *emails}
    if sum(character.isdigit() for character in person.phone) >= FEWEST_DIGITS:
        found.add(person.phone)
    return _words({*_forms(found), *_full_names(person)})


def name_alone(person: Person) -> Words:
    """Their last name, when nobody else on file bears it: for rows that are theirs."""
    last = person.last_name.strip()
    if len(last) < SHORTEST_NAME or _is_borne_by_others(person):
        return _words(())
    plain = " ".join(part.title() for part in sort_key(last).split())
    return _words({last, last.upper(), plain, plain.upper()}, has_capitals=True)


def redact(words: Words) -> int:
    """Replace the words in every declared free text by “…”; how many rows were changed."""
    if not words.words:
        return 0
    return sum(
        _redact_field(model, name, _all_rows(model), words)
        for model, declaration in declared()
        for name in declaration.free_text
    )


def redact_own(person: Person, words: Words) -> int:
    """Replace the words in the free texts of the person's own rows by “…”, while those rows still lead to them."""
    if not words.words:
        return 0
    return sum(
        _redact_field(model, name, _own_rows(model, declaration, person), words)
        for model, declaration in declared()
        for name in declaration.free_text
        if name not in KEPT_FROM_A_NAME_ALONE
    )


def _full_names(person: Person) -> set[str]:
    first, last = person.first_name.strip(), person.last_name.strip()
    # “3D printing” is nobody: a name has no digits.
    if not first or not last or any(character.isdigit() for character in first + last):
        return set()
    both = {f"{first} {last}", f"{last} {first}", f"{first} {last.upper()}", f"{last.upper()} {first}"}
    return {form for form in _forms(both) if len(form) >= SHORTEST_IN_SMALL_LETTERS or form != form.lower()}


def _forms(found: Iterable[str]) -> set[str]:
    """As written, without accents, as in an address; what is too short to tell anything is left out."""
    long = {word for word in found if len(word) >= SHORTEST_NAME}
    forms = long | {sort_key(word) for word in long} | {slugify(word) for word in long}
    return {form for form in forms if len(form) >= SHORTEST_NAME}


def _words(found: Iterable[str], *, has_capitals: bool = False) -> Words:
    ordered = tuple(sorted(set(found), key=lambda word: (-len(word), word)))
    patterns = [
        re.escape(word) if has_capitals or len(word) < SHORTEST_IN_SMALL_LETTERS else f"(?i:{re.escape(word)})"
        for word in ordered
    ]
    return Words(ordered, re.compile(rf"(?<![^\W\d_])(?:{'|'.join(patterns)})(?![^\W\d_])"))


def _all_rows(model: type[Model]) -> Any:
    return model._default_manager.order_by()


def _own_rows(model: type[Model], declaration: PersonalData, person: Person) -> Any:
    """Rows about the person, and rows by them; a team is theirs when they lead it, not when they joined it."""
    rows = _all_rows(model)
    if model is Team:
        return rows.filter(memberships__person=person, memberships__is_organiser=True)
    names = [*person_fields(model), *([declaration.subject] if declaration.subject else [])]
    own = reduce(or_, (Q(**{name: person.pk}) for name in names), Q(pk__in=[]))
    if model is ImportRun:
        # The list that they stood on, whoever handed it in.
        own |= Q(rows__contains=[{"first_name": person.first_name, "last_name": person.last_name}])
    return rows.filter(own)


def _redact_field(model: type[Model], name: str, rows: Any, words: Words) -> int:
    changed = 0
    is_slug = isinstance(model._meta.get_field(name), SlugField)
    for key, old in dict(_rows_with(model, name, rows, words.words)).items():
        new = _without(old, words.finder, is_slug=is_slug)
        if new != old:
            changed += model._default_manager.filter(pk=key).update(**{name: new})
    return changed


def _rows_with(model: type[Model], name: str, rows: Any, words: Sequence[str]) -> Any:
    field, place = model._meta.get_field(name), name
    if isinstance(field, BinaryField):
        forms = {form.encode() for word in words for form in (word, word.lower(), word.upper(), word.title())}
        places = {f"at_{n}": _Position(Value(form), name) for n, form in enumerate(sorted(forms))}
        rows = rows.alias(**places).filter(reduce(or_, (Q(**{f"{place}__gt": 0}) for place in places)))
        return rows.values_list("pk", name)
    if isinstance(field, JSONField):
        rows, place = rows.alias(as_text=Cast(name, TextField())), "as_text"
    return rows.filter(reduce(or_, (Q(**{f"{place}__icontains": word}) for word in words))).values_list("pk", name)


def _without(old: Any, finder: re.Pattern[str], *, is_slug: bool = False) -> Any:
    if isinstance(old, str):
        if is_slug and finder.search(old):
            return new_reference(8).lower()
        return finder.sub(MARK, old)
    if isinstance(old, bytes | memoryview):
        text = bytes(old).decode("utf-8", "surrogateescape")
        return finder.sub(MARK, text).encode("utf-8", "surrogateescape")
    if isinstance(old, list):
        return [_without(item, finder) for item in old]
    if isinstance(old, dict):
        return {key: _without(value, finder) for key, value in old.items()}
    return old


def _is_borne_by_others(person: Person) -> bool:
    others = Person.objects.filter(erased_at=None).exclude(pk=person.pk)
    return others.filter(last_name__iexact=person.last_name).exists()
