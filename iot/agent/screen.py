"""What stands on the display: a passing sentence, then again what holds."""

import unicodedata
from collections.abc import Callable, Mapping

from .hardware import Display
from .settings import Settings
from .words import said

TEXT_MOST = 200


class Screen:
    """Shows a thing once, however often it is asked to."""

    def __init__(self, display: Display, settings: Callable[[], Settings], clock_s: Callable[[], float]) -> None:
        self._display = display
        self._settings = settings
        self._clock_s = clock_s
        self._shown = ""
        self._until_s = float("-inf")

    def say(
        self,
        code: str,
        values: Mapping[str, object] | None = None,
        *,
        text: object = "",
        for_s: float | None = None,
        is_alert: bool = False,
    ) -> None:
        """Show the lab's `text`, or else our own sentence of this code, for a while."""
        told = clean(text) or said(self._settings().language, code, values)
        self._until_s = self._clock_s() + (self._settings().denied_for_s if for_s is None else for_s)
        self._show(told, is_alert=is_alert)

    def tick(self, standing: tuple[str, Mapping[str, object]]) -> None:
        """Once the passing sentence has stood long enough, show what holds: a code of the words, and its values."""
        if self._clock_s() >= self._until_s:
            code, values = standing
            self._show(said(self._settings().language, code, values))

    def _show(self, sentence: str, *, is_alert: bool = False) -> None:
        # Here, so that names are cleaned too: the lab's, and those of the roster.
        text = clean(sentence)
        if text != self._shown or is_alert:
            self._shown = text
            self._display.show(text, is_alert=is_alert)


def clean(text: object) -> str:
    """A text of the lab without line feeds or anything else that a terminal obeys; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    return "".join(character if _is_shown(character) else " " for character in text[:TEXT_MOST]).strip()


def _is_shown(character: str) -> bool:
    # Python counts the spaces that French writes before a colon among what is not printable.
    return character.isprintable() or unicodedata.category(character) == "Zs"
