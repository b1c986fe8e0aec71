"""kill -9 of consumer, database and broker loses nothing and doubles nothing."""

import pytest

from tests.conftest import require_program
from tests.iot.killed_lab import run_and_compare


@pytest.mark.serial
def test_twenty_devices_lose_and_double_nothing_when_each_part_is_killed() -> None:
    require_program("mosquitto")

    lab = run_and_compare(pairs=10, cycles=1, every_s=0.15, before_s=0.3, down_s=0.5)

    assert sum(agent.counts.refused for agent in lab.agents) == 0
    assert sum(agent.counts.messages for agent in lab.agents) > 500
