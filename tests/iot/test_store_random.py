"""Whatever comes, on whatever topic, for whatever kind of device: nothing raises, and what is well is stored."""

import json
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iot.drivers import foreign_driver
from iot.ingest.asking import decision_on
from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import store_batch
from iot.models import DriverKind, InboxMessage, QuarantinedMessage
from iot.protocol import LEAVES
from tests.iot.builders import NOW, Talker, make_device, make_machine
from tests.iot.recorded import PAYLOADS, files_of, lines_of
from tests.iot.test_broker_rights import TOPICS
from tests.iot.test_protocol_random import JSON, LIKE_OURS

pytestmark = pytest.mark.django_db

RECORDED = sorted(
    {
        line
        for kind in (path.name for path in PAYLOADS.iterdir() if path.is_dir())
        for name in files_of(kind)
        for line in lines_of(kind, name)
    }
)
# Nested more deeply than Python recurses, and holding what must be masked.
DEEP = [b'{"uid": "04A2B3C4", "x": ' + b'{"y": ' * depth + b"1" + b"}" * (depth + 1) for depth in (400, 900, 9_000)]
HOSTILE = [
    b"", b"{", b"null", b"\xff\xfe", b"NaN", b"1e999", b"-0", b"9" * 5_000, b'"\\ud800"', b'{"uid": "\\u0000"}',
    b'{"uid": "\\ud800"}', b"[" * 40_000, b'{"ENERGY": ' + b"[" * 40_000, b'{"uid": ' + b"[" * 40_000,
    b'{"a": ' * 10_000 + b"1" + b"}" * 10_000, b"x" * 100_000, *DEEP,
]  # fmt: skip
OURS = [f"fablab/v1/fablab-0/up/{leaf}" for leaf in (*sorted(LEAVES), "status", "nonsense")]
FOREIGN = sorted(
    {
        pattern.replace("+", name)
        for kind, topics in TOPICS.items()
        for topic in (topics if kind != DriverKind.FABLAB else ())
        for pattern in foreign_driver(kind).writes(topic)
        for name in ("SENSOR", "power")
    }
)
TOPIC = st.one_of(
    st.sampled_from([*OURS, *FOREIGN]),
    st.sampled_from([topic for topic, _ in RECORDED]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60),
)
PAYLOAD = st.one_of(
    st.binary(max_size=200),
    (JSON | LIKE_OURS).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([payload for _, payload in RECORDED]),
    st.sampled_from(HOSTILE),
)
numbers = count()


@pytest.fixture
def directory(db: None) -> Directory:
    """Two devices of each kind, each on a machine of its own, and one that is beyond suspicion."""
    for kind, topics in TOPICS.items():
        for number, topic in enumerate(topics):
            make_device(f"{kind}-{number}", make_machine(f"{kind}-{number}"), kind=kind, topic=topic)
    make_device("good", make_machine("good"))
    return Directory()


def stored_among_good(directory: Directory, hostile: list[RawMessage]) -> int:
    """Store them between two good messages, and answer those that ask; how many the quarantine has now."""
    talker = Talker("good", boot=f"boot-{next(numbers)}")
    before, after = talker.power(5, 1), talker.power(6, 2)

    acks = store_batch([before, *hostile, after], directory, now=after.received_at)
    for raw in hostile:
        decision_on(raw, after.received_at)

    assert [ack.seq for ack in acks if ack.device_slug == "good"] == [2]
    assert InboxMessage.objects.filter(device__slug="good", boot=talker.boot).count() == 2
    return QuarantinedMessage.objects.count()


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(TOPIC, PAYLOAD, st.booleans()), min_size=1, max_size=6))
@example([(topic, payload, False) for topic in OURS for payload in DEEP])
def test_anything_on_any_topic_is_stored_or_quarantined(
    directory: Directory, messages: list[tuple[str, bytes, bool]]
) -> None:
    hostile = [RawMessage(topic, payload, NOW, is_retained) for topic, payload, is_retained in messages]

    assert stored_among_good(directory, hostile) >= 0


@pytest.mark.parametrize("kind", DriverKind.values)
def test_each_hostile_payload_on_each_topic_of_each_kind(directory: Directory, kind: str) -> None:
    spoken = OURS if kind == DriverKind.FABLAB else [topic for topic in FOREIGN if is_of(kind, topic)]
    hostile = [RawMessage(topic, payload, NOW) for topic in spoken for payload in HOSTILE]

    assert stored_among_good(directory, hostile) > 0


@pytest.mark.parametrize("kind", [kind for kind in DriverKind.values if kind != DriverKind.FABLAB])
def test_recordings_of_every_kind_on_the_topics_of_another(directory: Directory, kind: str) -> None:
    spoken = [topic for topic in FOREIGN if is_of(kind, topic)]
    payloads = {payload for _, payload in RECORDED}
    hostile = [RawMessage(topic, payload, NOW) for topic in spoken[:6] for payload in payloads]

    assert stored_among_good(directory, hostile) >= 0


@pytest.mark.parametrize("payload", DEEP, ids=["400 levels", "900 levels", "9,000 levels"])
@pytest.mark.parametrize("topic", ["fablab/v1/fablab-0/up/access", "fablab/v1/fablab-0/up/event", "door/tag"])
def test_badge_deep_inside_raises_nothing_and_is_kept_nowhere(directory: Directory, topic: str, payload: bytes) -> None:
    stored_among_good(directory, [RawMessage(topic, payload, NOW)])

    kept = [bytes(row) for row in QuarantinedMessage.objects.values_list("payload", flat=True)]
    kept += [bytes(row) for row in InboxMessage.objects.values_list("payload", flat=True)]
    assert [row for row in kept if b"04A2B3C4" in row] == []


def is_of(kind: str, topic: str) -> bool:
    patterns = {pattern for base in TOPICS[kind] for pattern in foreign_driver(kind).writes(base)}
    return any(topic in (pattern.replace("+", "SENSOR"), pattern.replace("+", "power")) for pattern in patterns)
