"""A printer that says that its job is paused: the machine is in use all the same, one run, and pages say so."""

import json

import pytest

from fablab.device_page import device_page
from fablab.machine_facts import StatusFacts
from fablab.machine_status import State, status_of
from iot.ingest.raw import RawMessage
from iot.models import Device, DriverKind, ReportedState, StopReason, UsageSession, UseState
from iot.sessions import LOST_AFTER, sweep_lost_sessions
from machines.models import Machine
from tests.factories import PARIS, minutes
from tests.iot.builders import Talker, at, make_device, make_machine, store

pytestmark = pytest.mark.django_db

Line = tuple[str, object]

SERIAL = "01P00A000000002"


def octoprint(event: str, **body: str) -> Line:
    return f"octoPrint/prusa-1/event/{event}", {"_event": event} | body


def moonraker(state: str) -> Line:
    return "voron/klipper/state/print_stats/state", {"value": state}


def bambu(state: str) -> Line:
    return f"device/{SERIAL}/report", {"print": {"command": "push_status", "gcode_state": state}}


# Each: its driver and topic; how it says that it prints, pauses, goes on, and has finished.
MAKES = [
    pytest.param(
        DriverKind.OCTOPRINT, "octoPrint/prusa-1",
        [octoprint("PrintStarted"), octoprint("PrintPaused"), octoprint("PrintResumed"), octoprint("PrintDone")],
        id="octoprint",
    ),
    pytest.param(
        DriverKind.OCTOPRINT, "octoPrint/prusa-1",
        [octoprint("PrinterStateChanged", state_id=state) for state in ("PRINTING", "PAUSED", "RESUMING")]
        + [octoprint("PrintDone")],
        id="octoprint, by its states",
    ),
    pytest.param(
        DriverKind.MOONRAKER, "voron", [moonraker(state) for state in ("printing", "paused", "printing", "complete")],
        id="moonraker",
    ),
    pytest.param(
        DriverKind.BAMBU, SERIAL, [bambu(state) for state in ("RUNNING", "PAUSE", "RUNNING", "FINISH")], id="bambu"
    ),
]  # fmt: skip


@pytest.fixture
def printer(db: None) -> Machine:
    return make_machine("printer")


def own_software(machine: Machine, kind: DriverKind, topic: str) -> Device:
    return make_device(
        "its-own", machine, kind=kind, topic=topic, is_online=True, last_seen_at=at(0), silent_after=minutes(4)
    )


def tell(line: Line, at_s: float) -> None:
    topic, body = line
    store(RawMessage(topic, json.dumps(body).encode(), at(at_s)))


@pytest.mark.parametrize(("kind", "topic", "lines"), MAKES)
def test_pause_neither_ends_nor_doubles_the_run(
    printer: Machine, kind: DriverKind, topic: str, lines: list[Line]
) -> None:
    own_software(printer, kind, topic)
    seen = []

    for n, line in enumerate(lines):
        tell(line, 20 * n)
        state = ReportedState.objects.get(machine=printer)
        seen.append((state.state, state.is_paused))

    assert seen == [(UseState.BUSY, False), (UseState.BUSY, True), (UseState.BUSY, False), (UseState.IDLE, False)]
    session = UsageSession.objects.get()
    assert (session.start, session.end, session.stop_reason) == (at(0), at(60), StopReason.JOB_FINISHED)


def test_pause_outlives_what_other_devices_say(printer: Machine) -> None:
    own_software(printer, DriverKind.BAMBU, SERIAL)
    plug = Talker(make_device("plug-1", printer).slug)
    tell(bambu("RUNNING"), 0)
    tell(bambu("PAUSE"), 10)

    store(*[plug.power(4, 20 + 10 * n) for n in range(12)], plug.event("busy", 140))

    state = ReportedState.objects.get(machine=printer)
    assert (state.state, state.is_paused) == (UseState.BUSY, True)
    assert UsageSession.objects.get().end is None


def test_pause_ends_when_its_device_is_lost(printer: Machine) -> None:
    own_software(printer, DriverKind.BAMBU, SERIAL)
    tell(bambu("RUNNING"), 0)
    tell(bambu("PAUSE"), 10)

    sweep_lost_sessions(now=at(10) + LOST_AFTER)

    state = ReportedState.objects.get(machine=printer)
    assert (state.state, state.is_paused) == (UseState.UNKNOWN, False)


def test_pages_say_paused(printer: Machine, in_english: None) -> None:
    device = own_software(printer, DriverKind.BAMBU, SERIAL)
    tell(bambu("RUNNING"), 0)
    tell(bambu("PAUSE"), 10)
    device = Device.objects.select_related("machine__reported").get(pk=device.pk)

    on_board = status_of(
        printer, StatusFacts(zone=PARIS, opening=[], devices=[device], reported=device.machine.reported), at(11)
    )
    page = device_page(device, at(11))

    assert (on_board.state, on_board.word) == (State.CARE, "Paused")
    assert page.reported is not None
    assert (page.reported.word, page.reported_tone) == ("paused", ("care", "care"))
