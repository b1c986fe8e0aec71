"""The questions of the first day: gone in a lab that is set up. Who may answer them is in test_first_run.py."""

from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_404, ALL_405, Row

ADMINISTRATORS = "302 403 403 403 403 403 403 403 200"
STEPS = ("administrator", "place", "hours", "rooms", "machines", "team", "modules", "check", "nothing")

ROWS: tuple[Row, ...] = (
    Row("first-run", ALL_404, ALL_404),
    *(Row("first-run-step", ALL_404, ALL_404, (slug,), variant=slug) for slug in STEPS),
    Row("first-run-machine-list", ALL_404, ALL_404),
    Row("first-run-sheet", ALL_404, ALL_404),
    Row("first-run-person-remove", ALL_405, ALL_404, ("{holder}",)),
    Row("first-run-done", ADMINISTRATORS, ADMINISTRATORS),
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    return {}
