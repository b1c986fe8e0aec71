"""docs/device-kit.md keeps its word: its worked example is run as it stands, its mistakes are set aside as it says."""

import datetime as dt
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from django.utils import timezone

from iot.device_check import Mark, check_device
from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import store_batch
from iot.models import QuarantinedMessage, ReportedState
from iot.partitions import ensure_partitions
from machines.models import Machine
from tests.iot.builders import envelope, make_device

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "device-kit.md").read_text()
# In the place of the program: a topic, a tab and the payload on each line.
FAKE_PUB = """#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in -t) topic=$2 ;; -m) payload=$2 ;; esac
  shift
done
printf '%s\\t%s\\n' "$topic" "$payload" >> "$SAID"
"""


def between(begin: str, end: str) -> str:
    return PAGE.partition(f"<!-- {begin}")[2].partition(f"<!-- {end}")[0]


@pytest.fixture
def said(tmp_path: Path) -> list[RawMessage]:
    """What the worked example publishes."""
    program, lines = tmp_path / "mosquitto_pub", tmp_path / "said"
    program.write_text(FAKE_PUB)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = re.findall(r"```sh\n(.*?)```", between("the example", "end of the example"), re.DOTALL)[0]
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(lines), "PASSWORD": "secret"}
    subprocess.run(["sh", "-eu"], input=script, env=env, text=True, check=True, timeout=20)
    now = timezone.now()
    pairs = [line.split("\t") for line in lines.read_text().splitlines()]
    return [RawMessage(topic, payload.encode(), now) for topic, payload in pairs]


@pytest.mark.django_db
def test_worked_example_is_a_device_that_does_it_right(said: list[RawMessage], machine: Machine) -> None:
    ensure_partitions(timezone.now())
    device = make_device("kit-1", machine, password_hash="$7$")

    acks = store_batch(said, Directory(), now=timezone.now())

    device.refresh_from_db()
    points = check_device(device, now=timezone.now(), span=dt.timedelta(minutes=15))
    assert {point.name for point in points if point.mark == Mark.WRONG} == set()
    assert [raw.topic.rpartition("/")[2] for raw in said] == [
        "status", "hello", "reading", "event", "access", "ack", "event",
    ]  # fmt: skip
    assert [(ack.device_slug, ack.seq) for ack in acks] == [("kit-1", 6)]
    assert (device.firmware, ReportedState.objects.get().state) == ("kit 1", "idle")
    assert not QuarantinedMessage.objects.exists()


def test_table_of_what_came_back_names_every_message_of_the_example() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|", PAGE.partition("What comes back")[2].partition("An order for")[0], re.MULTILINE
    )

    assert rows == ["status", "hello", "reading", "event", "access", "ack"]


MISTAKES = [
    [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in between("the mistakes", "end of the mistakes").splitlines()
    if line.startswith("| `")
]


@pytest.mark.django_db
@pytest.mark.parametrize(("leaf", "data", "code", "detail"), MISTAKES, ids=[row[1] for row in MISTAKES])
def test_mistake_is_set_aside_as_the_page_says(leaf: str, data: str, code: str, detail: str, machine: Machine) -> None:
    device = make_device("kit-1", machine)
    payload = envelope("DATA").replace(b'"DATA"', data.strip("`").encode())

    store_batch([RawMessage(f"fablab/v1/kit-1/up/{leaf.strip('`')}", payload, timezone.now())], Directory(),
                now=timezone.now())  # fmt: skip

    found = QuarantinedMessage.objects.get()
    assert (found.device, found.code) == (device, code.strip("`"))
    assert found.detail.startswith(detail)
