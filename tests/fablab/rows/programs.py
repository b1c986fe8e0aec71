"""What programs ask: without a key set, there is nothing."""

from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_404, Row

ROWS: tuple[Row, ...] = (
    Row("mqtt-auth", ALL_404, ALL_404),
    Row("mqtt-acl", ALL_404, ALL_404),
    Row("metrics", ALL_404, ALL_404),
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    return {}
