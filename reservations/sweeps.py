"""How every sweep goes through its rows: one that cannot be done keeps none of the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

log = logging.getLogger(__name__)
Row = TypeVar("Row")


def each_alone(rows: Iterable[Row], do: Callable[[Row], int], *, most: int | None = None) -> int:
    """How much was done; `most` ends it once that much is, so that rows of which nothing comes stand before none.

    An error is logged and the next row is looked at: the next sweep tries it again. `do` has its own transaction.
    """
    done = 0
    for row in rows:
        if most is not None and done >= most:
            break
        try:
            done += do(row)
        except Exception:
            # By its key: the words of a row may hold a name.
            log.exception("%s %s could not be swept", type(row).__name__, getattr(row, "pk", row))
    return done
