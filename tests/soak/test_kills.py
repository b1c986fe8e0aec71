"""The same as tests/iot/test_kills.py for longer: FABLAB_SOAK_CYCLES rounds of kills (10 unless set)."""

import os

import pytest

from tests.conftest import require_program
from tests.iot.killed_lab import run_and_compare


@pytest.mark.serial
def test_fifty_devices_lose_and_double_nothing_over_many_kills() -> None:
    require_program("mosquitto")
    cycles = int(os.environ.get("FABLAB_SOAK_CYCLES", "10"))

    lab = run_and_compare(pairs=25, cycles=cycles, every_s=0.2, before_s=1.0, down_s=2.0)

    messages = sum(agent.counts.messages for agent in lab.agents)
    print(f"\n{cycles} rounds, {3 * cycles} kills, {len(lab.agents)} devices: {messages:,} messages, each stored once")
    assert sum(agent.counts.refused for agent in lab.agents) == 0
