"""Ingest at a small size, as processes of its own: prints the rows, and holds it to storing everything.

Speed depends on the machine and on what else it does: it is printed, not asserted.
"""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, require_program

pytestmark = pytest.mark.serial

SMALL = ["--messages", "3000", "--memory", "40000", "--seconds", "6"]


def test_ingest_stores_all_that_a_full_broker_holds() -> None:
    require_program("mosquitto")

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.ingest", *SMALL],
        cwd=ROOT, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip

    print(f"\n{done.stdout}{done.stderr}")
    assert done.returncode == 0
    assert done.stdout.count("\n| ") == 7
    assert "flat: kept" in done.stdout
