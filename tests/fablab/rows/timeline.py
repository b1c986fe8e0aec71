"""All machines beside each other in time: for anyone."""

from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_405, Row

ROWS: tuple[Row, ...] = (
    Row("timeline", ALL_200, ALL_405, variant="day"),
    Row("timeline", ALL_200, ALL_405, query="?view=week&machine={laser}", variant="week"),
)


def words(lab: Lab) -> dict[str, str]:
    """Nothing beside the words of tests/fablab/test_access.py."""
    return {}
