"""Drawings for the laser and the plotter: what they are, and how long their lines are.

Measured in a process of its own, for they are strangers' files; never shown in a browser.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fablab.lib.denials import Denial
from printing.errors import PrintRefused
from printing.estimates.cut import CutEstimate, cut_minutes, estimate_cut
from printing.estimates.limited import run_limited
from printing.estimates.limits import MOST_MINUTES, MOST_MM, Unmeasurable, check_plausible
from printing.gcode_policy import safe_name
from printing.models import Printer

# Somebody waits for the page.
MOST_S = 15.0
ENDINGS = {".svg": "svg", ".dxf": "dxf"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing as it was measured."""

    kind: str
    cut: CutEstimate

    def minutes(self, printer: Printer) -> float | None:
        """At the machine's usual speed; None where nobody said how fast that is.

        Raises:
            PrintRefused: `drawing_unreadable`, when it would take longer than a year.
        """
        if not printer.cut_speed_mm_s:
            return None
        minutes = cut_minutes(self.cut, speed_mm_s=printer.cut_speed_mm_s)
        with _refusing():
            check_plausible(minutes, MOST_MINUTES)
        return minutes


def drawing_kind(name: str) -> str:
    """ "svg", "dxf", or empty for any other name."""
    return ENDINGS.get(Path(name.lower()).suffix, "")


def measured(path: Path, kind: str) -> Drawing:
    """How long its lines are.

    Raises:
        PrintRefused: `drawing_unreadable`, when it is damaged, empty, larger than any machine, or more than can be
            measured.
    """
    with _refusing():
        cut = run_limited(estimate_cut, path, kind, most_s=MOST_S)
        check_plausible(max(cut.size_mm), MOST_MM)
    return Drawing(kind, cut)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Unmeasurable as error:
        raise PrintRefused([Denial("drawing_unreadable", {"reason": str(error)})]) from None


def drawing_name(name: str, kind: str) -> str:
    """A name that every computer beside a machine accepts."""
    return safe_name(f"{Path(name).stem}.gcode").removesuffix(".gcode") + f".{kind}"
