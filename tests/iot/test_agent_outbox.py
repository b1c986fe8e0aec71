import contextlib
import json
import os
import resource
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
from iot.protocol import Event, Numbered, parse_numbered

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


def reading(samples: int) -> dict:
    return {"samples": [{"age_ms": 1000 * (samples - number), "power_w": 100.5 + number} for number in range(samples)]}


def test_outbox_full_refuses_readings_without_using_a_number_and_keeps_events():
    outbox = Outbox(None, rows_most=2)
    outbox.add("reading", reading(1), AT, 1.0)
    outbox.add("reading", reading(1), AT, 1.0)
    with pytest.raises(OutboxFull):
        outbox.add("reading", reading(1), AT, 1.0)

    event = outbox.add("event", BUSY, AT, 1.0)
    outbox.forget(outbox.boot, 2)

    assert event == 3
    assert outbox.add("reading", reading(1), AT, 1.0) == 4


def test_outbox_thins_its_oldest_readings_and_nothing_else():
    outbox = Outbox(None, bytes_most=40_000)
    for number in range(100):
        outbox.add("event", BUSY | {"job_id": str(number)}, AT, float(number))
        outbox.add("reading", reading(20), AT, float(number))

    waiting = outbox.pending()

    samples = [len(json.loads(message.data)["samples"]) for message in waiting if message.leaf == "reading"]
    assert [message.seq for message in waiting] == list(range(1, 201)), "no hole"
    assert [json.loads(m.data)["job_id"] for m in waiting if m.leaf == "event"] == [
        str(number) for number in range(100)
    ]
    assert sum(len(message.data) for message in waiting) <= 40_000
    assert (samples[0], samples[-1]) == (1, 20)
    assert outbox.thinned > 0
    assert {type(parse_numbered(message.leaf, message.payload())) for message in waiting} == {Numbered}


def test_outbox_keeps_the_newest_sample_of_what_it_thins():
    outbox = Outbox(None, bytes_most=4_000)
    for _ in range(6):
        outbox.add("reading", reading(20), AT, 1.0)

    oldest = json.loads(outbox.pending()[0].data)

    assert oldest == {"samples": [{"age_ms": 1000, "power_w": 119.5}]}


def test_outbox_thins_to_nothing_before_it_refuses():
    outbox = Outbox(None, bytes_most=3_000)

    added = 0
    with contextlib.suppress(OutboxFull):
        for _ in range(1_000):
            added = outbox.add("reading", reading(1), AT, 1.0)

    waiting = outbox.pending()
    assert json.loads(waiting[0].data) == {"samples": [{"age_ms": 0}]}
    assert added == len(waiting) < 1_000
    assert outbox.add("event", BUSY, AT, 1.0) == added + 1


def full_disk(database) -> None:
    """No page more than there are: SQLite then says that the disk is full."""
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")


def test_outbox_on_a_full_disk_refuses_and_goes_on(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    outbox.add("event", BUSY, AT, 1.0)
    full_disk(outbox._database)

    with pytest.raises(OutboxFull, match="full"):
        outbox.add("event", BUSY | {"reason": "x" * 50_000}, AT, 1.0)

    assert outbox.forget(outbox.boot, 1) == 1
    assert outbox.add("event", BUSY, AT, 1.0) == 2


def test_outbox_on_a_card_that_went_read_only_forgets_once_it_can(caplog: pytest.LogCaptureFixture):
    """The lab acknowledges again what is sent again; an agent that ended here would drop its relay."""
    outbox = Outbox(None)
    outbox.add("event", BUSY, AT, 1.0)
    outbox._database.execute("PRAGMA query_only = ON")

    dropped = [outbox.forget(outbox.boot, 1) for _ in range(3)]
    waiting, said = outbox.waiting(), len(caplog.records)
    outbox._database.execute("PRAGMA query_only = OFF")

    assert (dropped, waiting, said) == ([0, 0, 0], 1, 1)
    assert (outbox.forget(outbox.boot, 1), outbox.waiting()) == (1, 0)


def test_agent_does_not_start_on_a_disk_that_takes_nothing_and_says_so(tmp_path: Path):
    (tmp_path / "password").write_text("p")
    (tmp_path / "agent.toml").write_text("device = 'laser'\nhost = '127.0.0.1'\n")

    done = subprocess.run(
        [sys.executable, "-m", "iot.agent", "--config", tmp_path / "agent.toml"],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )  # fmt: skip

    assert done.returncode == 1
    assert f"{tmp_path / 'state.sqlite3'} cannot be written: " in done.stderr
    assert "is the disk full, or has it become read-only" in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_outbox_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "outbox").write_bytes(b"no database" * 1000)

    outbox = Outbox(tmp_path / "outbox")

    assert outbox.add("event", BUSY, AT, 1.0) == 1
    assert "set aside" in caplog.text
    [aside] = tmp_path.glob("outbox.damaged-*")
    assert aside.read_bytes().startswith(b"no database")


def test_outbox_knows_its_size_after_a_restart(tmp_path: Path):
    first = Outbox(tmp_path / "outbox", bytes_most=5_000)
    for _ in range(4):
        first.add("reading", reading(20), AT, 1.0)
    first.close()
    again = Outbox(tmp_path / "outbox", bytes_most=5_000)

    for _ in range(10):
        again.add("reading", reading(20), AT, 1.0)

    assert sum(len(message.data) for message in again.pending()) <= 5_000
    again.forget(first.boot, 99)
    again.forget(again.boot, 99)
    assert again._bytes == 0


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
