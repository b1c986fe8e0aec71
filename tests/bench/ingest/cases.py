"""What is measured: how fast consumers empty a full broker, what they hold, how soon a badge is answered, and how far
behind paho alone a consumer is at a given pace."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fablab.bench.measure import percentile
from tests.bench.ingest.lab import PLAYER, READERS, BenchLab, tell
from tests.contract.running_broker import wait_until

WITHIN_S = 600.0
ROUND = 20_000
TAP_EVERY_S = 0.5


def paho_alone(lab: BenchLab, count: int, samples: int) -> float:
    """Messages a second that paho reads and acknowledges, doing nothing else."""
    alone = lab.start_paho_alone(count)
    lab.halt()
    lab.send(lab.new_run(samples)[1], count)
    began_s = time.monotonic()
    lab.go_on()
    assert alone.stdout is not None
    assert alone.stdout.readline() == b"done\n"
    taken_s = time.monotonic() - began_s
    lab.stop_consumers()
    return count / taken_s


def consumers(lab: BenchLab, count: int, samples: int, number: int = 1) -> float:
    """Messages a second that so many consumers store, each batch committed."""
    lab.start_consumers(number)
    boot, payloads = lab.new_run(samples)
    lab.halt()
    lab.send(payloads, count)
    began_s = time.monotonic()
    lab.go_on()
    lab.wait_for(boot, count, WITHIN_S)
    taken_s = time.monotonic() - began_s
    lab.stop_consumers()
    return count / taken_s


def paho_to_paho(lab: BenchLab, count: int) -> float:
    """Messages a second from a paho that sends to a paho that reads, through the broker."""
    alone = lab.start_paho_alone(count)
    sender = lab.start_paho_sender(lab.new_run(1)[1], count)
    began_s = time.monotonic()
    tell(sender, "go")
    assert alone.stdout is not None
    assert alone.stdout.readline() == b"done\n"
    taken_s = time.monotonic() - began_s
    lab.stop_consumers()
    sender.wait(30)
    return count / taken_s


def paho_to_consumer(lab: BenchLab, count: int) -> float:
    """The same to one consumer, each batch committed."""
    lab.start_consumers(1)
    boot, payloads = lab.new_run(1)
    sender = lab.start_paho_sender(payloads, count)
    began_s = time.monotonic()
    tell(sender, "go")
    lab.wait_for(boot, count, WITHIN_S)
    taken_s = time.monotonic() - began_s
    lab.stop_consumers()
    sender.wait(30)
    return count / taken_s


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB: after the first round, at most afterwards, and at last."""

    first_mb: float
    most_mb: float
    last_mb: float


def memory(lab: BenchLab, count: int) -> Memory:
    """What one consumer holds, looked at after every 20,000 messages of one reading each."""
    lab.start_consumers(1)
    boot, payloads = lab.new_run(1)
    held = []
    for begin in range(0, count, ROUND):
        end = min(count, begin + ROUND)
        lab.send(payloads, end, begin=begin)
        lab.wait_for(boot, end, WITHIN_S)
        held.append(lab.rss_mb())
    lab.stop_consumers()
    return Memory(held[0], max(held), held[-1])


@dataclass(frozen=True, slots=True)
class Decisions:
    """`asked` badges under that load; times from the tap to the answer, over the broker, in ms. `deciding_p95_ms` is
    what the decision itself took of it."""

    asked: int
    answered: int
    median_ms: float
    p95_ms: float
    most_ms: float
    deciding_p95_ms: float
    readings_a_second: float


def decisions(lab: BenchLab, seconds: float, *, messages_a_second: float, samples: int) -> Decisions:
    """Badges at twenty readers in turn, two a second, while fifty devices report."""
    lab.start_consumers(1)
    boot, payloads = lab.new_run(samples)
    count = int(messages_a_second * (seconds + 2))
    load = threading.Thread(target=lab.send, args=[payloads, count], kwargs={"a_second": messages_a_second})
    readers = Readers(lab)
    load.start()
    time.sleep(1)
    began_s, before = time.monotonic(), lab.done(boot)
    for number in range(int(seconds / TAP_EVERY_S)):
        readers.tap(number)
        time.sleep(max(0.0, began_s + (number + 1) * TAP_EVERY_S - time.monotonic()))
    stored_a_second = (lab.done(boot) - before) / (time.monotonic() - began_s)
    wait_until(readers.is_answered, 10)
    readers.close()
    load.join(60)
    lab.wait_for(boot, count, WITHIN_S)
    lab.stop_consumers()
    taken_ms = sorted(1000 * taken_s for taken_s in readers.taken_s.values()) or [float("inf")]
    return Decisions(
        len(readers.asked_s), len(readers.taken_s), percentile(taken_ms, 0.5), percentile(taken_ms, 0.95), taken_ms[-1],
        lab.deciding_p95_ms(), stored_a_second * samples,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offered:
    """Of `sent` messages paho had so many and the consumer had stored so many when the last was sent; the consumer had
    all of them `rest_s` later."""

    sent: int
    sent_a_second: float
    paho: int
    stored: int
    rest_s: float

    @property
    def share(self) -> float:
        return self.stored / self.paho if self.paho else 0.0


def offered(lab: BenchLab, seconds: float, *, readings_a_second: float, samples: int) -> Offered:
    """One consumer and a plain paho on one broker, each given all that fifty devices send at this pace."""
    count = int(readings_a_second / samples * seconds)
    lab.start_consumers(1)
    alone = lab.start_paho_alone(count)
    boot, payloads = lab.new_run(samples)
    began_s = time.monotonic()
    lab.send(payloads, count, a_second=readings_a_second / samples)
    ended_s = time.monotonic()
    # Ours first: in the moment between the two paho takes more, not we.
    stored, seen = lab.done(boot), how_many(alone)
    lab.wait_for(boot, count, WITHIN_S)
    rest_s = time.monotonic() - ended_s
    lab.stop_consumers()
    return Offered(count, count * samples / (ended_s - began_s), seen, stored, rest_s)


def how_many(alone: subprocess.Popen[bytes]) -> int:
    """How many messages paho has taken by now; it may say "done" meanwhile."""
    tell(alone, "how many")
    assert alone.stdout is not None
    said = alone.stdout.readline()
    return int(said if said != b"done\n" else alone.stdout.readline())


class Readers:
    """All readers over one connection; each has a run of its own."""

    def __init__(self, lab: BenchLab) -> None:
        self.asked_s: dict[str, float] = {}
        self.taken_s: dict[str, float] = {}
        self._began_s = time.time()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-readers")
        self._client.username_pw_set(PLAYER, lab.password)
        ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("fablab/v1/+/down/decision", qos=1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = self._answered
        self._client.connect("127.0.0.1", lab.port)
        self._client.loop_start()
        ready.wait(10)

    def tap(self, number: int) -> None:
        reader, request = number % len(READERS), f"tap-{number}"
        whole = {
            "v": 1, "boot": "readers", "seq": 1 + number // len(READERS), "uptime_s": time.time() - self._began_s,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "data": {"request_id": request, "credential": f"04A2B91C5D{reader:04X}"},
        }  # fmt: skip
        self.asked_s[request] = time.perf_counter()
        self._client.publish(f"fablab/v1/{READERS[reader]}/up/access", json.dumps(whole), qos=1)

    def _answered(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        request = json.loads(message.payload)["request_id"]
        self.taken_s.setdefault(request, time.perf_counter() - self.asked_s[request])

    def is_answered(self) -> bool:
        return len(self.taken_s) == len(self.asked_s)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
