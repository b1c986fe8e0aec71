"""The messages as tables in Markdown: topics, then the fields of each kind with type and limits."""

import json
from collections.abc import Sequence
from typing import Any

from iot.protocol import CLEAN, END
from iot.protocol_examples import MESSAGES, Message
from iot.protocol_schema import Schema, payload_schemas, summary

_REFERENCE = "{name}"


def message_tables(messages: Sequence[Message] = MESSAGES) -> str:
    """Everything that can be told from the types, as one piece of Markdown that ends with a line feed."""
    schemas = payload_schemas(_REFERENCE, messages)
    names = {message.name for message in messages}
    parts = ["### Topics\n", _topics(messages), "### Fields\n"]
    parts += [_kind(name, schema) for name, schema in schemas.items() if name not in names]
    parts += ["### Examples\n", *(_example(message) for message in messages)]
    return "\n".join(parts)


def _topics(messages: Sequence[Message]) -> str:
    rows = ["| topic | payload | retained | meaning |", "|---|---|---|---|"]
    for message in messages:
        payload = f"Envelope of {message.kind.__name__}" if message.is_numbered else message.kind.__name__
        kept = "yes" if message.is_retained else "no"
        topic = message.topic.format(device="<device>")
        rows.append(f"| `{topic}` | {payload} | {kept} | {summary(message)} |")
    return "\n".join(rows) + "\n"


def _kind(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    rows = [f"#### {name}\n", f"{schema.get('description', '')}\n", "| field | type | needed |", "|---|---|---|"]
    for field, shape in schema.get("properties", {}).items():
        needed = "yes" if field in required else "no"
        rows.append(f"| `{field}` | {_in_words(shape)} | {needed} |")
    return "\n".join(rows) + "\n"


def _in_words(shape: Schema) -> str:
    """The type with its limits. A pipe in a pattern would end the table's cell."""
    return _type(shape).replace("|", r"\|")


def _type(shape: Schema) -> str:
    if "$ref" in shape:
        return str(shape["$ref"])
    if "anyOf" in shape:
        return " or ".join(_type(part) for part in shape["anyOf"])
    if "enum" in shape:
        return ", ".join(f"`{json.dumps(value)}`" for value in shape["enum"])
    kind = str(shape.get("type", "any JSON"))
    if kind == "array":
        count = _limits(shape, "minItems", "maxItems").removeprefix(", ")
        return f"list ({count}) of {_type(shape['items'])}" if count else f"list of {_type(shape['items'])}"
    limits = _limits(shape, "minimum", "maximum") or _limits(shape, "minLength", "maxLength")
    return f"{kind}{limits}{_form(shape.get('pattern', ''))}"


def _limits(shape: Schema, least: str, most: str) -> str:
    """`, 0 to 100`; an end that is not limited is left out."""
    ends: list[Any] = [shape.get(least), shape.get(most)]
    if ends == [None, None]:
        return ""
    if ends[0] is None:
        return f", at most {ends[1]}"
    return f", at least {ends[0]}" if ends[1] is None else f", {ends[0]} to {ends[1]}"


def _form(pattern: str) -> str:
    if pattern == CLEAN:
        return ", no control characters"
    return f", `{pattern.removesuffix(END)}$`" if pattern else ""


def _example(message: Message) -> str:
    body = json.dumps(message.example, ensure_ascii=False)
    return f"`{message.topic.format(device='laser-1')}`\n\n```json\n{body}\n```\n"
