"""Every part of the lab fails in turn while machines report, a half of them with a wrong clock; nothing is lost.

Twice half a minute of faults: few machines that are used again and again, then two hundred at the pace of a lab. Ten
minutes of it, of any seed: tests/bench/test_chaos_full.py.
"""

import resource
from collections.abc import Iterator

import pytest

from tests.conftest import require_program
from tests.iot.chaos_lab import KINDS, Plan, faults_of, run
from tests.iot.chaos_players import Pace

OFTEN = Plan(
    devices=40, seed=43, faults=12, calm_s=(0.5, 1.5), broken_s=(1.0, 2.5), pace=Pace(every_s=0.4, phase_s=(3.0, 9.0))
)
MANY = Plan(
    devices=200, seed=52, faults=12, calm_s=(0.5, 1.5), broken_s=(1.0, 2.5), pace=Pace(every_s=2.0, phase_s=(6.0, 14.0))
)
PLANS = {"forty machines used often": OFTEN, "two hundred machines": MANY}


@pytest.fixture
def many_files() -> Iterator[None]:
    """Each device has an outbox of three files, two lines and what wakes it: more than the usual 1,024."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_chaos_has_every_kind_of_fault_for_half_a_minute_and_is_the_same_again(plan: Plan) -> None:
    faults = faults_of(plan)

    assert {kind for fault in faults for kind in fault.kinds} == set(KINDS)
    assert sum(fault.after_s + fault.for_s for fault in faults) >= 30
    assert faults == faults_of(plan)


def test_chaoses_are_not_the_same() -> None:
    assert [fault.kinds for fault in faults_of(OFTEN)] != [fault.kinds for fault in faults_of(MANY)]


@pytest.mark.serial
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_machines_are_told_right_whatever_fails(plan: Plan) -> None:
    require_program("mosquitto")

    print(run(plan, within_s=120))
