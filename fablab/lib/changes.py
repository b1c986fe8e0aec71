"""Who changed a setting, in the log: no page shows it, and the database keeps only what holds now."""

import logging
from typing import Protocol

log = logging.getLogger("fablab.changes")


class Author(Protocol):
    """Whoever changes something; a person's reference is random and tells nothing about them."""

    reference: str


def note_change(deed: str, thing: object, by: Author | None) -> None:
    """One line: what was done, to what kind of thing with which key, and by whom. No name is written down."""
    log.info("%s %s %s by %s", deed, type(thing).__name__, getattr(thing, "pk", ""), by.reference if by else "setup")
