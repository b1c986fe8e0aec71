"""Ingest at a small size, as processes of its own: prints the rows, and holds it to storing everything and to what is
promised. On a machine that does much else it may miss that: the rows say by how much.
"""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, require_program

pytestmark = pytest.mark.serial

SMALL = ["--messages", "3000", "--memory", "40000", "--seconds", "6"]


def test_ingest_stores_all_of_it_and_keeps_what_is_promised() -> None:
    require_program("mosquitto")

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.ingest", *SMALL],
        cwd=ROOT, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip

    print(f"\n{done.stdout}{done.stderr}")
    table, _, verdicts = done.stdout.partition("Promised in ")
    # Seven cases, and five paces below a head of their own.
    assert table.count("\n| ") == 7 + 1 + 5
    assert [line.rpartition(": ")[2] for line in verdicts.splitlines() if line.startswith("- ")] == ["kept"] * 7
    assert done.returncode == 0
