"""`python -m tests.bench.ingest` measures ingest and prints rows for docs/performance.md; see `--help` for its size."""

import argparse
import os
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.ingest.lab import BenchLab

FULL_MEMORY = 1_000_000
LEAST_OF_PAHO, LEAST_READINGS, LEAST_OF_TWO, DECISION_MS, GROWTH_MOST = 0.9, 15_000, 1.7, 150, 1.1
# What is promised to be stored, twenty readings a message.
LOAD_MESSAGES_A_SECOND = LEAST_READINGS / 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="kept by the broker for each race, 90,000 at most")
    parser.add_argument("--memory", type=int, default=60_000, help="messages for the look at memory")
    parser.add_argument("--seconds", type=float, default=15, help="for which badges are presented under load")
    parser.add_argument("--full", action="store_true", help=f"{FULL_MEMORY:,} messages for the look at memory")
    parser.add_argument("--only", nargs="*", choices=["speed", "shared", "memory", "decisions"], help="these parts")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # This process itself keeps nothing; the lab that is measured has a folder of its own.
        os.environ |= {"DJANGO_SETTINGS_MODULE": "fablab.settings", "FABLAB_DATA_DIR": folder}
        import django

        django.setup()
        from tests.bench.ingest.lab import BenchLab

        lab = BenchLab()
        try:
            lab.open()
            measure(lab, asked)
        finally:
            lab.close()
    return 0


def measure(lab: "BenchLab", asked: argparse.Namespace) -> None:
    from tests.bench.ingest import cases

    wanted = asked.only or ["speed", "shared", "memory", "decisions"]
    print("| case | measured | promised |\n|---|---|---|")
    one = None
    if "speed" in wanted:
        one = _speed(lab, asked.messages)
    if "shared" in wanted:
        one = one or cases.consumers(lab, asked.messages, 1)
        two = cases.consumers(lab, asked.messages, 1, number=2)
        _row(f"two consumers, {one:,.0f} messages/s with one", f"{two:,.0f} messages/s: {two / one:.2f} ×",
             f"≥ {LEAST_OF_TWO} ×", two / one >= LEAST_OF_TWO)  # fmt: skip
    if "memory" in wanted:
        count = FULL_MEMORY if asked.full else asked.memory
        held = cases.memory(lab, count)
        _row(f"memory over {count:,} messages, after the first {cases.ROUND:,} / most / last",
             f"{held.first_mb:.0f} / {held.most_mb:.0f} / {held.last_mb:.0f} MB", "flat",
             held.most_mb <= GROWTH_MOST * held.first_mb)  # fmt: skip
    if "decisions" in wanted:
        found = cases.decisions(lab, asked.seconds, messages_a_second=LOAD_MESSAGES_A_SECOND, samples=20)
        _row(
            f"badge → answer over the broker, {found.readings_a_second:,.0f} readings/s beside it, "
            f"{found.answered} of {found.asked} answered",
            f"median {found.median_ms:.0f} ms, p95 {found.p95_ms:.0f} ms (deciding {found.deciding_p95_ms:.0f} ms), "
            f"most {found.most_ms:.0f} ms",
            f"p95 ≤ {DECISION_MS} ms", found.answered == found.asked and found.p95_ms <= DECISION_MS,
        )  # fmt: skip
    print(f"\nLoad of the machine at the end: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores.")


def _speed(lab: "BenchLab", count: int) -> float:
    """One consumer beside paho alone, with one reading a message and with twenty; what one stores of the former."""
    from tests.bench.ingest import cases

    sent, stored = cases.paho_to_paho(lab, count), cases.paho_to_consumer(lab, count)
    _row(f"from a paho that sends to one consumer; to paho alone {sent:,.0f} messages/s",
         f"{stored:,.0f} messages/s: {stored / sent:.0%}", f"≥ {LEAST_OF_PAHO:.0%}",
         stored >= LEAST_OF_PAHO * sent)  # fmt: skip
    first = 0.0
    for samples in (1, 20):
        alone = cases.paho_alone(lab, count, samples)
        one = cases.consumers(lab, count, samples)
        first = first or one
        _row(f"a full broker emptied by one consumer, {samples} a message; by paho alone {alone:,.0f} messages/s",
             f"{one:,.0f} messages/s: {one / alone:.0%}", f"≥ {LEAST_OF_PAHO:.0%}",
             one >= LEAST_OF_PAHO * alone)  # fmt: skip
        if samples > 1:
            _row(f"readings stored, {samples} a message", f"{one * samples:,.0f} readings/s", f"≥ {LEAST_READINGS:,}",
                 one * samples >= LEAST_READINGS)  # fmt: skip
    return first


def _row(case: str, measured: str, promised: str, is_kept: bool) -> None:
    print(f"| {case} | {measured} | {promised}: {'kept' if is_kept else 'MISSED'} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
