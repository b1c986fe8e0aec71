"""Shelly plugs and meters. One device is its first channel: a second one would look like a meter that jumps.

Gen1 (shelly-api-docs.shelly.cloud/gen1): bare words under `shellies/<model>-<id>/`; energy in watt-minutes.
Gen2 and later (…/gen2, MQTT, Switch, PM1, EM, EM1, Notifications): JSON under a free prefix; energy in Wh.
`events/rpc` holds only what changed.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from iot.drivers.base import Observation, Relay, Seen, SetUp
from iot.drivers.payloads import (
    WATT_MINUTES_PER_WH,
    as_object,
    firmware_of,
    measured,
    number_of,
    object_of,
    plain_number,
    presence_in,
    quietly_object,
    scaled,
    seen,
    switched,
    text_in,
    word_of,
)
from iot.protocol import Event, Hello, MalformedMessage

KIND = "shelly"
SEEN_ON = ("shellies/announce", "shellies/+/online", "+/events/rpc", "+/+/events/rpc", "+/status/switch:0")
SET_UP = (
    SetUp("MQTT", "Enable", _("The topic is its “MQTT prefix”; with Gen1 it is shellies/ and its name.")),
    SetUp("status_ntf", "ON", _("“Generic status update over MQTT”: without it no power is told.")),
    SetUp("rpc_ntf", "ON", _("“RPC status notifications over MQTT”: tells at once when the power changes.")),
    SetUp("mqtt_update_period", "10", _("Gen1 only: it tells its power every 10 seconds at the latest.")),
)
COUNTER = _(
    "Gen1 plugs count watt-minutes and begin at zero after each restart. Gen2 and later keep the total over a restart; "
    "“Reset counters” begins it again."
)
# Gen2 repeats its status once a minute when nothing changes.
QUIET_FOR = dt.timedelta(minutes=3)

# Relay, meter of a plug, three-phase meter, one-phase meter; with what the meter's own counter is called.
COMPONENTS = ("switch:0", "pm1:0", "em:0", "em1:0")
COUNTERS = ("emdata:0", "em1data:0")
FAULTS = ("overtemp", "overpower", "overvoltage", "overcurrent")
_GEN1 = ("online", "announce", "relay/0", "relay/0/power", "relay/0/energy", "emeter/0/power", "emeter/0/total")


def writes(topic: str) -> tuple[str, ...]:
    # Each by its name: with wildcards a plug named "a" could speak for one named "a/relay".
    status = tuple(f"status/{component}" for component in (*COMPONENTS, *COUNTERS, "sys", "mqtt"))
    return tuple(f"{topic}/{leaf}" for leaf in (*_GEN1, *status, "events/rpc"))


def reads(topic: str) -> tuple[str, ...]:
    return (f"{topic}/relay/0/command", f"{topic}/command", f"{topic}/command/switch:0", f"{topic}/rpc")


def command(topic: str, order: str) -> tuple[str, bytes] | None:
    """Topic and payload of an order to the first channel; None for what a plug has no word for."""
    words = {"enable": b"on", "disable": b"off"}
    if order not in words:
        return None
    return f"{topic}/relay/0/command" if topic.startswith("shellies/") else f"{topic}/command/switch:0", words[order]


def parse(topic: str, subtopic: str, payload: bytes) -> Sequence[Observation]:
    """`subtopic` is what follows the prefix: `relay/0/power`, `status/switch:0`, `events/rpc`."""
    if subtopic == "online":
        return presence_in(word_of(payload), online="true", offline="false")
    if subtopic == "announce":
        return (Hello(firmware=firmware_of(object_of(payload).get("fw_ver"))),)
    if subtopic == "events/rpc":
        return _notified(object_of(payload))
    first, _slash, rest = subtopic.partition("/")
    if first == "status":
        return _status(rest, object_of(payload))
    return _gen1(subtopic, payload)


def recognise(topic: str, payload: bytes) -> Sequence[Seen]:
    """By its announcement, its name in the topic, or the shape of what it says."""
    if topic == "shellies/announce":
        body = quietly_object(payload)
        return seen(KIND, f"shellies/{body['id']}", body["id"], body.get("model")) if _is_name(body.get("id")) else ()
    base, _slash, leaf = topic.rpartition("/")
    if leaf == "online" and base.startswith("shellies/") and payload in (b"true", b"false"):
        return seen(KIND, base, base.removeprefix("shellies/"))
    body = quietly_object(payload) if leaf in ("rpc", "switch:0") else {}
    if topic.endswith("/events/rpc") and str(body.get("method", "")).startswith("Notify") and _is_name(body.get("src")):
        return seen(KIND, topic.removesuffix("/events/rpc"), body["src"])
    if topic.endswith("/status/switch:0") and isinstance(body.get("output"), bool):
        return seen(KIND, topic.removesuffix("/status/switch:0"))
    return ()


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.startswith("shelly")


def _gen1(subtopic: str, payload: bytes) -> Sequence[Observation]:
    if subtopic == "relay/0":
        word = word_of(payload)
        # The plug has cut the power itself.
        return (Event("fault", reason=word),) if word == "overpower" else switched(word, on="on", off="off")
    if subtopic in ("relay/0/power", "emeter/0/power"):
        return measured(power_w=_needed(payload))
    if subtopic == "relay/0/energy":
        return measured(energy_wh=scaled(_needed(payload), 1 / WATT_MINUTES_PER_WH))
    if subtopic == "emeter/0/total":
        return measured(energy_wh=_needed(payload))
    return ()


def _needed(payload: bytes) -> float:
    number = number_of(word_of(payload))
    if number is None:
        raise MalformedMessage("wrong_shape", "A measured value is not a number.")
    return number


def _notified(body: dict[str, Any]) -> Sequence[Observation]:
    """`NotifyStatus` and `NotifyFullStatus` hold components; `NotifyEvent` holds button presses and the like."""
    if text_in(body, "method") not in ("NotifyStatus", "NotifyFullStatus"):
        return (Hello(),)
    params = as_object(body.get("params"))
    found: list[Observation] = []
    for name in (*COMPONENTS, *COUNTERS):
        if params.get(name) is not None:
            found += _component(name, as_object(params[name]))
    return found or (Hello(),)


def _status(component: str, body: dict[str, Any]) -> Sequence[Observation]:
    if component in (*COMPONENTS, *COUNTERS):
        return _component(component, body) or (Hello(),)
    return (Hello(),)


def _component(name: str, body: dict[str, Any]) -> Sequence[Observation]:
    """What one component says; a field that is missing did not change."""
    if name == "emdata:0":
        return measured(energy_wh=plain_number(body.get("total_act")))
    if name == "em1data:0":
        return measured(energy_wh=plain_number(body.get("total_act_energy")))
    power_name = {"em:0": "total_act_power", "em1:0": "act_power"}.get(name, "apower")
    power_w = plain_number(body.get(power_name))
    counter = body.get("aenergy")
    energy_wh = None if counter is None else plain_number(as_object(counter).get("total"))
    return (*measured(power_w=power_w, energy_wh=energy_wh), *_relay(body, is_metered=power_w is not None))


def _relay(body: dict[str, Any], *, is_metered: bool) -> Sequence[Observation]:
    errors = body.get("errors")
    if isinstance(errors, list) and (known := [fault for fault in FAULTS if fault in errors]):
        return (Event("fault", reason=known[0]),)
    output = body.get("output")
    if output is None:
        return ()
    if not isinstance(output, bool):
        raise MalformedMessage("wrong_shape", "output is neither true nor false.")
    if output and is_metered:
        # What it measures says more of use than that it lets power through.
        return (Relay(is_on=True),)
    return (Event("energised" if output else "de_energised"),)
