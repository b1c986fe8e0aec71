"""The same as tests/printing/test_start_timeouts.py with another seed, and FABLAB_SOAK_STARTS draws (1,000)."""

import os
import time

import pytest

from tests.printing.start_world import World
from tests.printing.test_start_timeouts import play


@pytest.fixture
def files_and_printers(settings, tmp_path):
    settings.PRINTER_NETWORKS, settings.MEDIA_ROOT = ["127.0.0.0/8"], tmp_path / "files"


@pytest.mark.serial
@pytest.mark.django_db
@pytest.mark.usefixtures("files_and_printers")
def test_thousand_time_outs_around_the_start_never_start_twice(monkeypatch):
    rounds, seed = int(os.environ.get("FABLAB_SOAK_STARTS", "1000")), 6_000
    world, began_s = World(seed, monkeypatch), time.monotonic()

    try:
        ends = play(world, rounds)
    finally:
        world.stop()

    taken_s = time.monotonic() - began_s
    print(f"\n{rounds:,} starts in {taken_s:.0f} s, {len(world.starts)} of them began, none twice: {dict(ends)}")
    assert len(world.starts) == len(set(world.starts))
