"""After its print a printer is looked at until its nozzle has cooled down, and nothing cuts it before."""

import pytest

from fablab.machine_status import State, machine_statuses
from iot.device_services import DeviceError
from iot.models import DriverKind, ReportedState
from iot.orders import Kind, order
from printing.models import JobState, Printer
from tests.contract.fake_octoprint import TEMPERATURES
from tests.iot.builders import make_device
from tests.printing.builders import fresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def nozzle(monkeypatch):
    """`nozzle(180)`: so hot, and no longer heated."""

    def be(actual_c, target_c=0.0):
        monkeypatch.setitem(TEMPERATURES, "tool0", {"actual": actual_c, "target": target_c, "offset": 0})

    return be


def shown(lab):
    (status,) = machine_statuses([lab.machine], lab.now)
    return status.state


def test_printer_is_cooling_after_its_print_until_its_nozzle_is_cool(lab, nozzle, in_english):
    plug = make_device("plug", lab.machine, kind=DriverKind.TASMOTA, topic="plug-04", is_online=True)
    plug.last_seen_at, plug.silent_after = lab.now, plug.silent_after * 60
    plug.save()
    job = lab.printing()
    seen = [shown(lab)]
    lab.remote.pass_time(30)

    for nozzle_c in (210.0, 120.0, 50.0, 49.0):
        nozzle(nozzle_c)
        lab.tick(30)
        seen.append(shown(lab))
        if nozzle_c >= 50:
            with pytest.raises(DeviceError, match="hot"):
                order(device=plug, kind=Kind.DISABLE, by=None, now=lab.now)

    order(device=plug, kind=Kind.DISABLE, by=None, now=lab.now)
    assert fresh(job).state == JobState.FINISHED
    assert seen == [State.IN_USE, State.COOLING, State.COOLING, State.COOLING, State.CARE]


def test_plug_of_a_printer_that_prints_is_not_cut(lab):
    plug = make_device("plug", lab.machine, kind=DriverKind.TASMOTA, topic="plug-04")
    lab.printing()

    with pytest.raises(DeviceError, match="would_cut"):
        order(device=plug, kind=Kind.DISABLE, by=None, now=lab.now)


def test_print_that_is_not_ours_makes_it_hot_too(lab):
    lab.remote.files["theirs.gcode"] = b"G4 S600\n"
    lab.remote.start("theirs.gcode")

    lab.ticks(2, seconds=30)

    assert ReportedState.objects.get(machine=lab.machine).hot_at is not None


def test_printer_that_is_cool_is_not_asked_how_hot_it_is(lab, nozzle):
    lab.printing()
    lab.remote.pass_time(30)
    nozzle(25.0)

    lab.ticks(2, seconds=30)

    assert Printer.objects.get().nozzle_c is None
    assert ReportedState.objects.get(machine=lab.machine).hot_at is None


def test_printer_that_falls_silent_while_hot_is_hot_for_a_while(lab):
    plug = make_device("plug", lab.machine, kind=DriverKind.TASMOTA, topic="plug-04")
    lab.printing()
    lab.remote.pass_time(30)
    lab.tick(30)
    lab.server.stop()

    lab.tick(60)

    assert Printer.objects.get().unreachable_since == lab.now
    with pytest.raises(DeviceError, match="hot"):
        order(device=plug, kind=Kind.DISABLE, by=None, now=lab.now)
