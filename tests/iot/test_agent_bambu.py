"""What of a Bambu printer goes on to the lab, and the settings of its connector. No network here."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from iot.agent import bambu
from iot.agent.__main__ import main
from iot.agent.bambu_report import ALIVE_EVERY_S, EVERY_S, REPORT_MOST_BYTES, Pace, told_on
from iot.agent.bambu_settings import read_bambu_settings
from iot.agent.toml_table import ConfigError
from iot.drivers import bambu as driver
from tests.iot.agent_rig import Clock
from tests.iot.recorded import lines_of

PIN = "ab" * 32
SETTINGS = f"""
host = "lab.example.org"

[printer.bambu-1]
password = "word"
serial = "01P00A000000002"
host = "192.168.1.40"
access_code = "12345678"
certificate_sha256 = "{PIN}"
"""


def report(**fields: Any) -> bytes:
    return json.dumps({"print": {"command": "push_status", **fields}}).encode()


def said(message: bytes | None) -> dict[str, Any] | None:
    return None if message is None else json.loads(message)["print"]


def written(tmp_path: Path, text: str = SETTINGS) -> Path:
    file = tmp_path / "bambu.toml"
    file.write_text(text)
    file.chmod(0o600)
    return file


# --- what goes on -------------------------------------------------------------------------------------------------


def test_request_is_the_documented_one() -> None:
    assert driver.ASK_FOR_ALL == bambu.ASK_FOR_ALL


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (report(gcode_state="RUNNING", mc_percent=40, nozzle_temper=214.5), {"gcode_state": "RUNNING", "mc_percent": 40,
                                                                             "nozzle_temper": 214.5}),
        (report(gcode_state="RUNNING", mc_percent="37", nozzle_temper="219.5"),
         {"gcode_state": "RUNNING", "mc_percent": "37", "nozzle_temper": "219.5"}),
        (report(wifi_signal="-48dBm"), {}),
        (report(gcode_state="IDLE", subtask_name="Mums birthday", gcode_file="/data/mine.gcode", ipcam={"a": 1}),
         {"gcode_state": "IDLE"}),
        (report(gcode_state="Mums birthday", mc_percent=True, nozzle_temper="hot"), {}),
        (report(mc_percent=float("inf"), nozzle_temper=1e300), {}),
        (b'{"print":{"command":"pause","result":"SUCCESS"}}', None),
        (b'{"info":{"command":"get_version","module":[{"name":"ota","sn":"X","sw_ver":"1"}]}}', None),
        (b'{"print":[]}', None),
        (b"[]", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b" " * (REPORT_MOST_BYTES + 1), None),
    ],
    ids=["P1", "X1, numbers as text", "nothing of use", "names stay behind", "wrong kinds", "endless", "an answer",
         "versions", "no table", "a list", "cut off", "not UTF-8", "deep", "too large"],
)  # fmt: skip
def test_report_tells_state_heat_and_progress_only(payload: bytes, expected: dict[str, Any] | None) -> None:
    assert told_on(payload) == expected


@pytest.mark.parametrize("name", ["p1s-parts", "x1c-whole"])
def test_driver_reads_the_same_from_what_goes_on(name: str) -> None:
    """Of each recorded report of the printer's state."""
    for topic, payload in lines_of(driver.KIND, name):
        news = told_on(payload)
        if news is not None:
            shorter = json.dumps({"print": {"command": "push_status"} | news}).encode()
            serial = topic.split("/")[1]
            assert driver.parse(serial, "device/report", shorter) == driver.parse(serial, "device/report", payload)


def test_change_of_state_goes_on_at_once_and_other_values_every_5_seconds() -> None:
    clock = Clock()
    pace = Pace(clock)
    told: list[tuple[float, dict[str, Any]]] = []

    for second in range(13):
        pace.hear({"gcode_state": "PAUSE" if second >= 7 else "RUNNING", "mc_percent": second})
        if message := said(pace.due()):
            told.append((second, message))
        clock.now_s += 1

    base = {"command": "push_status"}
    assert told == [
        (0, base | {"gcode_state": "RUNNING", "mc_percent": 0}),
        (5, base | {"mc_percent": 5}),
        (7, base | {"gcode_state": "PAUSE", "mc_percent": 7}),
        (12, base | {"mc_percent": 12}),
    ]
    assert EVERY_S == 5


def test_sign_of_life_goes_on_while_the_printer_is_heard_and_no_longer() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.hear({"gcode_state": "IDLE"})
    pace.due()

    pace.hear({})
    at_once = pace.due()
    clock.now_s += ALIVE_EVERY_S
    alive = said(pace.due())
    clock.now_s += ALIVE_EVERY_S

    assert (at_once, alive, pace.due()) == (None, {"command": "push_status"}, None)


def test_lab_that_was_away_is_told_all_and_a_printer_that_is_away_nothing() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.hear({"gcode_state": "RUNNING", "mc_percent": 3})
    pace.due()

    pace.say_all_again()
    again = said(pace.due())
    pace.forget()
    pace.say_all_again()
    clock.now_s += 600

    assert again == {"command": "push_status", "gcode_state": "RUNNING", "mc_percent": 3}
    assert pace.due() is None


# --- settings -----------------------------------------------------------------------------------------------------


def test_settings_are_read(tmp_path: Path) -> None:
    found = read_bambu_settings(written(tmp_path))

    (printer,) = found.printers
    assert (found.lab.host, found.lab.port, found.lab.is_tls) == ("lab.example.org", 8883, True)
    assert (printer.device, printer.serial, printer.host, printer.port) == (
        "bambu-1", "01P00A000000002", "192.168.1.40", 8883,
    )  # fmt: skip


def test_fingerprint_may_have_colons_and_capitals(tmp_path: Path) -> None:
    text = SETTINGS.replace(PIN, ":".join(["AB"] * 32))

    assert read_bambu_settings(written(tmp_path, text)).printers[0].fingerprint == PIN


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (f'certificate_sha256 = "{PIN}"', "", "certificate_sha256 is missing"),
        (PIN, "ab" * 31, "--certificate-of"),
        ('access_code = "12345678"', "access_code = 12345678", "LAN access code"),
        ("01P00A000000002", "01P/#", "serial number"),
        ("password", "pasword", "password"),
        ("[printer.bambu-1]", "[other]", "other is not a setting"),
        ('host = "lab', 'ca_file = "no.crt"\nhost = "lab', "ca_file"),
        ('host = "lab', 'is_tls = false\nca_file = "no.crt"\nhost = "lab', "is_tls = true"),
        ('host = "lab.example.org"', "host =", "cannot be read"),
    ],
    ids=["no pin", "short pin", "code as number", "serial with wildcards", "misspelt", "no printers", "no authority",
         "authority without TLS", "not TOML"],
)  # fmt: skip
def test_wrong_settings_say_what_is_wrong(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_bambu_settings(written(tmp_path, SETTINGS.replace(old, new)))


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("access_code", "90817263"), ("access_code", '"9081 7263"'), ("password", "90817263")],
    ids=["code as number", "code with a space", "password as number"],
)
def test_secret_is_in_no_error(tmp_path: Path, key: str, wrong: str) -> None:
    text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {wrong}", SETTINGS, count=1)

    with pytest.raises(ConfigError, match=f"{key} cannot be used") as refused:
        read_bambu_settings(written(tmp_path, text))

    assert "9081" not in str(refused.value)


def test_same_printer_twice_is_refused(tmp_path: Path) -> None:
    twice = SETTINGS + SETTINGS.split("\n\n")[1].replace("bambu-1", "bambu-2")

    with pytest.raises(ConfigError, match="twice"):
        read_bambu_settings(written(tmp_path, twice))


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        read_bambu_settings(file)


def test_command_checks_its_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = main(["bambu", "--config", str(written(tmp_path)), "--check"])
    bad = main(["bambu", "--config", str(tmp_path / "none.toml"), "--check"])

    printed = capsys.readouterr()
    assert (good, bad) == (0, 1)
    assert "printers: 1" in printed.out
    assert "none.toml" in printed.err
