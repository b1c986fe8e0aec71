"""Figures for Prometheus, and whether ingest keeps up."""

import datetime as dt
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from fablab.doctor import Verdict, ingest
from fablab.troubles import Facts, troubles_of
from fablab.views.metrics import Metric, as_text
from iot.ingest.figures import Figures, MeasuredIngest, figures_file, read_figures
from iot.ingest.raw import RawMessage
from iot.ingest_health import ingest_health
from iot.models import AccessAttempt, QuarantinedMessage
from tests.iot.builders import make_device, make_machine

KEY = "a secret of this test, long enough"
LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9.e+-]+')


@pytest.fixture
def run(settings: LazySettings, tmp_path: Path) -> Path:
    """Where the consumers write."""
    settings.DATA_DIR = tmp_path
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def wrote(run: Path, name: str = "1", ago_s: float = 2.0, **fields: Any) -> Figures:
    at = timezone.now().timestamp()
    told = Figures(name, 42, at - 100, written_at=at - ago_s, **fields)
    figures_file(run, name).write_text(json.dumps(asdict(told)))
    return told


def read(key: str = KEY) -> Any:
    return Client().get("/metrics", headers={"authorization": f"Bearer {key}"})


@pytest.mark.parametrize(
    ("key", "said", "status"),
    [("", "", 404), ("", "x", 404), (KEY, "", 403), (KEY, "x", 403), (KEY, KEY, 200)],
    ids=["off", "off and asked", "no key", "wrong key", "right key"],
)
@pytest.mark.django_db
def test_figures_are_for_who_knows_the_key(
    monkeypatch: pytest.MonkeyPatch, run: Path, key: str, said: str, status: int
) -> None:
    monkeypatch.setenv("FABLAB_METRICS_KEY", key)

    assert read(said).status_code == status


@pytest.mark.django_db
def test_figures_say_how_it_goes(
    monkeypatch: pytest.MonkeyPatch, run: Path, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setenv("FABLAB_METRICS_KEY", KEY)
    now = timezone.now()
    wrote(run, "1", messages=700, batches=3, storing_s=1.25, queue=12, last_lag_s=0.5, is_connected=True)
    wrote(run, "2", ago_s=60)
    device = make_device("laser-1", make_machine(), is_online=True, last_seen_at=now)
    make_device("silent", is_online=False, last_seen_at=now)
    make_device("new")
    for n, is_allowed in enumerate([True, True, False]):
        AccessAttempt.objects.create(
            device=device, request_id=str(n), kind="badge", at=now, is_allowed=is_allowed, took_ms=20.0 + n
        )
    QuarantinedMessage.objects.create(topic="x", payload=b"x", size_bytes=1, code="not_json", received_at=now)

    with django_assert_max_num_queries(8):
        response = read()

    lines = response.content.decode().splitlines()
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert {
        'fablab_ingest_up{consumer="1"} 1',
        'fablab_ingest_up{consumer="2"} 0',
        'fablab_ingest_messages_total{consumer="1"} 700',
        'fablab_ingest_storing_seconds_total{consumer="1"} 1.25',
        'fablab_ingest_queue_messages{consumer="1"} 12',
        'fablab_ingest_lag_seconds{consumer="1"} 0.5',
        'fablab_quarantined_messages{reason="not_json"} 1',
        'fablab_devices{state="online"} 1',
        'fablab_devices{state="silent"} 1',
        'fablab_devices{state="never_heard"} 1',
        'fablab_access_decisions_last_hour{answer="allowed"} 2',
        'fablab_access_decisions_last_hour{answer="denied"} 1',
        'fablab_access_decision_seconds{quantile="0.5"} 0.021',
        "fablab_orders_waiting 0",
        "fablab_worker_up 0",
    } <= set(lines)
    assert [line for line in lines if not line.startswith("# ") and not LINE.fullmatch(line)] == []
    helped = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(helped) == len(set(helped))


def test_label_with_quotes_and_lines_is_escaped() -> None:
    metric = Metric("m", "gauge", "h", (({"reason": 'a"b\\c\nd'}, 0.1 + 0.2), ({"reason": "unknown"}, None)))

    assert as_text([metric]) == '# HELP m h\n# TYPE m gauge\nm{reason="a\\"b\\\\c\\nd"} 0.30000000000000004\n'


@pytest.mark.parametrize(
    ("fields", "is_behind"),
    [
        ({}, False),
        ({"last_lag_s": 40.0}, False),
        ({"last_lag_s": 40.0, "queue": 5}, True),
        ({"queue": 3600}, True),
        ({"queue": 3599}, False),
    ],
    ids=["at rest", "was behind", "is behind", "queue full", "queue not full"],
)
def test_falling_behind_is_seen(run: Path, fields: dict[str, Any], is_behind: bool) -> None:
    wrote(run, **fields)

    assert ingest_health(timezone.now()).is_behind == is_behind


@pytest.mark.parametrize(
    ("ago_s", "sentence"),
    [
        (None, ""),
        (90, "Messages of the devices are taken by nobody just now."),
        (1, "12 messages a second are stored, 0.5 s after they came."),
    ],
    ids=["elsewhere", "gone", "well"],
)
def test_sentence_says_how_it_goes(run: Path, ago_s: float | None, sentence: str) -> None:
    if ago_s is not None:
        wrote(run, ago_s=ago_s, messages_a_second=12.2, last_lag_s=0.5)

    with override("en"):
        assert ingest_health(timezone.now()).sentence == sentence


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"name": "1"}', '{"surprise": 1}', "x" * 20_000])
def test_file_that_is_none_of_ours_is_passed_over(run: Path, text: str) -> None:
    (run / "ingest-1.json").write_text(text)

    assert read_figures(run) == []


@pytest.mark.parametrize("name", ["../../etc/x", "", "a b", "."])
def test_name_of_a_consumer_leads_nowhere_else(run: Path, name: str) -> None:
    assert figures_file(run, name).parent == run


@pytest.mark.django_db
def test_consumer_writes_what_it_stores(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot.ingest.figures.WRITTEN_EVERY_S", 0.02)
    ingest = MeasuredIngest(client_id="test", clock=timezone.now)
    ingest.measure_into(run, "7")
    received_at = timezone.now() - dt.timedelta(seconds=3)

    ingest._stored([RawMessage("fablab/v1/nobody/up/event", b"{}", received_at)] * 4)
    ingest._write()
    [told] = read_figures(run)
    ingest.stop()
    ingest._writer.join(5)

    assert (told.name, told.messages, told.batches, told.is_connected) == ("7", 4, 1, False)
    assert 3 <= told.last_lag_s < 10
    assert told.is_fresh(timezone.now())
    assert read_figures(run) == []


@pytest.mark.django_db
def test_doctor_and_overview_say_when_ingest_is_behind(run: Path) -> None:
    make_device(last_seen_at=timezone.now())
    well = ingest()
    wrote(run, last_lag_s=45.0, queue=4000)

    finding = ingest()
    with override("en"):
        troubles = troubles_of(Facts(ingest=ingest_health(timezone.now())), timezone.now())

    assert (well.verdict, finding.verdict) == (Verdict.OK, Verdict.WARN)
    assert "4000" in finding.detail
    assert [trouble.code for trouble in troubles] == ["ingest"]
