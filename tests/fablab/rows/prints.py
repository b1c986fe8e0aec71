"""Prints: a job's page and its buttons; the door for slicers, which knows keys only."""

from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, OWN, OWN_DONE, SIGNED_IN, SIGNED_IN_405, TEAM, Row

NO_PICTURE = "302 404 404 404 404 404 404 404 404"
TEAM_ONLY = "302 404 403 404 302 302 404 302 302"
ANSWERING = "302 404 403 404 302 403 404 302 302"
OWN_ONLY = "302 404 302 404 403 403 404 403 403"
NO_KEY = "401 401 401 401 401 401 401 401 401"
NO_KEY_405 = "405 405 405 405 405 405 405 405 405"
READ_405 = ALL_405
TEAM_ACTS = "302 403 403 403 302 302 302 302 302"
TEAM_BED = "302 403 403 403 302 302 404 302 302"
HOLDERS_ONLY = "302 404 302 404 404 404 404 404 404"


def _act(action: str, answers: str = OWN_DONE, **data: str) -> Row:
    return Row("print-job-action", SIGNED_IN_405, answers, ("{job}", action), data=data, variant=action)


ROWS: tuple[Row, ...] = (
    Row("print-estimate", SIGNED_IN, "302 400 400 400 400 400 400 400 400"),
    Row("print-job", OWN, OWN, ("{job}",)),
    Row("print-thumbnail", NO_PICTURE, NO_PICTURE, ("{job}",)),
    Row("print-file", NO_PICTURE, NO_PICTURE, ("{job}",)),
    Row("print-camera", NO_PICTURE, NO_PICTURE, ("{job}",)),
    # Nothing was printed there yet, so nothing of the holder's lies on the bed.
    Row("print-bed-clear", SIGNED_IN_405, TEAM_ONLY, ("{job}",)),
    Row("print-job-reserve", SIGNED_IN_405, OWN_ONLY, ("{job}",), data={"start": "2030-01-07T10:00:00+01:00"}),
    _act("pause"),
    _act("failed"),
    _act("submit", OWN_ONLY),
    _act("hold"),
    _act("start"),
    _act("run"),
    _act("good"),
    _act("bad", why="loose"),
    _act("first", TEAM_ONLY),
    _act("approve", ANSWERING),
    _act("send-back", ANSWERING, note="Too hot"),
    Row("machine-prints", SIGNED_IN, READ_405, ("{printer}",)),
    Row("manage-prints", TEAM, READ_405),
    Row("manage-prints-csv", TEAM, READ_405),
    Row("manage-prints-act", ALL_405, TEAM_ACTS, data={"act": "hold", "job": "{job}"}),
    Row("manage-prints-act", ALL_405, TEAM_BED, data={"act": "bed-clear", "machine": "{printer}"}, variant="bed"),
    Row("me-prints", SIGNED_IN, READ_405),
    Row("me-print-files", SIGNED_IN, READ_405),
    Row("me-print-again", ALL_405, HOLDERS_ONLY, ("{print_file}",), data={"machine": "{printer}"}),
    Row("me-print-drop", ALL_405, HOLDERS_ONLY, ("{print_file}",)),
    Row("slicer-version", NO_KEY, NO_KEY_405, ("{printer}",)),
    Row("slicer-receive", NO_KEY_405, NO_KEY, ("{printer}",)),
    Row("slicer-version-any", NO_KEY, NO_KEY_405),
    Row("slicer-receive-any", NO_KEY_405, NO_KEY),
)


def words(lab: Lab) -> dict[str, str]:
    """The file of the print that is under way."""
    return {"print_file": lab.job.file.reference}
