"""Where the lab is found on the local network."""

from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_404, ALL_405, Row

ROWS: tuple[Row, ...] = (
    Row("address", ALL_200, ALL_405),
    Row("address-ca", ALL_404, ALL_405),
)


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    return {}
