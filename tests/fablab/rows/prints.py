"""Prints: a job's page and its buttons; what belongs to its file; the door for slicers, which knows keys only."""

import hashlib
import io

from django.core.cache import caches
from django.utils import timezone
from PIL import Image

from printing.files import stored_path, thumbnail_path
from printing.models import JobState, Printer, PrintFile, PrintJob
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, OWN, OWN_DONE, SIGNED_IN, SIGNED_IN_405, TEAM, Row
from tests.factories import make_machine

GCODE = b"; hidden-ring\nG28\nG1 X10 F600\n"
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
    Row("print-thumbnail", OWN, OWN, ("{whole_job}",)),
    Row("print-file", OWN, OWN, ("{whole_job}",)),
    Row("print-path", OWN, SIGNED_IN_405, ("{whole_job}",)),
    Row("print-camera", OWN, OWN, ("{whole_job}",)),
    # Nothing of the holder's lies on the bed, but they have the machine now.
    Row("print-bed-clear", SIGNED_IN_405, OWN_DONE, ("{job}",)),
    Row("print-job-reserve", SIGNED_IN_405, OWN_ONLY, ("{job}",), data={"start": "2030-01-07T10:00:00+01:00"}),
    _act("pause"),
    _act("resume"),
    _act("cancel"),
    _act("finished"),
    _act("failed"),
    _act("cancelled"),
    _act("submit", OWN_ONLY),
    _act("hold"),
    _act("release"),
    _act("start"),
    _act("move"),
    _act("run"),
    _act("good"),
    _act("bad", why="loose"),
    _act("first", TEAM_ONLY),
    _act("in-turn", TEAM_ONLY),
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
    """The file of the print that is under way; and a print with everything that belongs to one: a file that is there,
    its picture, a camera."""
    whole = PrintJob.objects.filter(machine__name="Shown").first() or _whole_job(lab)
    return {"print_file": lab.job.file.reference, "whole_job": whole.reference}


def _whole_job(lab: Lab) -> PrintJob:
    now, holder = timezone.now(), lab.people["holder"]
    machine = make_machine(site=lab.site, name="Shown")
    Printer.objects.create(machine=machine, connection="printing", camera_url="http://192.0.2.1/still.jpg")
    file = PrintFile.objects.create(
        sha256=hashlib.sha256(GCODE).hexdigest(), size_bytes=len(GCODE), name="hidden-ring.gcode", uploaded_by=holder,
        uploaded_at=now,
    )  # fmt: skip
    stored_path(file).parent.mkdir(parents=True, exist_ok=True)
    stored_path(file).write_bytes(GCODE)
    thumbnail_path(file).write_bytes(_picture("PNG"))
    return PrintJob.objects.create(
        machine=machine, file=file, person=holder, state=JobState.PRINTING, created_at=now, started_at=now
    )


def look_through_cameras() -> None:
    """What the camera showed a moment ago is kept in the process: nothing is asked of its address."""
    for pk in Printer.objects.filter(machine__name="Shown").values_list("pk", flat=True):
        caches["process"].set(f"camera:{pk}", _picture("JPEG"), None)


def _picture(kind: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (8, 8), "orange").save(target, kind)
    return target.getvalue()
