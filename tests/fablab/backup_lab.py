"""A small lab with something of everything, for the tests of backups; run by `manage.py shell`."""

import datetime as dt
import hashlib
import itertools
import os
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from fablab.lib.secretbox import seal
from fablab.up.upgrade import upgrade_database
from iot.partitions import ensure_partitions
from machines.models import Machine
from people.models import Person
from printing.models import PrintFile
from tests.factories import make_machine, make_person, make_team, reserve

ODD = "Zoë “Quote” O'Neil \\ tab\there\nnew line \\N 🙂"
READINGS = 30_000


def fill() -> None:
    """Two partitions of readings, references in both directions, odd letters, a sealed secret and files."""
    upgrade_database(now=timezone.now(), say=print)
    now = timezone.now()
    people = [make_person(last_name=ODD), make_person(), make_person()]
    machines = [make_machine(), make_machine()]
    make_team(site=machines[0].site, members=people)
    for number, (machine, person) in enumerate(itertools.product(machines, people)):
        start = _hour(now) + dt.timedelta(hours=2 * number + 2)
        reserve(machine=machine, start=start, end=start + dt.timedelta(hours=1), holder=person, now=now)
    _fill_readings(now)
    _fill_files(people[0], now)
    (Path(settings.DATA_DIR) / "sealed.txt").write_text(seal("the printer’s key"))


def _hour(now: dt.datetime) -> dt.datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _fill_readings(now: dt.datetime) -> None:
    ensure_partitions(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO iot_reading SELECT 1, 'boot-é', n, 0, 1, %s::timestamptz + n * interval '90 s', n / 7.0"
            " FROM generate_series(1, %s) n",
            [now - dt.timedelta(days=1), READINGS],
        )
        cursor.execute("SELECT setval('iot_foreign_reading', 4711)")


def _fill_files(person: Person, now: dt.datetime) -> None:
    for content in (b"G28\n" * 4_000_000, b"", os.urandom(70_000)):
        sha256 = hashlib.sha256(content).hexdigest()
        file = PrintFile.objects.create(
            sha256=sha256, size_bytes=len(content), name="part.gcode", uploaded_by=person, uploaded_at=now
        )
        path = Path(settings.MEDIA_ROOT) / file.stored_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    deep = Path(settings.MEDIA_ROOT) / "machines" / ("é" * 90) / ("photo" * 30 + ".jpg")
    deep.parent.mkdir(parents=True)
    deep.write_bytes(b"picture")
    (deep.parent / "half.part").write_bytes(b"half an upload")


def write() -> None:
    """Reserve one hour after the other, until somebody kills us."""
    machine, person = Machine.objects.with_places().order_by("pk")[0], Person.objects.order_by("pk")[0]
    # In the past of its own clock, so that no rule about how far ahead stands in the way.
    for number in itertools.count(1):
        start = _hour(timezone.now()) - dt.timedelta(hours=2 * number)
        start = start.replace(year=start.year - 1)
        reserve(
            machine=machine,
            start=start,
            end=start + dt.timedelta(hours=1),
            holder=person,
            now=start - dt.timedelta(hours=1),
        )
        print(number, flush=True)
