"""Badge readers: the number leaves a payload before anything keeps it."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.drivers import rfid
from iot.protocol import Access, MalformedMessage
from tests.iot.recorded import files_of, lines_of, parse


def mark(number: str) -> str:
    """As `people.badges.masked_badge`, without its key."""
    return "hmac:" + hashlib.sha256(number.encode()).hexdigest()


def kept(body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    text = rfid.with_mark(raw, mark)
    return json.loads(text) if text[:1] == b"{" else text


def test_bare_number_becomes_its_mark() -> None:
    assert kept(b"04:A2:B3:C4") == mark("04:A2:B3:C4").encode()


def test_names_of_people_and_doors_are_not_kept() -> None:
    said = {"type": "access", "uid": "E2A9B3C4", "username": "Ana Diaz", "hostname": "door", "time": 1605991375}

    assert kept(said) == {"type": "access", "time": 1605991375, "uid": mark("E2A9B3C4")}


def test_number_in_a_chip_s_part_becomes_its_mark() -> None:
    said = {"Time": "2026-03-12T14:00:00", "RC522": {"UID": "BA839D07", "Data": "secret", "Type": "MIFARE 1KB"}}

    assert kept(said) == {"Time": "2026-03-12T14:00:00", "RC522": {"UID": mark("BA839D07")}}


def test_number_that_is_a_number_becomes_its_mark() -> None:
    assert kept({"Wiegand": {"UID": 4302741608, "Size": 34}}) == {"Wiegand": {"UID": mark("4302741608")}}


def test_mark_that_somebody_presents_is_marked_like_any_number() -> None:
    stolen = mark("04A2B3C4")

    assert kept(stolen.encode()) == mark(stolen).encode()
    assert kept({"uid": stolen}) == {"uid": mark(stolen)}


@pytest.mark.parametrize("payload", [b"\xff\xfe04A2B3C4", b'{"uid": "04A2B3C4"', b'["04A2B3C4"]', b"0" * 100])
def test_what_cannot_be_read_is_not_kept(payload: bytes) -> None:
    assert kept(payload) == b""


@pytest.mark.parametrize("depth", [2, 500, 900, 5000])
def test_number_that_lies_deeper_than_any_reader_s_is_not_kept(depth: int) -> None:
    payload = b'{"RC522":' * depth + b'{"UID":"04A2B3C4"}' + b"}" * depth

    assert b"04A2" not in rfid.with_mark(payload, mark)


@pytest.mark.parametrize("name", files_of("rfid"))
def test_marked_payload_asks_the_same(name: str) -> None:
    base = "tele/reader-1" if name == "tasmota" else "door-reader"

    for topic, payload in lines_of("rfid", name):
        asked = parse("rfid", base, topic, payload)
        if asked and isinstance(asked[0], Access) and not asked[0].credential.startswith("hmac:"):
            again = parse("rfid", base, topic, rfid.with_mark(payload, mark))

            assert again == (Access(asked[0].request_id, again[0].credential),)
            assert again[0].credential.startswith("hmac:")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.dictionaries(st.sampled_from(["uid", "UID", "RC522", "x", "type"]), st.text()).map(
    lambda body: json.dumps(body).encode()
))  # fmt: skip
def test_any_payload_is_marked_or_emptied(payload: bytes) -> None:
    text = rfid.with_mark(payload, mark)

    assert rfid.with_mark(payload, mark) == text
    try:
        rfid.parse("door-reader", "tag", text)
    except MalformedMessage as error:
        assert error.code  # noqa: PT017


def test_complaint_does_not_quote_the_number() -> None:
    with pytest.raises(MalformedMessage) as caught:
        rfid.parse("door-reader", "tag", b"04A2B3C4XYZ")

    assert "04A2" not in caught.value.detail
