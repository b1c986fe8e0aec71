"""Whatever bytes come: a message or a `MalformedMessage`, never another exception."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from iot.protocol import LEAVES, SEQ_MOST, MalformedMessage, parse_numbered, parse_status, peek_number
from tests.iot.builders import envelope

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
FIELDS = ["v", "boot", "seq", "at", "uptime_s", "data", "event", "samples", "power_w", "state", "credential"]
LIKE_OURS = st.dictionaries(st.sampled_from(FIELDS), JSON)


def read_all(payload: bytes) -> int:
    """Every reader on this payload; none may raise anything but `MalformedMessage`."""
    for leaf in [*LEAVES, "nonsense"]:
        try:
            message = parse_numbered(leaf, payload)
        except MalformedMessage as error:
            assert error.code  # noqa: PT017 (raised or not, both are right)
        else:
            assert 1 <= message.seq <= SEQ_MOST
    try:
        parse_status(payload)
    except MalformedMessage as error:
        assert error.detail  # noqa: PT017
    peek_number(payload)
    return len(payload)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_malformed(payload: bytes) -> None:
    assert read_all(payload) == len(payload)


@settings(max_examples=150, deadline=None)
@given(JSON | LIKE_OURS)
def test_random_json_is_read_or_malformed(value: Any) -> None:
    payload = json.dumps(value).encode()

    assert read_all(payload) == len(payload)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(LEAVES)), JSON | LIKE_OURS)
def test_random_data_in_a_whole_envelope_is_read_or_malformed(leaf: str, data: Any) -> None:
    payload = envelope(data)

    try:
        parse_numbered(leaf, payload)
    except MalformedMessage as error:
        assert error.code in {"wrong_shape", "not_json", "not_finite"}  # noqa: PT017
