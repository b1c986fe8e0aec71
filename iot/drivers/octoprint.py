"""OctoPrint through its plugin OctoPrint-MQTT, on any base topic.

Recorded from plugin 0.8.16 on OctoPrint 1.11.8 and 2.0.0rc7. All but `mqtt` is sent once and may be lost, so each
state is read from every message that implies it. The nozzle's temperature stands for the machine's.
After a cancellation `PrintFailed` follows `PrintCancelled`, with `reason: cancelled`: the first has said it all.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from iot.drivers.base import Observation, Seen, SetUp
from iot.drivers.payloads import (
    FINISHED,
    IDLE,
    OUT_OF_REACH,
    STOPPED,
    busy,
    measured,
    object_of,
    our_job,
    plain_number,
    presence_in,
    seen,
    text_in,
    word_of,
)
from iot.protocol import Event

KIND = "octoprint"
SEEN_ON = ("+/mqtt", "+/+/mqtt")
SET_UP = (
    SetUp(
        "publish.baseTopic",
        "octoPrint/<printer>/",
        _("“Base topic”: every OctoPrint comes with the same one, and two printers on one topic cannot be told apart."),
    ),
    SetUp("temperatureThreshold", "5", _("Otherwise it tells its temperature several times a second while it heats.")),
    SetUp("Publish events", "printer state, print job", _("The other events are not read.")),
)
COUNTER = ""
# An idle printer says nothing for hours, a slow one for half an hour; its last will tells when it is gone.
QUIET_FOR = dt.timedelta(days=1)

BUSY_STATES = ("STARTING", "PRINTING", "PAUSING", "RESUMING", "CANCELLING", "FINISHING", "TRANSFERING_FILE")
FAULT_STATES = ("ERROR", "CLOSED_WITH_ERROR")
# The printer is off, unplugged or not connected: OctoPrint is there, but nobody knows what the printer does.
OUT_OF_REACH_STATES = ("OFFLINE", "CLOSED", "NONE", "UNKNOWN")
TOLD: dict[str, Observation] = {
    "PrintDone": FINISHED,
    "PrintCancelled": STOPPED,
    "EStop": Event("fault", reason="emergency_stop"),
    "Error": Event("fault", reason="printer_error"),
}
EVENTS = (
    "PrinterStateChanged", "PrintStarted", "PrintPaused", "PrintResumed", "PrintDone", "PrintCancelled", "PrintFailed",
    "Error", "EStop", "Connected", "Disconnected",
)  # fmt: skip


def writes(topic: str) -> tuple[str, ...]:
    # Each by its name: with wildcards a printer named "a" could speak for one named "a/event".
    leaves = ("mqtt", *(f"event/{event}" for event in EVENTS), "progress/printing", "temperature/tool0")
    return tuple(f"{topic}/{leaf}" for leaf in leaves)


def reads(topic: str) -> tuple[str, ...]:
    return ()


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is what follows the base topic: `mqtt`, `event/PrintDone`, `progress/printing`."""
    if subtopic == "mqtt":
        return presence_in(word_of(payload), online="connected", offline="disconnected")
    if subtopic == "progress/printing":
        return _progress(object_of(payload))
    if subtopic == "temperature/tool0":
        return measured(temperature_c=plain_number(object_of(payload).get("actual")))
    kind, _slash, event = subtopic.partition("/")
    return _event(event, object_of(payload)) if kind == "event" and event in EVENTS else ()


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By its last will."""
    is_plugin = topic.endswith("/mqtt") and payload in (b"connected", b"disconnected")
    return seen(KIND, topic.removesuffix("/mqtt")) if is_plugin else ()


def _progress(body: dict[str, Any]) -> Sequence[Observation]:
    """A percentage that moves is a print that runs. 0 and 100 are also said when none does, even with no printer."""
    percent = plain_number(body.get("progress"))
    if percent is None or not 0 < percent < 100:
        return ()
    return (*measured(progress_pct=percent), busy(our_job(body.get("path"))))


def _event(event: str, body: dict[str, Any]) -> Sequence[Observation]:
    if event == "PrinterStateChanged":
        return _state(text_in(body, "state_id"))
    if event in ("PrintStarted", "PrintResumed"):
        return (busy(our_job(body.get("path"))),)
    if event == "PrintPaused":
        return (busy(our_job(body.get("path")), is_paused=True),)
    if event == "PrintFailed":
        return () if body.get("reason") == "cancelled" else (Event("fault", reason="print_failed"),)
    if event == "Disconnected":
        return (OUT_OF_REACH,)
    return (TOLD[event],) if event in TOLD else ()


def _state(state: str) -> Sequence[Observation]:
    if state == "OPERATIONAL":
        return (IDLE,)
    if state in BUSY_STATES:
        return (busy(),)
    if state == "PAUSED":
        return (busy(is_paused=True),)
    if state in FAULT_STATES:
        return (Event("fault", reason="printer_error"),)
    # While it is connecting, nobody knows yet.
    return (OUT_OF_REACH,) if state in OUT_OF_REACH_STATES else ()
