"""What a machine tells about a time: used, idle as far as it was heard of, or nobody knows."""

import datetime as dt

import pytest

from iot.evidence import LONGEST_PAUSE
from iot.models import Reading, ReadingKind, UsageSession
from reservations.evidence import Use, use_of
from tests.iot.builders import at, make_device, make_machine

pytestmark = pytest.mark.django_db

PAUSE_S = LONGEST_PAUSE.total_seconds()
END_S = 4 * PAUSE_S


def heard(device, *seconds):
    Reading.objects.bulk_create(
        Reading(device=device, boot="b", seq=n, index=0, kind=ReadingKind.POWER_W, at=at(second), value=2.0)
        for n, second in enumerate(seconds)
    )


@pytest.mark.parametrize(
    ("seconds", "use"),
    [
        ([], Use.UNKNOWN),
        ([PAUSE_S, 2 * PAUSE_S, 3 * PAUSE_S], Use.IDLE),
        ([PAUSE_S + 1, 2 * PAUSE_S, 3 * PAUSE_S], Use.UNKNOWN),
        ([PAUSE_S, 3 * PAUSE_S + 1], Use.UNKNOWN),
        ([PAUSE_S, 2 * PAUSE_S, 3 * PAUSE_S - 1], Use.UNKNOWN),
    ],
    ids=["never heard", "all along", "silent at first", "silent between", "silent at last"],
)
def test_silence_is_no_evidence(seconds, use):
    device = make_device(machine=make_machine())
    heard(device, *seconds)

    assert use_of(device.machine_id, at(0), at(END_S)) == use


@pytest.mark.parametrize(
    ("start_s", "end_s", "use"),
    [(-60, 0, Use.UNKNOWN), (-60, 1, Use.USED), (END_S - 1, None, Use.USED), (END_S, None, Use.UNKNOWN)],
    ids=["over by then", "reaches into it", "runs on", "begins after it"],
)
def test_use_that_touches_the_time_is_use(start_s, end_s, use):
    machine = make_machine()
    end = None if end_s is None else at(end_s)
    UsageSession.objects.create(
        machine=machine,
        start=at(start_s),
        last_busy_at=at(start_s),
        end=end,
        stop_reason="" if end is None else "normal",
    )

    assert use_of(machine.pk, at(0), at(END_S)) == use


def test_another_machines_device_is_no_witness():
    heard(make_device(machine=make_machine("cnc")), *range(0, int(END_S), 60))

    assert use_of(make_machine("saw").pk, at(0), at(0) + dt.timedelta(seconds=END_S)) == Use.UNKNOWN
