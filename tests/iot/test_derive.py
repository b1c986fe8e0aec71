"""What holds for any stream of news from two devices of one machine."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iot import sessions
from iot.models import Reading, ReportedState, UsageSession
from machines.models import Machine
from tests.iot.builders import Talker, at, make_device, make_machine, store

pytestmark = pytest.mark.django_db

EVENTS = ["busy", "idle", "energised", "de_energised", "fault", "stop", "job", "button"]
WHO = st.integers(0, 1)
NEWS = st.one_of(
    st.tuples(st.just("power"), WHO, st.sampled_from([0, 30, 60, 2000])),
    st.tuples(st.just("energy"), WHO, st.integers(0, 50)),
    st.tuples(st.just("event"), WHO, st.sampled_from(EVENTS)),
    st.tuples(st.just("status"), WHO, st.sampled_from(["online", "offline"])),
    st.tuples(st.just("sweep"), WHO, st.just("")),
)
# A negative step: a message that was long under way.
STREAM = st.lists(st.tuples(st.sampled_from([-200, -15, 0, 1, 10, 30, 150, 400]), NEWS), max_size=25)


def play(talkers: list[Talker], stream: list[tuple[int, Any]]) -> None:
    """Each piece of news in a batch of its own, as much later than the one before as it says."""
    elapsed_s = 0
    for step_s, (kind, who, value) in stream:
        elapsed_s = max(0, elapsed_s + step_s)
        talker = talkers[who]
        if kind == "power":
            store(talker.power(value, elapsed_s))
        elif kind == "energy":
            store(talker.power(60, elapsed_s, energy_wh=value))
        elif kind == "event":
            store(talker.event(value, elapsed_s))
        elif kind == "status":
            store(talker.status(value, elapsed_s))
        else:
            sessions.sweep_lost_sessions(now=at(elapsed_s))
            sessions.sweep_silent_devices(now=at(elapsed_s))


def assert_sessions_are_sound(machine: Machine) -> None:
    rows = list(UsageSession.objects.filter(machine=machine).order_by("start", "pk"))
    assert sum(row.end is None for row in rows) <= 1
    for row in rows:
        assert row.start <= row.last_busy_at
        assert (row.end is None) == (row.stop_reason == "")
        assert row.end is None or row.last_busy_at <= row.end
        assert row.energy_wh is None or row.energy_wh >= 0
    for former, latter in pairwise(rows):
        assert former.end is not None
        assert former.end <= latter.start


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(STREAM)
def test_any_stream_leaves_sound_sessions(db: None, stream: list[tuple[int, Any]]) -> None:
    machine = make_machine(f"machine-{Machine.objects.count()}")
    talkers = [Talker(make_device(f"{machine.slug}-{n}", machine).slug) for n in (0, 1)]

    play(talkers, stream)

    assert_sessions_are_sound(machine)
    state = ReportedState.objects.filter(machine=machine).first()
    is_running = UsageSession.objects.filter(machine=machine, end=None).exists()
    assert is_running == (state is not None and state.state == "busy")
    told = sum(kind in ("power", "energy") for _, (kind, _, _) in stream)
    assert Reading.objects.filter(device__machine=machine, kind=1).count() == told


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(12)), st.integers(1, 12))
def test_any_order_of_delivery_derives_the_same(db: None, order: list[int], size: int) -> None:
    """With several consumers the messages of one device arrive in any order and in any batches."""
    machine = make_machine(f"machine-{Machine.objects.count()}")
    talker = Talker(make_device(machine.slug, machine).slug)
    watts = [5, 60, 60, 60, 5, 5, 5, 5, 5, 5, 60, 60]
    messages = [talker.power(watts[n], 12 * n) for n in range(12)]

    for begin in range(0, 12, size):
        store(*[messages[n] for n in order[begin : begin + size]], now=at(132))

    found = UsageSession.objects.filter(machine=machine).order_by("start").values_list("start", "end", "last_busy_at")
    assert list(found) == [(at(12), at(48), at(36)), (at(120), None, at(132))]
