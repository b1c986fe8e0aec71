"""More comes than can be stored: the broker holds the rest, the team sees it, and a badge is answered all the same.

What stores is held up by a lock on the plug's row, so that nothing here depends on how fast this computer is.
"""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone
from django.utils.formats import number_format

from iot.ingest.consumer import BATCH_MOST, QUEUE_MOST
from iot.ingest.figures import MeasuredIngest
from iot.ingest_health import BEHIND_AFTER_S
from iot.models import AccessAttempt, InboxMessage
from machines.models import Machine
from tests.api.web import url_of_test_database
from tests.bench.ingest.wire import Payloads, Sender, interleaved
from tests.contract.running_broker import PASSWORD, Client, RunningBroker, wait_until
from tests.fablab.settings_pages import manager_of, signed_in, words_of
from tests.factories import make_machine, make_site
from tests.iot.builders import iso, make_device
from tests.iot.readers import NUMBER, with_badge
from tests.iot.running_ingest import broker_for, ingest_at

pytestmark = [
    pytest.mark.serial,
    pytest.mark.usefixtures("in_english"),
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

# More than one batch in hand and a full queue behind it.
TOO_MANY = BATCH_MOST + QUEUE_MOST + 500
KEY = "a secret of this test, long enough"
BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def laser() -> Machine:
    """With a badge reader; a plug beside it reports for another machine of the same site."""
    machine = make_machine(site=make_site(name="Riverside"))
    make_device("reader-1", machine, is_online=True, last_seen_at=timezone.now())
    make_device("plug-1", make_machine(site=machine.site))
    return machine


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    with broker_for("reader-1", monkeypatch, "plug-1") as running:
        yield running


@pytest.fixture
def ingest(
    broker: RunningBroker, laser: Machine, monkeypatch: pytest.MonkeyPatch, settings: LazySettings, tmp_path: Path
) -> Iterator[MeasuredIngest]:
    """It writes its figures where the pages of this process read them."""
    settings.DATA_DIR = tmp_path
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("FABLAB_METRICS_KEY", KEY)
    with ingest_at(broker, monkeypatch, MeasuredIngest) as running:
        running.measure_into(tmp_path / "run", "1")
        yield running


@contextmanager
def plug_held_up() -> Iterator[None]:
    """Whatever the plug says cannot be stored, nor what comes in one batch with it or behind it."""
    with psycopg.connect(url_of_test_database()) as holder:
        holder.execute("SELECT 1 FROM iot_device WHERE slug = 'plug-1' FOR NO KEY UPDATE")
        yield


def report(broker: RunningBroker, count: int) -> None:
    """So many messages of the plug; returns once the broker has them."""
    sender = Sender(broker.port, "plug-1", PASSWORD)
    sender.send(interleaved(["plug-1"], Payloads("boot-1", iso(timezone.now()), samples=1), count))
    sender.close()


def stored() -> int:
    return InboxMessage.objects.filter(device__slug="plug-1").count()


def is_blocked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED)
        return bool(cursor.fetchone()[0])


def figure(name: str) -> float:
    """As Prometheus reads it."""
    told = Browser().get("/metrics", headers={"authorization": f"Bearer {KEY}"}).content.decode()
    return float(next(line.split()[1] for line in told.splitlines() if line.startswith(f'{name}{{consumer="1"}} ')))


def test_back_pressure_is_a_figure_and_stands_on_the_teams_page(
    ingest: MeasuredIngest, broker: RunningBroker, laser: Machine
) -> None:
    team = signed_in(manager_of(laser.site))
    with plug_held_up():
        report(broker, TOO_MANY)
        assert wait_until(lambda: ingest.waiting.qsize() == QUEUE_MOST, 30)
        ingest._write()
        full, limit = figure("fablab_ingest_queue_messages"), figure("fablab_ingest_queue_limit_messages")
        page, before = words_of(team.get("/manage/devices/")), stored()
    assert wait_until(lambda: stored() == TOO_MANY, 60)
    ingest._write()

    # No more are taken than the limit says: the others stay with the broker, and none is lost.
    assert (before, full, limit) == (0, QUEUE_MOST, QUEUE_MOST)
    assert f"Behind 0 messages a second are stored, and more come than that: {QUEUE_MOST} wait" in page
    assert figure("fablab_ingest_queue_messages") == 0
    assert "Behind" not in words_of(team.get("/manage/devices/"))


def test_lag_is_how_long_a_message_waited_and_stands_on_the_teams_page(
    ingest: MeasuredIngest, broker: RunningBroker, laser: Machine
) -> None:
    with plug_held_up():
        report(broker, 1)
        assert wait_until(is_blocked)
        freed_at = timezone.now()
    assert wait_until(lambda: ingest.figures.messages == 1)
    waited_s = (freed_at - InboxMessage.objects.get().received_at).total_seconds()
    ingest._write()

    page = words_of(signed_in(manager_of(laser.site)).get("/manage/devices/"))

    lag_s = figure("fablab_ingest_lag_seconds")
    assert 0 < waited_s <= lag_s
    assert f"{number_format(lag_s, 1)} s after they came." in page


def test_lag_is_told_while_nothing_can_be_stored(ingest: MeasuredIngest, broker: RunningBroker, laser: Machine) -> None:
    half_a_minute = dt.timedelta(seconds=BEHIND_AFTER_S + 1)
    ingest.clock = lambda: timezone.now() - half_a_minute
    with plug_held_up():
        report(broker, 1)
        assert wait_until(is_blocked)
        report(broker, 2)
        assert wait_until(lambda: ingest.waiting.qsize() == 2)
        ingest.clock = timezone.now
        ingest._write()

        lag_s = figure("fablab_ingest_lag_seconds")
        page = words_of(signed_in(manager_of(laser.site)).get("/manage/devices/"))

        assert (stored(), lag_s > BEHIND_AFTER_S) == (0, True)
        assert f"and more come than that: 2 wait, the last ones for {number_format(lag_s, 1)} s." in page


def test_badge_is_answered_while_the_queue_is_full_of_readings(ingest: MeasuredIngest, broker: RunningBroker) -> None:
    camille = with_badge()
    reader = Client(broker, "reader-1").open().listen("fablab/v1/reader-1/down/decision")
    said = {
        "v": 1, "boot": "boot-1", "seq": 1, "at": iso(timezone.now()), "uptime_s": 5,
        "data": {"request_id": "r-1", "credential": NUMBER},
    }  # fmt: skip

    with plug_held_up():
        report(broker, TOO_MANY)
        assert wait_until(lambda: ingest.waiting.qsize() == QUEUE_MOST, 30)
        reader.say("fablab/v1/reader-1/up/access", json.dumps(said).encode())
        assert wait_until(reader.payloads)
        attempt, before, waiting = AccessAttempt.objects.get(), InboxMessage.objects.count(), ingest.waiting.qsize()
    assert wait_until(lambda: InboxMessage.objects.count() == TOO_MANY + 1, 60)
    reader.close()

    assert (before, waiting) == (0, QUEUE_MOST)
    assert (attempt.person, attempt.is_allowed) == (camille, True)
    # What was asked is stored behind the readings, and is not decided a second time.
    assert [json.loads(payload)["is_allowed"] for payload in reader.payloads()] == [True]
    assert AccessAttempt.objects.count() == 1
