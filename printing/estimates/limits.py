"""How much a file to be measured may ask for, and the one way to refuse it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from printing.errors import PrintingError

MOST_FILE_BYTES = 100 * 1024 * 1024
# A 3MF is a zip: what its models may grow to.
MOST_UNPACKED_BYTES = 400 * 1024 * 1024
MOST_TRIANGLES = 5_000_000
# Every entity, element or copy of one that has to be looked at.
MOST_ENTITIES = 200_000
MOST_SEGMENTS = 1_000_000
MOST_PATH_DATA_BYTES = 20 * 1024 * 1024
DEEPEST_NESTING = 64
MOST_LAYERS = 100
LONGEST_LAYER_NAME = 80
MOST_S = 20
MOST_MB = 1024

# A hundred metres, and a year: beyond, the figures are no answer to anybody.
MOST_MM = 100_000
MOST_MINUTES = 365 * 24 * 60
IMPLAUSIBLE = "implausible"

CODES = ("too_many_shapes", "damaged", "empty", "unsupported", "too_large")


class Unmeasurable(PrintingError):
    """No estimate can be made; `code` is one of CODES, or IMPLAUSIBLE where one was made and makes no sense."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_plausible(value: float, most: float) -> None:
    """Refuse what was measured when it is more than `most`, or no number at all.

    Raises:
        Unmeasurable: `implausible`.
    """
    if not value <= most:
        raise Unmeasurable(IMPLAUSIBLE)


class Budget:
    """Counts down; refuses with `too_many_shapes` when it is spent."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, count: int = 1) -> None:
        """Take `count` from what is left.

        Raises:
            Unmeasurable: more was asked than is left.
        """
        self.left -= count
        if self.left < 0:
            raise Unmeasurable("too_many_shapes")


def check_size(path: Path) -> None:
    """Refuse what is empty or above MOST_FILE_BYTES before anything is read.

    Raises:
        Unmeasurable: `empty` or `too_large`.
        OSError: the file cannot be looked at.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unmeasurable("empty")
    if size > MOST_FILE_BYTES:
        raise Unmeasurable("too_large")


@contextmanager
def refusing_what_breaks() -> Iterator[None]:
    """Whatever a parser trips over inside becomes `Unmeasurable`: memory is `too_large`, the rest `damaged`."""
    try:
        yield
    except Unmeasurable:
        raise
    except MemoryError as error:
        raise Unmeasurable("too_large") from error
    except Exception as error:
        # Parsers by others, fed by strangers: the list of what they raise has no end.
        raise Unmeasurable("damaged") from error
