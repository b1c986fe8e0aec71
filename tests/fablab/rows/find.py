"""What can I use, and when: everybody may ask; what is found depends on the person."""

from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_405, Row

WAIT_FORM = {"machine": "{laser}", "start_at": "{start}", "minutes": "60", "how": "tell"}
ALL_400 = "400 400 400 400 400 400 400 400 400"

ROWS: tuple[Row, ...] = (
    Row("find", ALL_200, ALL_200),
    Row("find", ALL_200, ALL_200, query="?minutes=120&others=1", variant="with what is missing"),
    Row("find", ALL_400, ALL_400, query="?minutes=never", variant="nonsense"),
    Row("waiting-join", ALL_405, "302 302 302 302 302 302 302 302 302", data=WAIT_FORM, variant="only tell me"),
)


def words(lab: Lab) -> dict[str, str]:
    """Nothing beyond what the lab has."""
    return {}
