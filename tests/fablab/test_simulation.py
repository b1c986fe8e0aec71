import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from fablab.demo.behaviour import BUSY_EVERY_S, IDLE_EVERY_S, PRINT_EVERY_S, Behaviour, is_printing
from fablab.demo.followed import FollowedPrint, job_state, last_energies, running_slugs
from fablab.demo.kept import DEVICES, OCTOPRINT, keep
from fablab.demo.lab import BY_SLUG, UNREACHABLE
from fablab.demo.octoprint import octoprint_server, register_printer
from fablab.demo.octoprint_run import OctoPrintRun
from fablab.demo.simulation import PLAYED
from fablab.demo.single_devices import device_slugs
from iot.models import ReportedState
from machines.models import Category, Machine, Unit
from people.models import Site
from printing.models import Printer
from printing.octoprint_server import OctoPrintServer
from reservations.models import Reservation, Status
from tests.conftest import free_port
from tests.factories import make_category, make_machine, make_person, make_site

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Printing", True),
        ("Printing from SD", True),
        ("Starting", True),
        ("Paused", True),
        ("Cancelling", True),
        ("Operational", False),
        ("Offline", False),
        ("Offline after error", False),
        ("Error: printing failed", False),
        ("", False),
    ],
)
def test_octoprints_words_mean_printing(state, expected):
    assert is_printing(state) is expected


def test_machine_draws_its_busy_power_while_busy_only():
    behaviour = Behaviour(BY_SLUG["laser-60w"], Random(1))
    power = behaviour.machine.power

    idle, busy, after = (behaviour.sample(at_s, is_busy) for at_s, is_busy in ((0, False), (60, True), (120, False)))

    assert idle["power_w"] < power.idle_below_w
    assert busy["power_w"] >= power.busy_from_w
    assert after["power_w"] < power.idle_below_w


@pytest.mark.parametrize("machine", PLAYED, ids=[machine.slug for machine in PLAYED])
def test_thresholds_part_the_idle_from_the_busy_power_whatever_the_noise(machine):
    power = machine.power

    assert power.idle_w * 1.07 < power.idle_below_w <= power.busy_from_w < power.busy_w * 0.93


def test_meter_goes_on_from_where_the_lab_last_saw_it():
    behaviour = Behaviour(BY_SLUG["prusa-mk4-1"], Random(1), energy_wh=1_000)

    shown = [behaviour.sample(at_s, True)["energy_wh"] for at_s in (500, 500 + 1800, 500 + 3600)]

    assert shown == [1_000, 1_060, 1_120]


def test_battery_empties_in_use_and_fills_again_within_bounds():
    behaviour = Behaviour(BY_SLUG["laptop-01"], Random(1), battery_pct=50)

    shown = [behaviour.sample(at_s, busy)["battery_pct"] for at_s, busy in ((0, True), (1200, True), (90_000, False))]

    assert shown == [50, 40, 100]
    assert "battery_pct" not in Behaviour(BY_SLUG["laser-60w"], Random(1)).sample(0, False)


@pytest.mark.parametrize(
    ("passed_s", "was_busy", "is_busy", "every_s", "expected"),
    [
        pytest.param(IDLE_EVERY_S - 1, False, False, None, False, id="idle, too soon"),
        pytest.param(IDLE_EVERY_S, False, False, None, True, id="idle, due"),
        pytest.param(BUSY_EVERY_S, True, True, None, True, id="busy, due"),
        pytest.param(1, False, True, None, True, id="it begins"),
        pytest.param(1, True, False, None, True, id="it ends"),
        pytest.param(PRINT_EVERY_S, False, False, PRINT_EVERY_S, True, id="printer, own pace"),
    ],
)
def test_report_is_due(passed_s, was_busy, is_busy, every_s, expected):
    behaviour = Behaviour(BY_SLUG["laser-60w"], Random(1))
    behaviour.sample(100.0, was_busy)

    assert behaviour.is_due(100.0 + passed_s, is_busy, every_s=every_s) is expected


def test_every_machine_is_played_but_the_unreachable_one():
    assert {machine.slug for machine in PLAYED} == BY_SLUG.keys() - {UNREACHABLE}


@pytest.mark.parametrize(
    ("count", "expected"), [(1, ["saw"]), (3, ["saw-1", "saw-2", "saw-3"])], ids=["one", "several"]
)
def test_devices_are_numbered_when_they_are_several(count, expected):
    assert device_slugs("saw", count) == expected


def test_only_reservations_that_run_and_were_checked_in_are_followed(db):
    now, hour = timezone.now(), dt.timedelta(hours=1)
    site, person, category = make_site(), make_person(), make_category()
    cases = {
        "running": (now - hour, now + hour, Status.IN_USE),
        "not checked in": (now - hour, now + hour, Status.CONFIRMED),
        "over": (now - 2 * hour, now - hour, Status.IN_USE),
        "checked in early": (now + hour, now + 2 * hour, Status.IN_USE),
    }
    machines = {name: make_machine(site=site, category=category) for name in cases}
    for name, (start, end, status) in cases.items():
        Reservation.objects.create(
            site=machines[name].site, machine=machines[name], holder=person, start=start, end=end,
            booked_start=start, booked_end=end,
            status=status, created_at=now, created_by=person,
        )  # fmt: skip

    assert running_slugs() == {machines["running"].slug}


def test_last_energies_are_those_the_lab_saw(db):
    counted, silent = make_machine(), make_machine()
    ReportedState.objects.create(machine=counted, energy_wh=1234.5)
    ReportedState.objects.create(machine=silent)

    assert last_energies() == {counted.slug: 1234.5}


def test_octoprint_that_does_not_answer_prints_nothing(tmp_path):
    server = OctoPrintServer(tmp_path, free_port(), "key")

    assert job_state(server) == ""
    assert FollowedPrint(server).is_printing is False


@pytest.mark.slow
def test_taken_port_is_given_up_for_another_one(db, tmp_path):
    make_octoprints_machine()
    register_printer(tmp_path)
    before = octoprint_server(tmp_path)
    assert before is not None

    with listening(before.port):
        register_printer(tmp_path)

    after = octoprint_server(tmp_path)
    assert after is not None
    assert (after.port != before.port, after.api_key == before.api_key) == (True, True)
    assert Printer.objects.get().base_url == after.url


def test_octoprint_that_cannot_be_installed_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setenv("OCTOPRINT_BIN", "/nowhere/octoprint")
    said = []
    run = OctoPrintRun(OctoPrintServer(tmp_path / "base", free_port(), "key"), tmp_path / "install.log", said.append)

    end_s = time.monotonic() + 20
    while not said and time.monotonic() < end_s:
        run.step()
        time.sleep(0.05)
    run.step()
    run.stop()

    assert said == [
        "OctoPrint is not available, so its printer shows no news: "
        "OCTOPRINT_BIN=/nowhere/octoprint is not a program that can be run."
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--demo, or --device"),
        (["--demo", "--device", "saw"], "--demo, or --device"),
        (["--demo"], "run manage.py demo first"),
        (["--device", "saw"], "give --password-file"),
        (["--device", "saw", "--password-file", "/nowhere"], "--password-file"),
    ],
    ids=["nothing", "both", "demo not loaded", "unknown password", "missing file"],
)
def test_simulate_refuses_with_what_to_do(arguments, words, settings, tmp_path):
    settings.DATA_DIR = tmp_path

    with pytest.raises(CommandError, match=words):
        call_command("simulate", *arguments)


@pytest.mark.serial
@pytest.mark.parametrize("what", ["demo", "one device"])
def test_simulate_ends_soon_and_leaves_no_process(what, tmp_path, db):
    keep(tmp_path, DEVICES, dict.fromkeys(BY_SLUG, "password"))
    keep(tmp_path, OCTOPRINT, {"port": str(free_port()), "api_key": "key"})
    sleeper = tmp_path / "octoprint-stand-in"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    arguments = ["--demo"] if what == "demo" else ["--device", "laser-60w", "--profile", "laser"]
    process = start_simulate(arguments, tmp_path, {"OCTOPRINT_BIN": str(sleeper)})
    try:
        wait_until_it_plays(process, tmp_path, what)

        began_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(10)

        assert time.monotonic() - began_s < 5
        assert process.returncode == 0
        assert processes_of_session(process.pid) == []
    finally:
        process.kill()
        process.wait()


def start_simulate(arguments, data_dir, extra):
    database = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()
    env = os.environ | {"FABLAB_DATA_DIR": str(data_dir), "FABLAB_DEMO": "1", "DATABASE_URL": url} | extra
    with (data_dir / "simulate.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "simulate", *arguments],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until_it_plays(process, data_dir, what):
    """Until the demo has started OctoPrint's stand-in, or the device has tried to connect."""
    log, end_s = data_dir / "simulate.log", time.monotonic() + 40
    while process.poll() is None and time.monotonic() < end_s:
        if what == "demo" and "sleep" in processes_of_session(process.pid):
            return
        if what != "demo" and "not connected" in log.read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"simulate did not come as far as playing: {log.read_text()}")


def processes_of_session(session):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, its_session = rest.split()[:4]
        if int(its_session) == session and state != "Z":
            found.append(name.partition("(")[2])
    return found


def make_octoprints_machine():
    site = Site.objects.create(name="Lab", slug="lab")
    category = Category.objects.create(slug="printers", name_fr="Imprimantes", name_en="Printers")
    return Machine.objects.create(
        unit=Unit.objects.create(site=site), category=category, name="Prusa", slug="prusa-mk4-2"
    )


def listening(port):
    taken = socket.socket()
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken
