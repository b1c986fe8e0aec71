"""The doctor, on parts that are well and on broken ones; the database, the broker and the disk are real."""

import datetime as dt
import json
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from fablab import doctor
from fablab.doctor import Finding, Verdict
from iot.broker.access import BrokerUser
from iot.credentials import hash_password
from iot.models import Device
from tests.contract.running_broker import RunningBroker
from tests.factories import make_machine, make_person, reserve

pytestmark = pytest.mark.django_db


def broken(text, error=OSError):
    def check():
        raise error(text)

    return check


def server(*, writes=("fablab/doctor/#",), reads=("fablab/#",)):
    return BrokerUser("server", hash_password("open sesame"), writes=writes, reads=reads)


@pytest.fixture
def broker(monkeypatch, settings):
    """Starts a real broker with one account, which the settings then name."""
    running = []

    def start(user, password="open sesame"):
        one = RunningBroker("mosquitto", [user], monkeypatch)
        running.append(one)
        one.start()
        settings.BROKER = {
            "host": "127.0.0.1", "port": one.port, "username": "server", "password": password, "is_tls": False,
        }  # fmt: skip
        return one

    yield start
    for one in running:
        one.close()


def test_versions_and_database_are_well():
    assert doctor.versions().verdict == Verdict.OK
    assert doctor.database().verdict == Verdict.OK
    assert doctor.migrations() == Finding("migrations", Verdict.OK, "all applied")


def test_migrations_not_applied_is_a_failure():
    # Those that stand on them too: else their order is what is wrong.
    MigrationRecorder(connection).Migration.objects.filter(app__in=["printing", "projects"]).delete()

    found = doctor.migrations()

    assert (found.verdict, found.remedy) == (Verdict.FAIL, "Run: manage.py migrate")
    assert "printing.0001_initial" in found.detail


@pytest.mark.serial
def test_broker_brings_our_message_back(broker):
    one = broker(server())

    found = doctor.broker()

    assert found == Finding("broker", Verdict.OK, f"a message went to 127.0.0.1:{one.port} and came back")


@pytest.mark.serial
@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        (server(), "wrong", "refuses us"),
        (server(writes=("fablab/v1/+/down/#",)), "open sesame", "did not come back"),
        (server(reads=("fablab/v1/+/up/#",)), "open sesame", "did not come back"),
    ],
    ids=["wrong password", "may not write", "may not read"],
)
def test_broker_that_does_not_serve_us_is_a_failure(broker, monkeypatch, user, password, said):
    monkeypatch.setattr(doctor, "BROKER_WITHIN_S", 1.0)
    broker(user, password)

    found = doctor.broker()

    assert found.verdict == Verdict.FAIL
    assert said in found.detail
    assert found.remedy


@pytest.mark.serial
def test_broker_that_is_away_is_a_failure(broker):
    broker(server()).kill()

    found = doctor.broker()

    assert found.verdict == Verdict.FAIL
    assert "refused" in found.detail


@pytest.mark.parametrize(
    ("age_s", "verdict"), [(5, Verdict.OK), (300, Verdict.FAIL), (None, Verdict.FAIL)], ids=["beats", "stopped", "none"]
)
def test_worker_is_well_while_its_heart_beats(age_s, verdict):
    if age_s is not None:
        beat = timezone.now() - dt.timedelta(seconds=age_s)
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {ProcrastinateWorker._meta.db_table} (last_heartbeat) VALUES (%s)", [beat])

    found = doctor.worker()

    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("ages_s", "verdict", "said"),
    [
        ([], Verdict.OK, "no device is enrolled yet"),
        ([20, 90_000], Verdict.OK, "a device was heard"),
        ([90_000], Verdict.WARN, "no device was heard since"),
        ([None], Verdict.WARN, "no device was ever heard"),
    ],
    ids=["no device", "one speaks", "silent", "never heard"],
)
def test_ingest_is_judged_by_what_was_heard(ages_s, verdict, said):
    for n, age_s in enumerate(ages_s):
        heard = None if age_s is None else timezone.now() - dt.timedelta(seconds=age_s)
        Device.objects.create(slug=f"plug-{n}", last_seen_at=heard)

    found = doctor.ingest()

    assert found.verdict == verdict
    assert said in found.detail


def test_ingest_does_not_count_revoked_devices():
    Device.objects.create(slug="plug-1", last_seen_at=timezone.now(), revoked_at=timezone.now())

    assert doctor.ingest().detail == "no device is enrolled yet"


def test_disk_warns_below_what_is_wanted(monkeypatch):
    assert doctor.disk().verdict == Verdict.OK

    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)

    assert doctor.disk().verdict == Verdict.WARN


def test_disk_is_asked_for_a_folder_still_to_be_made(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "not" / "yet"

    assert doctor.disk().verdict == Verdict.OK


def test_clock_agrees_with_the_database():
    assert doctor.clock().verdict == Verdict.OK


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(dt.timedelta(seconds=10), Verdict.WARN), (dt.timedelta(days=-2000), Verdict.FAIL)],
    ids=["ten seconds off", "lost its battery"],
)
def test_clock_that_is_off_is_seen(time_machine, shift, verdict):
    time_machine.move_to(timezone.now() + shift)

    found = doctor.clock()

    assert found.verdict == verdict
    assert "timedatectl" in found.remedy


def test_clock_before_what_is_stored_is_a_failure():
    ahead = timezone.now() + dt.timedelta(hours=3)
    start = (ahead + dt.timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    reserve(machine=make_machine(), start=start, end=start + dt.timedelta(hours=1), holder=make_person(), now=ahead)

    found = doctor.clock()

    assert found.verdict == Verdict.FAIL
    assert "something was stored" in found.detail


def test_data_folder_is_ours_alone(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / "secrets.json").chmod(0o600)

    assert doctor.data_folder() == Finding("data folder", Verdict.OK, str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.json"]


def test_data_folder_whose_secrets_others_may_read_is_a_failure(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / "secrets.json").chmod(0o644)

    found = doctor.data_folder()

    assert (found.verdict, found.remedy) == (Verdict.FAIL, f"Run: chmod 600 {tmp_path / 'secrets.json'}")


def test_data_folder_that_cannot_be_written_is_a_failure(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "missing"

    assert doctor.data_folder().verdict == Verdict.FAIL


def test_examined_goes_on_after_a_part_that_cannot_be_asked():
    checks = [("disk", broken("no such device")), ("port", broken("not a port", ValueError)), ("well", doctor.versions)]

    found = doctor.examined(checks)

    assert [(f.check, f.verdict) for f in found] == [
        ("disk", Verdict.FAIL), ("port", Verdict.FAIL), ("versions", Verdict.OK),
    ]  # fmt: skip
    assert found[0].detail == "no such device"


def test_command_prints_a_line_for_each_check_and_fails_when_one_does(settings):
    settings.BROKER = {"host": "127.0.0.1", "port": 1, "username": "", "password": "", "is_tls": False}
    out = StringIO()

    with pytest.raises(SystemExit) as left:
        call_command("doctor", stdout=out)

    lines = out.getvalue().splitlines()
    assert left.value.code == 1
    assert len(lines) == len(doctor.CHECKS)
    assert [line for line in lines if line.startswith("FAIL broker")]


def test_command_says_the_same_as_json(settings):
    settings.BROKER = {"host": "127.0.0.1", "port": 1, "username": "", "password": "", "is_tls": False}
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", "--json", stdout=out)

    rows = json.loads(out.getvalue())
    assert [row["check"] for row in rows] == [name for name, _ in doctor.CHECKS]
    assert set(rows[0]) == {"check", "verdict", "detail", "remedy"}


@pytest.mark.serial
def test_command_without_a_database_reports_instead_of_raising(tmp_path):
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "FABLAB_DATA_DIR": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=django_settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL database" in done.stdout
    assert "ok   versions" in done.stdout
