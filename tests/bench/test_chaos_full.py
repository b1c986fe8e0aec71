"""The chaos of tests/iot/test_chaos.py at its full size: 200 devices, 10 minutes, 50 faults.

FABLAB_CHAOS_SEED repeats one that is printed; FABLAB_CHAOS_DEVICES and FABLAB_CHAOS_FAULTS make it smaller.
"""

import os
import resource
import secrets

import pytest

from tests.conftest import require_program
from tests.iot.chaos_lab import Plan, run
from tests.iot.chaos_players import Pace

# 50 times 4 to 8 s of calm and 2 to 10 s of trouble.
CALM_S, BROKEN_S = (4.0, 8.0), (2.0, 10.0)


@pytest.mark.serial
def test_two_hundred_machines_are_told_right_over_fifty_faults() -> None:
    require_program("mosquitto")
    # Each device has an outbox of three files, two lines and what wakes it: more than the usual 1,024.
    _least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = Plan(
        devices=int(os.environ.get("FABLAB_CHAOS_DEVICES", "200")),
        seed=int(os.environ.get("FABLAB_CHAOS_SEED", secrets.randbelow(1_000_000))),
        faults=int(os.environ.get("FABLAB_CHAOS_FAULTS", "50")),
        calm_s=CALM_S,
        broken_s=BROKEN_S,
        pace=Pace(every_s=2.0, phase_s=(8.0, 40.0)),
    )
    print(f"\nFABLAB_CHAOS_SEED={plan.seed}")

    print(run(plan, within_s=300))
