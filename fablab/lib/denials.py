"""A refusal as data: a stable code and its facts. It becomes a sentence at the edge, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Denial:
    """One reason why something may not be done.

    `params` are the facts the sentence needs (aware datetimes, timedeltas, names), never text to show as it is.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
