"""One run is one session, and its hours count once, however many devices tell of it."""

import datetime as dt
import json
from collections.abc import Sequence

import pytest

from iot.ingest.raw import RawMessage
from iot.models import Device, DriverKind, StopReason, UsageSession
from iot.power import Meter, Thresholds, step
from iot.sessions import close_session, locked_states, open_session
from machines.models import Machine
from reservations.models import Status
from tests.factories import make_person
from tests.iot.builders import Talker, at, make_device, make_machine, make_reservation, store
from tests.iot.readers import badge_of, tap

pytestmark = pytest.mark.django_db

EVENTS = "octoPrint/prusa-1/event"
BAMBU = "01P00A000000002"


@pytest.fixture
def printer(db: None) -> Machine:
    return make_machine("prusa")


@pytest.fixture
def plug(printer: Machine) -> Talker:
    return Talker(make_device("plug-1", printer, is_online=True, last_seen_at=at(0)).slug)


@pytest.fixture
def octoprint(printer: Machine) -> Device:
    return own_software(printer, DriverKind.OCTOPRINT, "octoPrint/prusa-1")


def own_software(machine: Machine, kind: DriverKind, topic: str) -> Device:
    return make_device(
        f"{kind}-1", machine, kind=kind, topic=topic, is_online=True, last_seen_at=at(0),
        silent_after=dt.timedelta(days=1),
    )  # fmt: skip


def says(event: str, at_s: float, **body: str) -> RawMessage:
    return RawMessage(f"{EVENTS}/{event}", json.dumps({"_event": event} | body).encode(), at(at_s))


def reports(state: str, at_s: float) -> RawMessage:
    body = {"print": {"command": "push_status", "gcode_state": state}}
    return RawMessage(f"device/{BAMBU}/report", json.dumps(body).encode(), at(at_s))


def draws(talker: Talker, watts: float, start_s: float, end_s: float, every_s: float = 10) -> list[RawMessage]:
    count = int((end_s - start_s) / every_s)
    return [talker.power(watts, start_s + n * every_s) for n in range(count + 1)]


def told_in_order(*messages: RawMessage) -> None:
    for message in sorted(messages, key=lambda each: each.received_at):
        store(message)


def runs() -> Sequence[tuple[dt.datetime, dt.datetime | None, str]]:
    return list(UsageSession.objects.order_by("start").values_list("start", "end", "stop_reason"))


def test_hours_are_counted_once_when_badge_plug_and_printer_all_report_one_run(
    printer: Machine, plug: Talker, octoprint: Device
) -> None:
    person = make_person()
    badge_of(person)
    reservation = make_reservation(printer, -60, 3600, holder=person, status=Status.IN_USE)
    agent = make_device("reader-1", printer, is_online=True, last_seen_at=at(0))
    reader = Talker(agent.slug)
    decision = tap(agent, at=at(0))
    switched = {"event": "energised", "session_id": decision.session_id}
    left = {"event": "stop", "reason": "normal", "session_id": decision.session_id}

    told_in_order(
        reader.say("event", switched, 1),
        *draws(plug, 150, 2, 12),
        says("PrintStarted", 15),
        *draws(plug, 120, 22, 502),
        reader.say("event", left, 300),
        says("PrintDone", 500),
        *draws(plug, 60, 500.5, 560.5),
        *draws(plug, 4, 570, 690),
    )

    session = UsageSession.objects.get()
    printer.refresh_from_db()
    assert decision.is_allowed
    assert (session.start, session.end, session.stop_reason) == (at(2), at(500), StopReason.JOB_FINISHED)
    assert (session.person, session.reservation) == (person, reservation)
    assert printer.used_s == 498


def test_tail_of_a_print_is_not_a_run_of_its_own(printer: Machine, plug: Talker, octoprint: Device) -> None:
    told_in_order(
        says("PrintStarted", 0), *draws(plug, 120, 5, 495), says("PrintDone", 500), *draws(plug, 60, 501, 901)
    )

    assert runs() == [(at(0), at(500), StopReason.JOB_FINISHED)]


def test_power_that_fell_meanwhile_begins_a_run_of_its_own(printer: Machine, plug: Talker, octoprint: Device) -> None:
    told_in_order(
        says("PrintStarted", 0), *draws(plug, 120, 5, 495), says("PrintDone", 500),
        *draws(plug, 60, 501, 561), *draws(plug, 4, 571, 631), *draws(plug, 120, 641, 701),
    )  # fmt: skip

    assert runs() == [(at(0), at(500), StopReason.JOB_FINISHED), (at(641), None, "")]


def test_next_print_begins_in_the_tail_of_the_one_before(printer: Machine, plug: Talker, octoprint: Device) -> None:
    told_in_order(
        says("PrintStarted", 0), *draws(plug, 120, 5, 95), says("PrintDone", 100), *draws(plug, 60, 101, 111),
        says("PrintStarted", 120), *draws(plug, 120, 121, 191), says("PrintDone", 200),
    )  # fmt: skip

    assert [(start, end) for start, end, _why in runs()] == [(at(0), at(100)), (at(120), at(200))]


def test_print_that_draws_little_goes_on(printer: Machine, plug: Talker, octoprint: Device) -> None:
    told_in_order(
        *draws(plug, 150, 0, 30), says("PrintStarted", 40), *draws(plug, 4, 50, 250), says("PrintResumed", 255),
        *draws(plug, 120, 260, 290), says("PrintDone", 300),
    )  # fmt: skip

    assert runs() == [(at(0), at(300), StopReason.JOB_FINISHED)]


def test_power_ends_the_run_of_a_printer_that_is_not_heard(printer: Machine, plug: Talker, octoprint: Device) -> None:
    gone = RawMessage("octoPrint/prusa-1/mqtt", b"disconnected", at(60))

    told_in_order(says("PrintStarted", 0), *draws(plug, 120, 5, 55), gone, *draws(plug, 4, 70, 150))

    assert runs() == [(at(0), at(70), StopReason.NORMAL)]


def test_preheating_is_no_run_where_the_printer_tells_all(printer: Machine, plug: Talker) -> None:
    own_software(printer, DriverKind.BAMBU, BAMBU)

    told_in_order(
        reports("IDLE", 0), *draws(plug, 150, 5, 65), reports("IDLE", 30), reports("RUNNING", 70),
        *draws(plug, 120, 75, 195), reports("FINISH", 200), *draws(plug, 60, 205, 265), reports("FINISH", 270),
    )  # fmt: skip

    assert runs() == [(at(70), at(200), StopReason.JOB_FINISHED)]


def test_safety_input_ends_what_a_printer_tells_of(printer: Machine, plug: Talker, octoprint: Device) -> None:
    told_in_order(says("PrintStarted", 0), plug.event("safety_input", 50))

    assert runs() == [(at(0), at(50), StopReason.SAFETY_INPUT)]


def test_print_sent_from_here_is_one_run(printer: Machine, plug: Talker, octoprint: Device) -> None:
    person = make_person()
    locked_states([printer.pk])
    job = open_session(machine_id=printer.pk, at=at(1), source=UsageSession.Source.PRINT_JOB, person=person)

    told_in_order(says("PrintStarted", 2), *draws(plug, 120, 5, 495), says("PrintDone", 500))
    close_session(job, at=at(503), reason=StopReason.JOB_FINISHED)
    told_in_order(*draws(plug, 60, 505, 565), *draws(plug, 4, 575, 700))

    printer.refresh_from_db()
    assert runs() == [(at(1), at(503), StopReason.JOB_FINISHED)]
    assert printer.used_s == 502


@pytest.mark.parametrize(
    ("watts", "expected"),
    [
        pytest.param([60, 60, 60, 60], ("idle", 0, 0), id="goes on"),
        pytest.param([60, 20, 60, 60], ("idle", 0, 0), id="between the two lines"),
        pytest.param([60, 4, 60, 60], ("busy", 30, None), id="fell once"),
    ],
)
def test_tail_lasts_until_power_falls(watts: list[float], expected: tuple[str, int, int | None]) -> None:
    limits = Thresholds(30, 10, dt.timedelta(seconds=10), dt.timedelta(seconds=60), dt.timedelta(minutes=5))
    meter = Meter("idle", at(0), at(0), at(0))

    for n, power_w in enumerate(watts, start=1):
        meter = step(meter, at(10 * n), power_w, limits)

    state, since_s, crossing_s = expected
    crossing = None if crossing_s is None else at(crossing_s)
    assert (meter.state, meter.since, meter.crossing_since) == (state, at(since_s), crossing)
