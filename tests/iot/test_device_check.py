"""What `manage.py check_device` finds in what a device sent: a device that does all of it right, and each mistake."""

import datetime as dt
import io
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from iot.device_check import Mark, Point, check_device
from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import store_batch
from iot.models import AccessAttempt, Device, DeviceCommand
from iot.partitions import ensure_partitions
from machines.models import Machine
from tests.iot.builders import NOW, Talker, at, make_device, make_plug, store

pytestmark = pytest.mark.django_db
SPAN = dt.timedelta(minutes=15)
LOOKED_AT = 120.0
HELLO = {"firmware": "1.4.0"}


@pytest.fixture
def device(machine: Machine) -> Device:
    """Enrolled, patient, and with a month for its values."""
    ensure_partitions(NOW)
    return make_device(machine=machine, password_hash="$7$", silent_after=dt.timedelta(minutes=5))


def found(device: Device, now_s: float = LOOKED_AT) -> dict[str, Point]:
    device.refresh_from_db()
    return {point.name: point for point in check_device(device, now=at(now_s), span=SPAN)}


def marks(points: dict[str, Point], mark: Mark) -> set[str]:
    return {name for name, point in points.items() if point.mark == mark}


def right_messages(talker: Talker) -> list[RawMessage]:
    """A run as docs/device-kit.md tells it: status, hello, values, events."""
    return [
        talker.status("online"), talker.say("hello", HELLO), talker.power(30, 10), talker.event("busy", 20),
        talker.power(400, 30), talker.event("idle", 60),
    ]  # fmt: skip


def test_device_that_does_it_right_has_nothing_to_mend(device: Device, talker: Talker) -> None:
    store(*right_messages(talker))
    attempt = {"request_id": "r-1", "kind": "badge", "is_allowed": True, "took_ms": 12.0}
    AccessAttempt.objects.create(device=device, at=at(30), **attempt)
    DeviceCommand.objects.create(
        device=device, kind="message", created_at=at(40), sent_at=at(40), answered_at=at(41), is_done=True,
        expires_at=at(70),
    )  # fmt: skip
    store(talker.status("offline", 90))

    points = found(device)

    # It is gone, which its last will said.
    assert marks(points, Mark.RIGHT) == points.keys() - {"heard"}
    assert points["up/hello"].words == "firmware 1.4.0"
    assert points["numbering"].words == "5 messages without a hole"
    assert points["down/ack"].words == "up to 5, all that came"
    assert points["access"].words == "1 asked, 1 let in"
    assert points["orders"].words == "1 done; the slowest answer after 1.0 s"


def test_device_that_never_spoke_is_told_where_to_begin(device: Device) -> None:
    points = found(device)

    assert marks(points, Mark.RIGHT) == {"enrolled", "runs", "readable"}
    assert marks(points, Mark.WRONG) == {"heard", "up/status", "up/hello", "last will"}
    assert all(point.step for point in points.values() if point.mark != Mark.RIGHT)


def skipped(talker: Talker) -> list[RawMessage]:
    talker.seq += 1
    return [talker.power(30, 70)]


def no_status(talker: Talker) -> list[RawMessage]:
    other = Talker(talker.slug, boot="boot-2", booted_s=70)
    return [other.say("hello", HELLO, 71)]


def no_hello(talker: Talker) -> list[RawMessage]:
    other = Talker(talker.slug, boot="boot-2", booted_s=70)
    return [other.status("online", 71), other.power(30, 72)]


def begun_at_seven(talker: Talker) -> list[RawMessage]:
    other = Talker(talker.slug, boot="boot-2", booted_s=70, seq=6)
    return [other.status("online", 71), other.say("hello", HELLO, 72)]


def wrong_day(talker: Talker) -> list[RawMessage]:
    return [talker.say("reading", {"samples": [{"power_w": 3}]}, 70, at="2026-03-09T13:01:10Z")]


def of_no_shape(talker: Talker) -> list[RawMessage]:
    return [talker.say("event", {"event": "dancing"}, 70)]


def many_runs(talker: Talker) -> list[RawMessage]:
    runs = [Talker(talker.slug, boot=f"boot-{n}", booted_s=70 + n) for n in range(2, 6)]
    return [
        message
        for n, run in enumerate(runs)
        for message in (run.status("online", 73 + n), run.say("hello", HELLO, 73 + n))
    ]


MISTAKES: dict[str, tuple[Callable[[Talker], list[RawMessage]], set[str], str, str]] = {
    "a message skipped": (skipped, {"numbering", "down/ack"}, "numbering", "1 missing in boot-1"),
    "no status": (no_status, {"up/status"}, "up/status", "not seen in the run boot-2"),
    "no hello": (no_hello, {"up/hello"}, "up/hello", "not seen in the run boot-2"),
    "numbered from seven": (begun_at_seven, {"numbering", "down/ack"}, "numbering", "boot-2 does not begin at 1"),
    "a clock three days behind": (wrong_day, {"clock"}, "clock", "3 d behind"),
    "a word nobody knows": (of_no_shape, {"readable"}, "readable", "1 × wrong_shape (Invalid enum value 'dancing'"),
    "restarts all the time": (many_runs, {"runs"}, "runs", "5 new ones"),
}


@pytest.mark.parametrize(("mistake", "wrong", "name", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_named_with_what_to_do_next(
    device: Device,
    talker: Talker,
    mistake: Callable[[Talker], list[RawMessage]],
    wrong: set[str],
    name: str,
    words: str,
) -> None:
    store(*right_messages(talker))
    store(*mistake(talker))

    points = found(device)

    assert marks(points, Mark.WRONG) == wrong
    assert points[name].words.startswith(words)
    assert all(points[each].step for each in wrong)


def test_silence_without_a_last_will_is_a_mistake(device: Device, talker: Talker) -> None:
    store(*right_messages(talker))

    points = found(device, 60 + 301)

    assert marks(points, Mark.WRONG) == {"heard", "last will"}


def test_order_without_an_answer_is_a_mistake(device: Device, talker: Talker) -> None:
    store(*right_messages(talker))
    DeviceCommand.objects.create(device=device, kind="lock", created_at=at(40), sent_at=at(40), expires_at=at(70))

    assert found(device)["orders"].words == "1 expired"
    assert marks(found(device), Mark.WRONG) == {"orders"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"revoked_at": NOW}, "it was shut out"),
        ({"password_hash": ""}, "it has no password"),
        ({"machine": None}, "it belongs to no machine"),
    ],
    ids=["shut out", "no password", "no machine"],
)
def test_device_that_cannot_be_let_in_says_so_first(device: Device, fields: dict[str, object], words: str) -> None:
    Device.objects.filter(pk=device.pk).update(**fields)

    first = next(iter(found(device).values()))

    assert (first.name, first.mark, first.words) == ("enrolled", Mark.WRONG, words)


def test_what_came_earlier_is_not_looked_at(device: Device, talker: Talker) -> None:
    store(*right_messages(talker), *of_no_shape(talker))

    points = found(device, 24 * 3600)

    assert points["readable"].mark == Mark.RIGHT
    assert points["numbering"].words == "nothing came"


def test_device_of_another_make_numbers_nothing(machine: Machine) -> None:
    ensure_partitions(NOW)
    plug = make_plug(machine=machine, password_hash="$7$")
    payload = b'{"ENERGY": {"Power": 30, "Total": 1.5}}'
    store_batch([RawMessage("tele/plug-04/SENSOR", payload, NOW)], Directory(), now=NOW)

    points = found(plug, 10)

    assert marks(points, Mark.WRONG) == set()
    assert points["measures"].words.startswith("2 values")
    assert {"numbering", "clock", "up/hello"}.isdisjoint(points)


def test_look_costs_as_many_queries_however_much_came(
    device: Device, talker: Talker, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    store(*right_messages(talker), *[talker.power(30, 61 + n) for n in range(40)])
    device.refresh_from_db()

    with django_assert_max_num_queries(15):  # type: ignore[attr-defined]
        check_device(device, now=at(LOOKED_AT), span=SPAN)


def test_command_prints_a_line_for_each_point_and_fails_when_one_is_wrong(device: Device) -> None:
    out = io.StringIO()

    with pytest.raises(CommandError, match="points are not right"):
        call_command("check_device", device.slug, stdout=out)

    assert "✓ enrolled: for laser\n✗ heard: never\n    → Look in the broker's log" in out.getvalue()


@pytest.mark.parametrize("arguments", [["nobody"], ["plug-1", "--minutes", "0"]], ids=["no such device", "no time"])
def test_command_refuses_nonsense(device: Device, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("check_device", *arguments)
