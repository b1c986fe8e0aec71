import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot.agent.outbox import DATA_MOST_BYTES, Outbox, OutboxFull
from iot.protocol import Event, parse_numbered

AT = "2026-03-12T13:00:04.120Z"
BUSY = {"event": "busy", "reason": "", "job_id": ""}


def numbers(outbox: Outbox) -> list[tuple[str, int]]:
    return [(message.boot, message.seq) for message in outbox.pending()]


def test_outbox_numbers_each_boot_from_one(tmp_path: Path):
    first = Outbox(tmp_path / "outbox")
    first.add("event", BUSY, AT, 1.0)
    first.add("event", BUSY, AT, 2.0)
    first.close()

    second = Outbox(tmp_path / "outbox")
    seq = second.add("event", BUSY, AT, 0.5)

    assert seq == 1
    assert first.boot != second.boot
    assert numbers(second) == [(first.boot, 1), (first.boot, 2), (second.boot, 1)]
    assert second.waiting() == 3


def test_outbox_payload_is_the_protocols(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    outbox.add("event", BUSY | {"job_id": 'é"\\'}, AT, 12.5)

    [message] = outbox.pending()

    read = parse_numbered(message.leaf, message.payload())
    assert (read.boot, read.seq, read.at, read.uptime_s) == (outbox.boot, 1, AT, 12.5)
    assert read.data == Event(event="busy", job_id='é"\\')


def test_outbox_resend_is_the_same_bytes(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    outbox.add("event", BUSY, AT, 12.5)
    sent = outbox.pending()[0].payload()
    outbox.close()

    resent = Outbox(tmp_path / "outbox").pending()[0].payload()

    assert resent == sent


def test_outbox_survives_kill_9(tmp_path: Path):
    script = (
        "import os, sys; from pathlib import Path; from iot.agent.outbox import Outbox\n"
        "outbox = Outbox(Path(sys.argv[1]))\n"
        "while True:\n"
        "    seq = outbox.add('event', {'event': 'busy'}, '2026-03-12T13:00:04.120Z', 1.0)\n"
        "    os.write(1, f'{outbox.boot} {seq}\\n'.encode())\n"
    )
    project = Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-c", script, tmp_path / "outbox"], cwd=project, stdout=subprocess.PIPE)
    told = [child.stdout.readline() for _ in range(50)]

    child.send_signal(signal.SIGKILL)

    told += child.stdout.read().splitlines(keepends=True)
    child.wait()
    child.stdout.close()
    boot, last = next(line for line in reversed(told) if line.endswith(b"\n")).decode().split()
    kept = numbers(Outbox(tmp_path / "outbox"))
    # The one being written at the kill may be kept although it was not yet told.
    assert kept[: int(last)] == [(boot, seq) for seq in range(1, int(last) + 1)]
    assert len(kept) - int(last) in (0, 1)


def test_forget_drops_up_to_the_number_of_that_boot_only(tmp_path: Path):
    earlier = Outbox(tmp_path / "outbox")
    for _ in range(3):
        earlier.add("event", BUSY, AT, 1.0)
    earlier.close()
    outbox = Outbox(tmp_path / "outbox")
    for _ in range(3):
        outbox.add("event", BUSY, AT, 1.0)

    dropped = [outbox.forget(outbox.boot, 2), outbox.forget(outbox.boot, 2), outbox.forget("unknown", 9)]

    assert dropped == [2, 0, 0]
    assert numbers(outbox) == [(earlier.boot, 1), (earlier.boot, 2), (earlier.boot, 3), (outbox.boot, 3)]
    assert outbox.waiting() == 4


def test_outbox_full_refuses_without_using_a_number():
    outbox = Outbox(None, rows_most=2)
    outbox.add("event", BUSY, AT, 1.0)
    outbox.add("event", BUSY, AT, 1.0)
    with pytest.raises(OutboxFull):
        outbox.add("event", BUSY, AT, 1.0)
    outbox.forget(outbox.boot, 1)

    seq = outbox.add("event", BUSY, AT, 1.0)

    assert seq == 3


@pytest.mark.parametrize(
    "data", [{"reason": "x" * DATA_MOST_BYTES}, {"power_w": float("nan")}], ids=["too large", "not a number"]
)
def test_outbox_refuses_what_the_server_would_not_read(data: dict):
    outbox = Outbox(None)

    with pytest.raises(ValueError):
        outbox.add("reading", data, AT, 1.0)

    assert outbox.waiting() == 0


def test_outbox_is_readable_by_its_owner_only(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    outbox.add("access", {"request_id": "r", "credential": "04A2", "kind": "badge"}, AT, 1.0)

    modes = {stat.S_IMODE(os.stat(file).st_mode) for file in tmp_path.iterdir()}

    assert modes == {0o600}


def test_outbox_numbers_have_no_hole_under_threads(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    threads = [
        threading.Thread(target=lambda: [outbox.add("event", BUSY, AT, 1.0) for _ in range(25)]) for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [seq for _boot, seq in numbers(outbox)] == list(range(1, 101))


STEPS = st.lists(st.one_of(st.just("add"), st.integers(0, 12), st.tuples(st.integers(0, 9), st.integers(0, 9))))


@given(steps=STEPS)
def test_outbox_keeps_order_whatever_is_forgotten(steps: list):
    """`"add"` keeps one more, a number acknowledges up to it, a pair asks for what follows."""
    outbox = Outbox(None)
    made, forgotten = 0, 0

    for step in steps:
        if step == "add":
            made = outbox.add("reading", {"samples": [{"power_w": made}]}, AT, float(made))
        elif isinstance(step, int):
            outbox.forget(outbox.boot, step)
            forgotten = max(forgotten, min(step, made))
        else:
            after, limit = step
            expected = [seq for seq in range(1, made + 1) if seq > max(after, forgotten)][:limit]
            assert [message.seq for message in outbox.pending(after=after, limit=limit)] == expected

    assert [message.seq for message in outbox.pending()] == list(range(forgotten + 1, made + 1))
    assert [json.loads(message.data)["samples"][0]["power_w"] for message in outbox.pending()] == list(
        range(forgotten, made)
    )
    assert outbox.waiting() == made - forgotten
    outbox.close()
