"""A device's clock may be anything: how long its machine was used is right all the same."""

import datetime as dt

import pytest

from iot.ingest.raw import RawMessage
from iot.models import DeviceBoot, UsageSession
from tests.iot.builders import Talker, at, iso, make_device, make_machine, store

pytestmark = pytest.mark.django_db

BUSY_S, IDLE_S = 40.0, 340.0
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def shown(clock: str, at_s: float) -> str:
    """What the device's clock shows `at_s` after NOW; one that steps does so between the two events."""
    has_stepped = at_s > (BUSY_S + IDLE_S) / 2
    off_by = {
        "three days ahead": dt.timedelta(days=3),
        "three days behind": dt.timedelta(days=-3),
        "none": EPOCH - at(0),
        "steps back": dt.timedelta(hours=-2) if has_stepped else dt.timedelta(0),
        "set at last": dt.timedelta(0) if has_stepped else EPOCH - at(0),
    }[clock]
    return iso(at(at_s) + off_by)


def said(talker: Talker, clock: str, event: str, at_s: float) -> RawMessage:
    return talker.say("event", {"event": event}, at_s, at=shown(clock, at_s))


@pytest.fixture
def talker() -> Talker:
    return Talker(make_device(machine=make_machine()).slug)


CLOCKS = ["three days ahead", "three days behind", "none", "steps back", "set at last"]


@pytest.mark.parametrize("clock", CLOCKS)
def test_use_has_its_true_bounds_as_it_happens(talker: Talker, clock: str) -> None:
    store(talker.status("online", 1))
    store(said(talker, clock, "busy", BUSY_S))
    store(said(talker, clock, "idle", IDLE_S))

    session = UsageSession.objects.get()

    assert (session.start, session.end) == (at(BUSY_S), at(IDLE_S))


@pytest.mark.parametrize("clock", CLOCKS)
def test_use_has_its_true_bounds_when_it_is_told_an_hour_later(talker: Talker, clock: str) -> None:
    """Both events waited in the outbox; the sign of life goes first, as `fablab-agent` sends it."""
    waited = [said(talker, clock, event, at_s) for event, at_s in (("busy", BUSY_S), ("idle", IDLE_S))]
    late = [RawMessage(raw.topic, raw.payload, at(3600)) for raw in waited]

    store(talker.status("online", 3600), *late)

    session = UsageSession.objects.get()
    assert (session.start, session.end) == (at(BUSY_S), at(IDLE_S))


@pytest.mark.parametrize("clock", ["three days ahead", "three days behind", "none"])
def test_use_of_an_earlier_run_has_its_true_length(talker: Talker, clock: str) -> None:
    """The lab never heard that run: when it was nobody can tell, how long the use was is known."""
    waited = [said(talker, clock, event, at_s) for event, at_s in (("busy", BUSY_S), ("idle", IDLE_S))]
    late = [RawMessage(raw.topic, raw.payload, at(3600)) for raw in waited]

    store(*late)

    session = UsageSession.objects.get()
    assert session.end is not None
    assert session.end - session.start == dt.timedelta(seconds=IDLE_S - BUSY_S)


def test_lab_whose_own_clock_was_behind_for_a_moment_believes_the_device_again(talker: Talker) -> None:
    """The lab's computer woke ten minutes behind: a run would have begun ten minutes before it did, for good."""
    store(talker.status("online", 0))
    behind = talker.status("online", 100)
    store(RawMessage(behind.topic, behind.payload, at(100 - 600)))
    assert DeviceBoot.objects.get().booted_at == at(-600)

    store(talker.status("online", 160))
    store(talker.status("online", 175))

    assert DeviceBoot.objects.get().booted_at == at(0)


def test_sign_of_life_that_was_only_late_moves_nothing(talker: Talker) -> None:
    store(talker.status("online", 0))
    late = [talker.status("online", at_s) for at_s in (100, 200)]

    store(RawMessage(late[0].topic, late[0].payload, at(130)))
    store(talker.status("online", 140))
    store(RawMessage(late[1].topic, late[1].payload, at(230)))

    assert DeviceBoot.objects.get().booted_at == at(0)
