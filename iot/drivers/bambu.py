"""Bambu Lab printers, read only: they carry their own broker, and a connector of ours dials them.

Source: Doridian/OpenBambuAPI mqtt.md; recorded reports of P1S, P1P and X1C. An X1 repeats the whole object, a P1 or A1
sends what changed, so a report may hold nothing but the strength of its radio. Numbers may come as text.
`print_error` stays set after a print that ended well (recorded on a P1S): only `gcode_state` is believed.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from iot.drivers.base import Observation, Seen, SetUp
from iot.drivers.payloads import (
    FAILED,
    FINISHED,
    IDLE,
    busy,
    firmware_of,
    inner,
    measured,
    number_of,
    object_of,
    quietly_object,
    seen,
    text_in,
)
from iot.protocol import Hello

KIND = "bambu"
SEEN_ON = ("device/+/report",)
SET_UP = (
    SetUp("LAN access code", "…", _("On the printer’s screen under “Network”: the password of its own broker.")),
    SetUp("Topic", "<serial number>", _("On the printer’s screen under “Device”.")),
)
COUNTER = ""
# There is no last will; the strength of its radio changes every few seconds.
QUIET_FOR = dt.timedelta(minutes=2)
# To be sent by the connector to `device/<serial>/request` once connected; on a P1 at most every 5 minutes.
ASK_FOR_ALL = b'{"pushing":{"sequence_id":"0","command":"pushall","version":1,"push_target":1}}'

STATES: dict[str, Observation] = {
    "IDLE": IDLE,
    "SLICING": busy(),
    "PREPARE": busy(),
    "RUNNING": busy(),
    "PAUSE": busy(is_paused=True),
    "FINISH": FINISHED,
    # Also after somebody stopped it: the two cannot be told apart.
    "FAILED": FAILED,
}


def writes(topic: str) -> tuple[str, ...]:
    return (f"device/{topic}/report",)


def reads(topic: str) -> tuple[str, ...]:
    return ()


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is `device/report`."""
    if subtopic != "device/report":
        return ()
    body = object_of(payload)
    if body.get("info") is not None:
        return (Hello(firmware=_firmware(inner(body, "info"))),)
    report = inner(body, "print")
    if text_in(report, "command") != "push_status":
        return (Hello(),)
    state = text_in(report, "gcode_state")
    readings = measured(
        temperature_c=number_of(report.get("nozzle_temper")),
        progress_pct=number_of(report.get("mc_percent")),
    )
    found = (*readings, STATES[state]) if state in STATES else readings
    return found or (Hello(),)


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By its reports."""
    parts = topic.split("/")
    if len(parts) == 3 and parts[0] == "device" and parts[2] == "report" and "print" in quietly_object(payload):
        return seen(KIND, parts[1])
    return ()


def _firmware(info: dict[str, Any]) -> str:
    modules = info.get("module")
    for module in modules if isinstance(modules, list) else []:
        if isinstance(module, dict) and module.get("name") == "ota":
            return firmware_of(module.get("sw_ver"))
    return ""
