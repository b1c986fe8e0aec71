"""Klipper printers through Moonraker's `[mqtt]`: whole objects, or each field on a topic of its own.

Source: Arksine/moonraker docs/configuration.md `[mqtt]`, components/mqtt.py; Klipper docs/Status_Reference.md. Only
what changed is sent. Moonraker sends no notifications over MQTT by itself; answers to `printer.objects.query` and
forwarded `notify_…` calls come on `moonraker/api/response` and are read as well.
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
    OUT_OF_REACH,
    STOPPED,
    as_object,
    busy,
    inner,
    measured,
    object_of,
    our_job,
    plain_number,
    presence_in,
    quietly_object,
    scaled,
    seen,
    text_in,
)
from iot.protocol import Event, Hello, MalformedMessage

KIND = "moonraker"
SEEN_ON = ("+/moonraker/status", "+/+/moonraker/status")
SET_UP = (
    SetUp("instance_name", "<printer>", _("The topic; otherwise it is the name of the computer.")),
    SetUp(
        "status_objects",
        "webhooks=state print_stats=state,filename virtual_sdcard=progress extruder=temperature",
        _("Nothing is told without it; one object a line."),
    ),
    SetUp("status_interval", "5", _("Every 5 seconds at most, instead of four times a second.")),
    SetUp("publish_split_status", "True", _("Each value on its own topic, and kept there.")),
)
COUNTER = ""
# An idle printer says nothing while its temperature stands; its last will tells when it is gone.
QUIET_FOR = dt.timedelta(days=1)

FIELDS = {
    "webhooks": ("state",),
    "print_stats": ("state", "filename"),
    "virtual_sdcard": ("progress",),
    "extruder": ("temperature",),
}
STATES: dict[str, Observation] = {
    "standby": IDLE,
    "paused": busy(is_paused=True),
    "complete": FINISHED,
    "cancelled": STOPPED,
    # The print, not the machine: Klipper itself says when the machine stands.
    "error": FAILED,
}
NOTICES: dict[str, Observation] = {
    "notify_klippy_ready": Hello(),
    "notify_klippy_shutdown": Event("fault", reason="klipper_shutdown"),
    # Moonraker is there, the printer's own process is not.
    "notify_klippy_disconnected": OUT_OF_REACH,
}


def writes(topic: str) -> tuple[str, ...]:
    # Each by its name: with wildcards a printer named "a" could speak for one named "a/klipper/state".
    split = (f"klipper/state/{name}/{field}" for name, fields in FIELDS.items() for field in fields)
    leaves = ("moonraker/status", "moonraker/api/response", "klipper/status", *split)
    return tuple(f"{topic}/{leaf}" for leaf in leaves)


def reads(topic: str) -> tuple[str, ...]:
    return (f"{topic}/moonraker/api/request",)


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is what follows the instance's name: `klipper/status`, `klipper/state/print_stats/state`."""
    if subtopic == "moonraker/status":
        return presence_in(text_in(object_of(payload), "server"), online="online", offline="offline")
    if subtopic == "klipper/status":
        return _objects(inner(object_of(payload), "status"))
    if subtopic == "moonraker/api/response":
        return _answer(object_of(payload))
    parts = subtopic.split("/")
    if len(parts) == 4 and parts[:2] == ["klipper", "state"] and parts[3] in FIELDS.get(parts[2], ()):
        return _objects({parts[2]: {parts[3]: object_of(payload).get("value")}})
    return ()


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By its last will."""
    if topic.endswith("/moonraker/status") and "server" in quietly_object(payload):
        return seen(KIND, topic.removesuffix("/moonraker/status"))
    return ()


def _answer(body: dict[str, Any]) -> Sequence[Observation]:
    method = text_in(body, "method")
    if method == "notify_status_update":
        params = body.get("params")
        if not isinstance(params, list) or not params:
            raise MalformedMessage("wrong_shape", "A notification has no parameters.")
        return _objects(as_object(params[0]))
    if method in NOTICES:
        return (NOTICES[method],)
    result = body.get("result")
    return _objects(inner(result, "status")) if isinstance(result, dict) else (Hello(),)


def _objects(status: dict[str, Any]) -> Sequence[Observation]:
    """What the objects say; a field that is missing did not change."""
    progress = plain_number(inner(status, "virtual_sdcard").get("progress"))
    found = [
        *measured(
            temperature_c=plain_number(inner(status, "extruder").get("temperature")),
            progress_pct=scaled(progress, 100),
        ),
        *_print(inner(status, "print_stats")),
    ]
    # Last: a printer that stands is not idle, whatever its print says.
    if text_in(inner(status, "webhooks"), "state") in ("shutdown", "error"):
        found.append(Event("fault", reason="klipper_shutdown"))
    return found or (Hello(),)


def _print(stats: dict[str, Any]) -> Sequence[Observation]:
    state = text_in(stats, "state")
    if state == "printing":
        return (busy(our_job(stats.get("filename"))),)
    return (STATES[state],) if state in STATES else ()
