"""The published protocol is the one that is parsed: never stale, and each of its examples is a message."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from iot.management.commands.protocol_docs import stale_documents
from iot.protocol import LEAVES, MalformedMessage, parse_numbered, parse_status, parse_topic
from iot.protocol_examples import MESSAGES, Message
from iot.protocol_schema import async_api, json_schema

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
BY_NAME = [pytest.param(message, id=message.name) for message in MESSAGES]


def references_in(document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [document["$ref"]] if "$ref" in document else []
        return own + [found for value in document.values() for found in references_in(value)]
    if isinstance(document, list):
        return [found for value in document for found in references_in(value)]
    return []


def target_of(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def schema_of(message: Message) -> dict[str, Any]:
    return {**json_schema(), "$ref": f"#/$defs/{message.name}"}


def test_published_documents_are_not_stale():
    stale = stale_documents(DOCS)

    assert sorted(stale) == [], "Run: manage.py protocol_docs"


def test_check_names_the_stale_document_and_writing_mends_it(tmp_path):
    for name in ("protocol.md", "protocol.schema.json", "asyncapi.yaml"):
        (tmp_path / name).write_bytes((DOCS / name).read_bytes())
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 2.0.0\n")

    with pytest.raises(CommandError, match=r"Stale: asyncapi\.yaml"):
        call_command("protocol_docs", "--check", folder=tmp_path)
    call_command("protocol_docs", folder=tmp_path, verbosity=0)

    assert stale_documents(tmp_path) == {}


def test_page_without_its_marks_is_left_alone(tmp_path):
    (tmp_path / "protocol.md").write_text("# Ours\n")

    with pytest.raises(CommandError, match="lacks the lines"):
        call_command("protocol_docs", folder=tmp_path)

    assert (tmp_path / "protocol.md").read_text() == "# Ours\n"


def test_every_leaf_that_is_parsed_is_published():
    published = {message.leaf for message in MESSAGES if message.is_numbered}

    assert published == set(LEAVES)


@pytest.mark.parametrize("message", BY_NAME)
def test_example_is_read_by_the_parser(message):
    payload = msgspec.json.encode(message.example)

    if message.is_numbered:
        _, leaf = parse_topic(message.topic.format(device="laser-1"))
        assert parse_numbered(leaf, payload).data == msgspec.convert(message.example["data"], message.kind)
    elif message.leaf == "status":
        assert parse_status(payload) == msgspec.convert(message.example, message.kind)
    else:
        assert msgspec.to_builtins(msgspec.json.decode(payload, type=message.kind)) == message.example


@pytest.mark.parametrize("message", BY_NAME)
def test_example_holds_to_the_schema(message):
    found = jsonschema.Draft202012Validator(schema_of(message)).iter_errors(message.example)

    assert list(found) == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"seq": 0}, id="number below one"),
        pytest.param({"boot": "b\n"}, id="line feed after the boot"),
        pytest.param({"at": "yesterday"}, id="not an instant"),
        pytest.param({"v": 2}, id="another version"),
        pytest.param({"data": {"samples": []}}, id="no sample"),
        pytest.param({"data": {"samples": [{"progress_pct": 101}]}}, id="more than all"),
    ],
)
def test_schema_and_parser_refuse_the_same(broken):
    reading = next(message for message in MESSAGES if message.leaf == "reading")
    body = reading.example | broken

    with pytest.raises(MalformedMessage):
        parse_numbered("reading", msgspec.json.encode(body))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, schema_of(reading), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("document", [json_schema(), async_api()], ids=["JSON Schema", "AsyncAPI"])
def test_references_lead_somewhere(document):
    references = references_in(document)

    assert references
    assert all(isinstance(target_of(document, reference), dict) for reference in references)


def test_every_channel_is_one_message_on_its_own_topic():
    document = async_api()

    addresses = [channel["address"] for channel in document["channels"].values()]
    actions = {operation["channel"]["$ref"]: operation["action"] for operation in document["operations"].values()}
    assert addresses == [message.topic for message in MESSAGES]
    assert actions == {f"#/channels/{m.name}": "receive" if m.direction == "up" else "send" for m in MESSAGES}


def test_published_schema_is_plain_json():
    text = (DOCS / "protocol.schema.json").read_text()

    assert json.loads(text) == json_schema()
