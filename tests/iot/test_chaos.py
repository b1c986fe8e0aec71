"""Every part of the lab fails in turn while 40 machines report, a half of them with a wrong clock; nothing is lost."""

import pytest

from tests.conftest import require_program
from tests.iot.chaos_lab import KINDS, Plan, faults_of, run
from tests.iot.chaos_players import Pace

PLAN = Plan(
    devices=40, seed=43, faults=10, calm_s=(0.5, 1.5), broken_s=(1.0, 2.5), pace=Pace(every_s=0.4, phase_s=(3.0, 9.0))
)


def test_chaos_has_every_kind_of_fault_and_is_the_same_again() -> None:
    faults = faults_of(PLAN)

    assert {kind for fault in faults for kind in fault.kinds} == set(KINDS)
    assert faults == faults_of(PLAN)


@pytest.mark.serial
def test_forty_machines_are_told_right_whatever_fails() -> None:
    require_program("mosquitto")

    print(run(PLAN, within_s=90))
