"""Equal files of two people are one content on the disk: whoever gives theirs up takes nothing from the other."""

import threading
import time

import pytest
from django.conf import settings
from django.db import connection, transaction

from fablab.lib import retention
from people.models import Person
from printing.file_removal import purge_files
from printing.files import stored_path
from printing.library import drop_file
from printing.models import PrintFile
from printing.submitting import draft_job
from tests.factories import make_person
from tests.printing.builders import GCODE, upload

pytestmark = [
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
    pytest.mark.serial,
]
MOST_WAIT_S = 20


def started(deed):
    def act():
        try:
            deed()
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def waiting():
    """How many wait for a lock of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


def wait_until(is_so):
    deadline = time.monotonic() + MOST_WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_content_that_somebody_sends_while_another_drops_it_stays(lab):
    theirs, other = upload(GCODE, "cube.gcode", lab.person), make_person()

    with transaction.atomic():
        # The row of the second upload waits for its person's: the content is in its place already, the row is not seen.
        Person.objects.select_for_update().get(pk=other.pk)
        sending = started(lambda: upload(GCODE, "cube.gcode", other))
        wait_until(lambda: waiting() == 1)
        dropping = started(lambda: drop_file(file=theirs, by=lab.person))
        wait_until(lambda: waiting() == 2 or not dropping.is_alive())
    sending.join(MOST_WAIT_S)
    dropping.join(MOST_WAIT_S)

    assert stored_path(PrintFile.objects.get(uploaded_by=other)).read_bytes() == GCODE


def test_file_that_is_printed_again_as_the_night_s_round_comes_keeps_its_content(lab):
    file = upload(GCODE, "cube.gcode", lab.person)
    much_later = lab.now + retention.PRINT_FILE.time * 2

    with transaction.atomic():
        PrintFile.objects.select_for_update(no_key=True).get(pk=file.pk)
        draft_job(file=file, machine=lab.machine, person=lab.person, by=lab.person, now=much_later)
        purging = started(lambda: purge_files(much_later, is_dry=False))
        wait_until(lambda: waiting() == 1)
    purging.join(MOST_WAIT_S)

    assert PrintFile.objects.get().sha256 == file.sha256
    assert stored_path(file).read_bytes() == GCODE
