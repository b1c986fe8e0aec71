"""Reads settings one by one; what is wrong is told with its line, its name and what is expected."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any


class ConfigError(Exception):
    """The settings cannot be used; the text says where, which one and what is expected."""


class Table:
    """One table of settings. `text` is the file's, to find lines in; empty for settings that came another way."""

    def __init__(self, found: Mapping[str, Any], *, text: str = "", name: str = "", source: str = "") -> None:
        self._found = found
        self._text = text
        self._name = name
        self._source = source
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._found

    def text(
        self,
        key: str,
        default: str | None = None,
        *,
        pattern: str = "",
        expected: str = "a text",
        is_secret: bool = False,
    ) -> str:
        """What is secret is in no error: that stands on a screen and in a log.

        Raises: ConfigError, as all readers of this class.
        """
        value = self._value(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, expected, is_secret=is_secret)
        if pattern and not re.fullmatch(pattern, value.strip()):
            raise self.error(key, expected, is_secret=is_secret)
        return value.strip()

    def one_of(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self._value(key, default)
        if value not in choices:
            raise self.error(key, f"one of {', '.join(choices)}")
        return str(value)

    def whole(self, key: str, default: int | None = None, *, least: int, most: int) -> int:
        value = self._value(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.error(key, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str, default: float | None = None, *, least: float, most: float) -> float:
        value = self._value(key, default)
        if type(value) not in (int, float) or not least <= value <= most:
            raise self.error(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def truth(self, key: str, default: bool | None = None) -> bool:
        value = self._value(key, default)
        if type(value) is not bool:
            raise self.error(key, "true or false")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A program and its arguments; empty when it is not set."""
        value = self._value(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.error(key, 'a program and its arguments as a list, such as ["loginctl", "lock-session"]')
        return tuple(value)

    def table(self, key: str) -> "Table":
        """The table of this name; an empty one when it is not there."""
        value = self._value(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"a table: write [{self._full(key)}] on a line of its own")
        return Table(value, text=self._text, name=self._full(key), source=self._source)

    def keys(self) -> list[str]:
        return list(self._found)

    def refuse_others(self) -> None:
        """Raises: ConfigError: a setting stands there that nobody asked for; a misspelt one would do nothing."""
        for key in self._found:
            if key not in self._asked:
                near = difflib.get_close_matches(key, sorted(self._asked), 1)
                meant = f"; did you mean {near[0]}?" if near else ""
                raise self._at(key, f"{self._full(key)} is not a setting{meant}")

    def error(self, key: str, expected: str, *, is_secret: bool = False) -> ConfigError:
        """What to raise when this setting is not as expected."""
        if key not in self._found:
            return self._at(key, f"{self._full(key)} is missing: {expected} is expected")
        if is_secret:
            return self._at(key, f"{self._full(key)} cannot be used: {expected}, in quotation marks, is expected")
        return self._at(key, f"{self._full(key)} = {_shown(self._found[key])}: {expected} is expected")

    def _value(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        return self._found.get(key, default)

    def _full(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _at(self, key: str, words: str) -> ConfigError:
        line = line_of(self._text, self._name, key)
        places = [self._source, f"line {line}" if line else ""]
        place = ", ".join(part for part in places if part)
        return ConfigError(f"{place}: {words}." if place else f"{words}.")


def line_of(text: str, table: str, key: str) -> int:
    """The line on which the table's setting stands; that of the table's head when it is missing; else 0."""
    here, head = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*\[+\s*([\w.\"'-]+)\s*\]+", line):
            here = found[1].replace('"', "").replace("'", "")
            if here == table:
                head = number
            if here == (f"{table}.{key}" if table else key):
                return number
        elif here == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return head


def _shown(value: Any) -> str:
    shown = ("true" if value else "false") if isinstance(value, bool) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
