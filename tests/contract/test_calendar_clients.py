"""Real calendar programs read the feeds of a running lab: vdirsyncer fetches, khal shows."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from django.utils.translation import gettext, override

from reservations.feeds import make_feed
from reservations.models import Reservation
from reservations.services import cancel_reservation, move_reservation
from tests.api.lab import hold
from tests.api.web import Web, environment, url_of_test_database
from tests.conftest import skip_or_fail
from tests.contract.calendar_clients import NotInstalled, calendar_clients, own_environment
from tests.factories import make_machine, make_person, minutes

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, available_apps=list(django_settings.INSTALLED_APPS)),
]
VDIRSYNCER = """
[general]
status_path = "{folder}/status/"
[pair lab]
a = "here"
b = "there"
collections = null
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = "{folder}/events/"
fileext = ".ics"
[storage there]
type = "http"
url = "{url}"
"""
KHAL = """
[calendars]
[[lab]]
path = {folder}/events/
readonly = True
[sqlite]
path = {folder}/khal.db
[locale]
local_timezone = UTC
default_timezone = UTC
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
"""


class Reader:
    """Somebody's computer: fetches the calendar of the address, and lists what it knows then."""

    def __init__(self, programs: Path, folder: Path, url: str) -> None:
        self.programs, self.folder = programs, folder
        (folder / "events").mkdir()
        (folder / "vdirsyncer").write_text(VDIRSYNCER.format(folder=folder, url=url))
        (folder / "khal").write_text(KHAL.format(folder=folder))
        self._run("vdirsyncer", "-c", f"{folder}/vdirsyncer", "discover")

    def sync(self) -> None:
        self._run("vdirsyncer", "-c", f"{self.folder}/vdirsyncer", "sync", "--force-delete")

    def listed(self, day: dt.datetime) -> list[str]:
        form = "{start-time} {end-time} {title} {status}"
        return self._run(
            "khal", "-c", f"{self.folder}/khal", "list", "--format", form, "--day-format", "", f"{day:%Y-%m-%d}", "3d"
        )

    def _run(self, program: str, *arguments: str) -> list[str]:
        done = subprocess.run(
            [str(self.programs / program), *arguments], capture_output=True, text=True, check=False, timeout=60,
            input="y\n", env=own_environment(HOME=str(self.folder), LC_ALL="C.UTF-8"),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.strip() for line in done.stdout.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def programs() -> Path:
    try:
        return calendar_clients()
    except (NotInstalled, OSError) as error:
        skip_or_fail(f"khal and vdirsyncer cannot be installed: {error}")
        raise


def test_real_programs_follow_a_reservation_from_made_to_cancelled(programs: Path, tmp_path: Path) -> None:
    now, person = timezone.now(), make_person(language="fr", first_name="Zorobabel", last_name="Quillfeather")
    machine = make_machine(name="Découpe, « grande »")
    start = (now + dt.timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0)
    made = hold(machine, person, start, start + minutes(60))
    _feed, own = make_feed(person=person, by=person, now=now)
    _feed, public = make_feed(machine=machine, by=person, now=now)
    folders = [tmp_path / "own", tmp_path / "public"]
    for folder in folders:
        folder.mkdir()

    with Web(environment(url_of_test_database(), tmp_path), tmp_path / "log") as web:
        urls = [f"http://127.0.0.1:{web.port}/calendar/{token}.ics" for token in (own, public)]
        readers = [Reader(programs, folder, url) for folder, url in zip(folders, urls, strict=True)]
        first = _read(readers, start)
        move_reservation(reservation=made, start=start + minutes(60), end=start + minutes(150), by=person, now=now)
        moved = _read(readers, start)
        made = Reservation.objects.get(pk=made.pk)
        cancel_reservation(reservation=made, by=person, now=now)
        gone = _read(readers, start)

    with override(django_settings.LANGUAGE_CODE):
        taken = gettext("Taken")
    assert first == [["10:00 11:00 Découpe, « grande » CONFIRMED"], [f"10:00 11:00 {taken} CONFIRMED"]]
    assert moved == [["11:00 12:30 Découpe, « grande » CONFIRMED"], [f"11:00 12:30 {taken} CONFIRMED"]]
    assert [[line.split()[-1] for line in lines] for lines in gone] == [["CANCELLED"], ["CANCELLED"]]
    assert "Quillfeather" not in "".join(path.read_text() for path in folders[1].rglob("*.ics"))


def _read(readers: list[Reader], day: dt.datetime) -> list[list[str]]:
    found = []
    for reader in readers:
        reader.sync()
        found.append(reader.listed(day))
    return found
