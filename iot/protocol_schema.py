"""The protocol as JSON Schema and as AsyncAPI, made from the very types that the code parses with."""

from collections.abc import Sequence
from typing import Any

import msgspec

from iot.protocol import VERSION, DeviceSlug, Envelope
from iot.protocol_examples import MESSAGES, Message

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TITLE = "Fab lab device protocol"
_ABOUT = "How devices report to a fab lab over MQTT, and how it answers them. Unknown fields are ignored."
_ASYNCAPI = "3.0.0"
_MQTT_BINDING = "0.2.0"


def json_schema(messages: Sequence[Message] = MESSAGES) -> Schema:
    """One JSON Schema document; `$defs` holds each payload under its `Message.name`."""
    return {
        "$schema": _DIALECT,
        "$id": f"urn:fablab:protocol:v{VERSION}",
        "title": _TITLE,
        "description": _ABOUT,
        "$defs": payload_schemas("#/$defs/{name}", messages),
    }


def async_api(messages: Sequence[Message] = MESSAGES) -> Schema:
    """One AsyncAPI 3 document, written from the lab's side: it receives `up` and sends `down`."""
    return {
        "asyncapi": _ASYNCAPI,
        "info": {"title": _TITLE, "version": str(VERSION), "description": _ABOUT, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "channels": {message.name: _channel(message) for message in messages},
        "operations": {_operation_name(message): _operation(message) for message in messages},
        "components": {
            "messages": {message.name: _message(message) for message in messages},
            "schemas": payload_schemas("#/components/schemas/{name}", messages),
        },
    }


def payload_schemas(reference: str, messages: Sequence[Message] = MESSAGES) -> dict[str, Schema]:
    """The schema of every payload and of all that it refers to, by name; `reference` is the form of a `$ref`."""
    kinds = [Envelope, *(message.kind for message in messages)]
    _, shared = msgspec.json.schema_components(kinds, ref_template=reference)
    payloads = {message.name: _payload(message, reference) for message in messages}
    return payloads | dict(sorted(shared.items()))


def _payload(message: Message, reference: str) -> Schema:
    kind = {"$ref": reference.format(name=message.kind.__name__)}
    if not message.is_numbered:
        return kind
    envelope = {"$ref": reference.format(name=Envelope.__name__)}
    return {"allOf": [envelope, {"type": "object", "properties": {"data": kind}, "required": ["data"]}]}


def _channel(message: Message) -> Schema:
    return {
        "address": message.topic,
        "messages": {message.name: {"$ref": f"#/components/messages/{message.name}"}},
        "parameters": {"device": {"description": f"The device's identifier: {_device_pattern()}"}},
    }


def _device_pattern() -> str:
    return str(msgspec.json.schema(DeviceSlug)["pattern"])


def _operation_name(message: Message) -> str:
    return f"{_action(message)}{message.name}"


def _action(message: Message) -> str:
    return "receive" if message.direction == "up" else "send"


def _operation(message: Message) -> Schema:
    channel = f"#/channels/{message.name}"
    return {
        "action": _action(message),
        "channel": {"$ref": channel},
        "summary": summary(message),
        "messages": [{"$ref": f"{channel}/messages/{message.name}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": message.is_retained, "bindingVersion": _MQTT_BINDING}},
    }


def _message(message: Message) -> Schema:
    return {
        "name": message.leaf,
        "title": f"{message.direction}/{message.leaf}",
        "summary": summary(message),
        "payload": {"$ref": f"#/components/schemas/{message.name}"},
        "examples": [{"name": message.leaf, "payload": message.example}],
    }


def summary(message: Message) -> str:
    """What the message says, and the note that the types cannot carry."""
    about = " ".join((message.kind.__doc__ or "").split())
    return f"{about} {message.note}".strip()
