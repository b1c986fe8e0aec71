"""Bytes → typed messages: whatever comes, the answer is a message or a `MalformedMessage` with its code."""

from typing import Any

import msgspec
import pytest

from iot.protocol import (
    MAX_PAYLOAD_BYTES,
    MAX_SAMPLES,
    SEQ_MOST,
    Access,
    CommandAck,
    Event,
    Hello,
    MalformedMessage,
    Numbered,
    Reading,
    Sample,
    Status,
    parse_numbered,
    parse_status,
    parse_topic,
    peek_number,
)
from tests.iot.builders import BUSY, envelope

BOOT_OF_40 = "b" * 40


def with_number(name: str, literal: str) -> bytes:
    """An envelope in which one number is written as this literal, which `json` would not write."""
    return envelope(**{name: "HERE"}).replace(b'"HERE"', literal.encode())


def power(literal: str) -> bytes:
    return envelope({"samples": [{"power_w": "HERE"}]}).replace(b'"HERE"', literal.encode())


def code_of(leaf: str, payload: bytes) -> str:
    with pytest.raises(MalformedMessage) as caught:
        parse_numbered(leaf, payload)
    return caught.value.code


@pytest.mark.parametrize(
    ("leaf", "data", "expected"),
    [
        pytest.param("hello", {}, Hello(), id="hello with nothing to say"),
        pytest.param(
            "hello",
            {"firmware": "fablab-agent 1.0", "capabilities": ["relay"], "config_version": 3},
            Hello("fablab-agent 1.0", ["relay"], 3),
            id="hello",
        ),
        pytest.param("event", {"event": "job", "job_id": "7"}, Event("job", job_id="7"), id="event"),
        pytest.param("reading", {"samples": [{}]}, Reading([Sample()]), id="sample in which nothing was measured"),
        pytest.param(
            "reading",
            {"samples": [{"age_ms": 1000, "power_w": 61}, {"temperature_c": -3.5, "progress_pct": 100}]},
            Reading([Sample(1000, 61.0), Sample(temperature_c=-3.5, progress_pct=100.0)]),
            id="samples",
        ),
        pytest.param("access", {"request_id": "r", "credential": "04AB"}, Access("r", "04AB"), id="badge"),
        pytest.param("ack", {"command_id": "c", "is_done": True}, CommandAck("c", True), id="command done"),
        pytest.param("event", {"event": "busy", "colour": {"r": 1}}, Event("busy"), id="unknown field is ignored"),
        pytest.param("event", {"event": "fault", "reason": "été €"}, Event("fault", "été €"), id="accents"),
    ],
)
def test_numbered_message_is_read(leaf: str, data: Any, expected: Any) -> None:
    message = parse_numbered(leaf, envelope(data, an_unknown_field=[1, None]))

    assert message == Numbered(leaf, "boot-1", 41, "2026-03-12T13:00:04.120Z", 8123.4, expected)


@pytest.mark.parametrize("seq", [1, SEQ_MOST], ids=["least", "most"])
def test_number_at_its_bound_is_read(seq: int) -> None:
    assert parse_numbered("event", envelope(seq=seq)).seq == seq


def test_last_of_two_equal_keys_counts() -> None:
    payload = envelope("HERE").replace(b'"HERE"', b'{"event": "busy", "event": "idle"}')

    assert parse_numbered("event", payload).data == Event("idle")


HOSTILE = [
    pytest.param(b"", "not_json", id="empty"),
    pytest.param(b"\x00" * 50, "not_json", id="zero bytes"),
    pytest.param(b"\xff\xfe\x00\x01", "not_json", id="binary"),
    pytest.param(envelope().decode().encode("utf-16"), "not_json", id="UTF-16"),
    pytest.param(b"\xef\xbb\xbf" + envelope(), "not_json", id="byte order mark"),
    pytest.param(envelope() + b"x", "not_json", id="rubbish after the end"),
    pytest.param(envelope()[:-1], "not_json", id="cut short"),
    pytest.param(b"x" * 1_000_000, "too_large", id="one megabyte"),
    pytest.param(envelope({"event": "busy", "x": "y" * MAX_PAYLOAD_BYTES}), "too_large", id="a little too large"),
    pytest.param(b"[" * 100_000, "too_large", id="100,000 levels"),
    pytest.param(b"[" * 60_000, "wrong_shape", id="as many levels as fit"),
    pytest.param(b'{"a":' * 12_000, "too_deep", id="deep objects"),
    pytest.param(envelope("HERE").replace(b'"HERE"', b"[" * 60_000), "too_deep", id="deep data"),
    pytest.param(
        envelope({"event": "busy", "x": "HERE"}).replace(b'"HERE"', b"[" * 30_000 + b"]" * 30_000),
        "too_deep",
        id="deep unknown field",
    ),
    pytest.param(b"null", "wrong_shape", id="null"),
    pytest.param(b"[]", "wrong_shape", id="list"),
    pytest.param(b"41", "wrong_shape", id="number"),
    pytest.param(envelope(v=2), "wrong_shape", id="version 2"),
    pytest.param(envelope(v=True), "wrong_shape", id="version true"),
    pytest.param(envelope(v="1"), "wrong_shape", id="version as text"),
    pytest.param(envelope(seq=0), "wrong_shape", id="number 0"),
    pytest.param(envelope(seq=-1), "wrong_shape", id="number -1"),
    pytest.param(envelope(seq=2**63), "wrong_shape", id="number beyond bigint"),
    pytest.param(with_number("seq", "9" * 5000), "wrong_shape", id="number of 5,000 digits"),
    pytest.param(with_number("seq", "1.0"), "wrong_shape", id="number with a point"),
    pytest.param(with_number("seq", "1e2"), "wrong_shape", id="number with an exponent"),
    pytest.param(envelope(seq=True), "wrong_shape", id="number true"),
    pytest.param(envelope(seq="41"), "wrong_shape", id="number as text"),
    pytest.param(envelope(seq=None), "wrong_shape", id="no number"),
    pytest.param(envelope(uptime_s=-0.1), "wrong_shape", id="uptime below zero"),
    pytest.param(envelope(uptime_s=1e11), "wrong_shape", id="uptime of 3,000 years"),
    pytest.param(with_number("uptime_s", "1e400"), "wrong_shape", id="uptime beyond a double"),
    pytest.param(with_number("uptime_s", "NaN"), "not_json", id="uptime NaN"),
    pytest.param(envelope(boot=""), "wrong_shape", id="boot empty"),
    pytest.param(envelope(boot="b" * 41), "wrong_shape", id="boot too long"),
    pytest.param(envelope(boot=BOOT_OF_40 + "\n"), "wrong_shape", id="line feed after the longest boot"),
    pytest.param(envelope(boot="boot\x00"), "wrong_shape", id="boot with U+0000"),
    pytest.param(envelope(at="yesterday"), "wrong_shape", id="no instant"),
    pytest.param(envelope(at="2026-03-12T13:00:04"), "wrong_shape", id="instant without zone"),
    pytest.param(envelope(at=1_773_000_000), "wrong_shape", id="instant as a number"),
    pytest.param(envelope(None), "wrong_shape", id="data null"),
    pytest.param(envelope([BUSY]), "wrong_shape", id="data a list"),
    pytest.param(envelope({"event": "explode"}), "wrong_shape", id="unknown event"),
    pytest.param(envelope({"event": ["busy"]}), "wrong_shape", id="event a list"),
    pytest.param(envelope({"event": "busy", "job_id": "\x00"}), "wrong_shape", id="U+0000 in a text"),
    pytest.param(envelope({"event": "busy", "reason": "a\n"}), "wrong_shape", id="line feed at a text's end"),
    pytest.param(envelope({"event": "busy", "reason": "x" * 201}), "wrong_shape", id="text too long"),
    pytest.param(envelope({"event": "busy", "reason": "\ud800"}), "not_json", id="lone surrogate"),
    pytest.param(envelope({"event": "busy", "reason": "HERE"}).replace(b"HERE", b"\xff"), "not_utf8", id="not UTF-8"),
]


@pytest.mark.parametrize(("payload", "code"), HOSTILE)
def test_hostile_event_is_malformed(payload: bytes, code: str) -> None:
    assert code_of("event", payload) == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(envelope({"samples": []}), "wrong_shape", id="no sample"),
        pytest.param(envelope({"samples": [{}] * (MAX_SAMPLES + 1)}), "wrong_shape", id="too many samples"),
        pytest.param(envelope({"samples": {"power_w": 1}}), "wrong_shape", id="samples no list"),
        pytest.param(power("NaN"), "not_json", id="NaN"),
        pytest.param(power("Infinity"), "not_json", id="Infinity"),
        pytest.param(power("-Infinity"), "not_json", id="minus Infinity"),
        pytest.param(power("1e400"), "wrong_shape", id="beyond a double"),
        pytest.param(power("true"), "wrong_shape", id="bool as number"),
        pytest.param(power('"61"'), "wrong_shape", id="text as number"),
        pytest.param(power("1e9"), "wrong_shape", id="a gigawatt"),
        pytest.param(envelope({"samples": [{"age_ms": -1}]}), "wrong_shape", id="measured in the future"),
        pytest.param(envelope({"samples": [{"age_ms": 10**9}]}), "wrong_shape", id="measured days ago"),
        pytest.param(envelope({"samples": [{"energy_wh": -1}]}), "wrong_shape", id="negative energy"),
        pytest.param(envelope({"samples": [{"battery_pct": 101}]}), "wrong_shape", id="more than full"),
    ],
)
def test_hostile_reading_is_malformed(payload: bytes, code: str) -> None:
    assert code_of("reading", payload) == code


TEXTS = [
    ("hello", {"firmware": "HERE"}),
    ("hello", {"capabilities": ["HERE"]}),
    ("event", {"event": "busy", "reason": "HERE"}),
    ("event", {"event": "busy", "job_id": "HERE"}),
    ("access", {"request_id": "HERE", "credential": "04AB"}),
    ("access", {"request_id": "r", "credential": "HERE"}),
    ("ack", {"command_id": "HERE", "is_done": True}),
    ("ack", {"command_id": "c", "is_done": True, "reason": "HERE"}),
]


@pytest.mark.parametrize("bad", ["\\u0000", "x\\u0000y", "\\u001b[2J", "x\\n", "\\u007f"])
@pytest.mark.parametrize(("leaf", "data"), TEXTS)
def test_control_character_in_any_text_is_malformed(leaf: str, data: dict[str, Any], bad: str) -> None:
    assert code_of(leaf, envelope(data).replace(b"HERE", bad.encode())) == "wrong_shape"


@pytest.mark.parametrize("leaf", ["", "status", "reading/x", "Reading", "\x00", "x" * 10_000])
def test_unknown_leaf_is_malformed(leaf: str) -> None:
    assert code_of(leaf, envelope()) == "unknown_leaf"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("fablab/v1/laser-plug/up/reading", ("laser-plug", "reading")),
        ("fablab/v1/laser-plug/up/", ("laser-plug", "")),
        pytest.param("fablab/v1/laser-plug/down/ack", None, id="to the device"),
        pytest.param("fablab/v2/laser-plug/up/reading", None, id="another version"),
        pytest.param("fablab/v1/laser-plug/up/reading/x", None, id="a level too many"),
        pytest.param("fablab/v1/laser-plug/up", None, id="a level too few"),
        pytest.param("/fablab/v1/laser-plug/up/reading", None, id="leading slash"),
        pytest.param("", None, id="empty"),
    ],
)
def test_topic_names_device_and_leaf(topic: str, expected: tuple[str, str] | None) -> None:
    if expected:
        assert parse_topic(topic) == expected
        return
    with pytest.raises(MalformedMessage) as caught:
        parse_topic(topic)
    assert caught.value.code == "unknown_topic"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(b'{"state": "offline"}', Status("offline"), id="last will"),
        pytest.param(
            b'{"state": "online", "boot": "boot-1", "at": "2026-03-12T13:00:00Z", "uptime_s": 3, "x": 1}',
            Status("online", "boot-1", "2026-03-12T13:00:00Z", 3.0),
            id="heartbeat",
        ),
        pytest.param(b"", None, id="retained status removed"),
        pytest.param(b"offline", None, id="bare word"),
        pytest.param(b'{"state": "sleeping"}', None, id="unknown state"),
        pytest.param(b'{"state": "online", "uptime_s": -1}', None, id="uptime below zero"),
        pytest.param(b'{"state": "online", "boot": "a b"}', None, id="boot with a blank"),
        pytest.param(b" " * (MAX_PAYLOAD_BYTES + 1), None, id="too large"),
    ],
)
def test_status_is_read_or_malformed(payload: bytes, expected: Status | None) -> None:
    if expected:
        assert parse_status(payload) == expected
        return
    with pytest.raises(MalformedMessage):
        parse_status(payload)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(envelope({"event": "explode"}), ("boot-1", 41), id="malformed data"),
        pytest.param(envelope(None), ("boot-1", 41), id="no data"),
        pytest.param(envelope(seq=0), None, id="malformed number"),
        pytest.param(envelope(v=2), None, id="another version"),
        pytest.param(b"\xff", None, id="binary"),
        pytest.param(b"x" * 1_000_000, None, id="one megabyte"),
    ],
)
def test_place_of_a_malformed_message_is_found_where_its_envelope_is_whole(payload: bytes, expected: Any) -> None:
    assert peek_number(payload) == expected


def test_published_patterns_refuse_the_same_texts_in_every_regex_dialect() -> None:
    schema = msgspec.json.encode(msgspec.json.schema(Event)).decode()

    # `\Z` and `\z` are unknown to the dialect of JSON Schema.
    assert r"\\Z" not in schema
    assert r"(?!\\n)" in schema
