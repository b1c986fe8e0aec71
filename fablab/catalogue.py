"""The sentences to translate: gathered from templates and Python, kept in `django.po`, checked. Babel only.

A fresh machine has neither xgettext nor msgmerge. Sentences are written in English, so English needs no catalogue.
"""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation import templatize

KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
COMMENT_TAG = "Translators:"
# Migrations quote sentences of the past; the agent runs on machines that have no catalogue.
LEFT_OUT = {"migrations", "agent", "node_modules"}
WIDTH = 110
HEADER = """\
# Gathered by `manage.py messages`, which keeps translations and comments. The file is compiled at the next start."""
PLACEHOLDER = re.compile(r"%\((?P<name>\w+)\)[-+ 0#]*[\d.]*(?P<kind>[a-zA-Z])|\{(?P<brace>\w*)\}|%(?P<plain>[sdif])\b")


def gathered(folders: Iterable[Path], root: Path) -> Catalog:
    """Every sentence of these applications, with the files (relative to `root`) in which it stands.

    Raises:
        UnicodeDecodeError, tokenize.TokenError: a file is not text, or not Python.
    """
    catalogue = Catalog(charset="utf-8")
    for folder in sorted(folders):
        for path in _sources(folder):
            for line, text, comments, context in _sentences(path):
                place = (path.relative_to(root).as_posix(), line)
                catalogue.add(text, locations=[place], auto_comments=comments, context=context)
    return catalogue


def updated(translated: Catalog, sentences: Catalog) -> Catalog:
    """The catalogue with exactly these sentences: translations and translators' comments stay, the rest goes."""
    translated.update(sentences, no_fuzzy_matching=True, update_creation_date=False)
    translated.obsolete.clear()
    return translated


def read_catalogue(file: Path, language: str) -> Catalog:
    """The catalogue as last written, or an empty one."""
    if not file.exists():
        blanks = {"version": "", "msgid_bugs_address": "", "last_translator": "", "language_team": ""}
        return Catalog(locale=language, project="fablab", header_comment=HEADER, charset="utf-8", fuzzy=False, **blanks)
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def written(catalogue: Catalog) -> bytes:
    """The file's bytes: sorted by file, without line numbers, so that moved code changes nothing."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=WIDTH, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return stream.getvalue()


def problems(translated: Catalog, sentences: Catalog) -> list[str]:
    """What keeps the catalogue from being whole, one line each; empty when nothing does."""
    found = []
    for sentence in _messages(sentences):
        known = translated.get(sentence.id, context=sentence.context)
        if known is None or known.id != sentence.id:
            found.append(_line("missing", sentence))
        elif known.fuzzy:
            found.append(_line("fuzzy", sentence))
        elif not all(_forms(known.string)):
            found.append(_line("untranslated", sentence))
        elif not _placeholders_agree(known):
            found.append(_line("placeholders differ", sentence))
    found += [
        _line("no longer used", known)
        for known in _messages(translated)
        if sentences.get(known.id, context=known.context) is None
    ]
    return found


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        is_template = "templates" in parts and path.suffix in (".html", ".txt")
        if (is_template or path.suffix == ".py") and not LEFT_OUT & set(parts):
            yield path


def _sentences(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # What surrounds the sentences becomes words at any indentation, which Python's tokenizer would refuse.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).split("\n"))
    stream = io.BytesIO(text.encode())
    yield from extract("python", stream, keywords=KEYWORDS, comment_tags=[COMMENT_TAG], strip_comment_tags=False)  # type: ignore[arg-type]


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, list | tuple) else (str(text or ""),)


def _placeholders_agree(message: Message) -> bool:
    """Whether each form fills the same places. A singular may leave its number out, in either language."""
    wanted = [_placeholders(text) for text in _forms(message.id)]
    given = [_placeholders(text) for text in _forms(message.string)]
    if len(wanted) == 1:
        return given == wanted
    return given[0] in wanted and all(form == wanted[-1] for form in given[1:])


def _placeholders(text: str) -> set[str]:
    return {match.group() for match in PLACEHOLDER.finditer(text.replace("%%", ""))}


def _line(what: str, message: Message) -> str:
    places = dict.fromkeys(name for name, _ in message.locations)
    return f"{what}: {_forms(message.id)[0]!r} ({', '.join(places) or 'nowhere'})"
