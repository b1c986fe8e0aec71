"""The one exception family of this app."""

from collections.abc import Sequence

from fablab.lib.denials import Denial


class PrintingError(Exception):
    """Something about a print cannot be done."""


class PrintRefused(PrintingError):
    """Refused, with every reason."""

    def __init__(self, denials: Sequence[Denial]) -> None:
        super().__init__(", ".join(str(denial.code) for denial in denials))
        self.denials = list(denials)


class WrongJobState(PrintingError):
    """The job's state does not allow it."""
