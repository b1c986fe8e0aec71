"""What people are told, and how."""

from tests.api.lab import Lab
from tests.fablab.rows.row import SIGNED_IN, Row

ROWS: tuple[Row, ...] = (
    Row("me-messages", SIGNED_IN, SIGNED_IN),
    # The tests' backend sends e-mail; only the holder and nobody else has an address.
    Row("me-notices", SIGNED_IN, "302 200 302 200 200 200 200 200 200", data={"email": "reservation_made"}),
)


def words(lab: Lab) -> dict[str, str]:
    """Nothing of its own."""
    return {}
