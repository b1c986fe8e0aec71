"""A display that takes lines of text: a console, a serial display, or any file."""

import logging
from pathlib import Path

log = logging.getLogger("fablab-agent")


class TextDisplay:
    """Each sentence is one line; an alert rings the console's bell. A display that is gone is said once in the log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_broken = False

    def show(self, text: str, *, is_alert: bool = False) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(f"{text}\a\n" if is_alert else f"{text}\n")
            self._is_broken = False
        except OSError as error:
            if not self._is_broken:
                log.error("The display shows nothing: %s", error)
            self._is_broken = True

    def close(self) -> None:
        return
