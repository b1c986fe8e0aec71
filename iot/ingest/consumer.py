"""The MQTT side of ingest: take, commit, then acknowledge — in that order, always.

A broker's own acknowledgement is not durable, so a device keeps each message until our `down/ack`, which is
published only after the commit. Losing this process, the database or the broker at any moment loses nothing.
"""

import datetime as dt
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import paho.mqtt.client as mqtt
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from paho.mqtt.enums import CallbackAPIVersion

from iot.broker.access import covers
from iot.clocks import stamp
from iot.drivers import SEEN_ON
from iot.drivers.homeassistant_out import server_sign
from iot.drivers.routing import Route
from iot.ingest.asking import Asking
from iot.ingest.downlink import Downlink
from iot.ingest.raw import Directory, RawMessage
from iot.ingest.store import Acknowledgement, store_batch
from iot.protocol import DownAck

log = logging.getLogger(__name__)

BATCH_MOST = 1000
# A batch costs the same few statements however large it is: what follows is waited for twice as long as the last batch
# took, so that storing takes a third of the time at most while it can keep up.
WAIT_LEAST_S, WAIT_MOST_S, WAIT_FOR_LAST = 0.03, 0.15, 2.0
# Back-pressure: when this many wait, the network thread stops reading and the broker holds the rest.
QUEUE_MOST = 4000
FULL_WAIT_S = 0.01
LOOKS_EVERY_S = 5.0
# On the path of badges.
ACCESS = "fablab/v1/+/up/access"
TOPICS = ("fablab/v1/+/up/+", "tele/#", "stat/#")
Received = tuple[RawMessage, int, int]


def broker_client(client_id: str, *, is_clean: bool = True) -> mqtt.Client:
    """A client with our own credential, not yet connected."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=is_clean, manual_ack=True)
    broker = settings.BROKER
    if broker["username"]:
        client.username_pw_set(str(broker["username"]), str(broker["password"]))
    if broker["is_tls"]:
        client.tls_set(ca_certs=str(broker["ca_file"]) if broker.get("ca_file") else None)
    client.reconnect_delay_set(min_delay=1, max_delay=10)
    return client


class Ingest:
    """One consumer. Several share the work with `shared=True` on a broker that knows shared subscriptions."""

    def __init__(self, *, client_id: str, shared: bool = False, clock: Callable[[], dt.datetime]) -> None:
        self.clock = clock
        self.shared = shared
        self.waiting: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self.stopping = threading.Event()
        self.connected = threading.Event()
        self.client = broker_client(client_id)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        # Badges and all that goes down to devices have a connection of their own: when too many values wait, the other
        # one reads and writes nothing for a while.
        self.control = broker_client(f"{client_id}-control")
        self.control.on_connect = self._on_control
        self.control.on_disconnect = self._on_control_lost
        self.control.on_message = self._on_badge
        if settings.HOMEASSISTANT:
            last_word = server_sign(is_online=False)
            self.control.will_set(last_word.topic, last_word.payload, qos=1, retain=True)
        self.directory: Directory | None = None
        self.asking = Asking(self._tell, self._routes, clock, self.stopping)
        self.downlink = Downlink(self._tell, clock, self.stopping)
        self.subscribed: set[str] = set()
        # Both the thread of the connection and the one that stores look through it.
        self._subscribing = threading.Lock()
        self._look_again_at = 0.0
        self._wait_s = WAIT_LEAST_S

    def run(self) -> None:
        """Until `stop`; returns with everything taken either committed or left to be sent again."""
        self.client.connect_async(str(settings.BROKER["host"]), int(str(settings.BROKER["port"])), keepalive=30)
        self.client.loop_start()
        self.control.connect_async(str(settings.BROKER["host"]), int(str(settings.BROKER["port"])), keepalive=30)
        self.control.loop_start()
        for beside in (self.asking, self.downlink):
            beside.thread.start()
        try:
            while not self.stopping.is_set():
                self._follow_directory()
                batch = self._take()
                if batch:
                    self._settle(batch)
        finally:
            for client in (self.client, self.control):
                client.disconnect()
                client.loop_stop()

    def stop(self) -> None:
        self.stopping.set()

    @property
    def _prefix(self) -> str:
        return "$share/ingest/" if self.shared else ""

    def _on_control(self, client: mqtt.Client, userdata: object, flags: object, reason: object, props: object) -> None:
        if getattr(reason, "is_failure", False):
            return
        self._subscribe_control()
        self.downlink.begin_anew()

    def _on_control_lost(
        self, client: mqtt.Client, userdata: object, flags: object, reason: object, props: object
    ) -> None:
        self.downlink.connected.clear()

    def _on_badge(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        """Nothing is kept of it here: the other connection stores it, and acknowledges it to the device."""
        self.asking.put(RawMessage(message.topic, bytes(message.payload), self.clock(), message.retain))
        client.ack(message.mid, message.qos)

    def _routes(self, topic: str) -> Sequence[Route]:
        directory = self.directory
        return () if directory is None or topic.startswith("fablab/") else directory.foreign(topic)

    def _subscribe(self, topics: Iterable[str]) -> None:
        """Each message once: what another subscription of this connection covers is not asked for again."""
        new: list[tuple[str, int]] = []
        with self._subscribing:
            for topic in topics:
                if topic not in self.subscribed and not any(covers(known, topic) for known in self.subscribed):
                    self.subscribed.add(topic)
                    new.append((self._prefix + topic, 1))
        if new:
            self.client.subscribe(new)

    def _subscribe_control(self) -> None:
        readers = self.directory.reader_filters if self.directory else ()
        self.control.subscribe([(self._prefix + topic, 1) for topic in (ACCESS, *readers)])

    def _tell(self, topic: str, payload: bytes, is_retained: bool = False) -> None:
        self.control.publish(topic, payload, qos=1, retain=is_retained)

    def _follow_directory(self) -> None:
        """Subscribe to what devices were added meanwhile; looked up every few seconds."""
        if time.monotonic() < self._look_again_at or not self.connected.is_set():
            return
        self._look_again_at = time.monotonic() + LOOKS_EVERY_S
        try:
            if self.directory is None:
                self.directory = Directory()
            else:
                self.directory.reload()
        except (OperationalError, InterfaceError):
            # Said where the next batch is stored.
            connection.close()
            return
        self._subscribe(self.directory.filters)
        if self.downlink.connected.is_set():
            self._subscribe_control()

    def _take(self) -> list[Received]:
        """A message and those that follow within a blink; none when nothing comes for half a second."""
        batch: list[Received] = []
        try:
            batch.append(self.waiting.get(timeout=0.5))
            if self.waiting.qsize() < BATCH_MOST:
                # Not woken by each of them.
                self.stopping.wait(self._wait_s)
            while len(batch) < BATCH_MOST:
                batch.append(self.waiting.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _settle(self, batch: list[Received]) -> None:
        raws = [raw for raw, _, _ in batch]
        began_s = time.monotonic()
        acks = self._stored(raws)
        self._wait_s = min(max(WAIT_FOR_LAST * (time.monotonic() - began_s), WAIT_LEAST_S), WAIT_MOST_S)
        if acks is None:
            return
        for _, mid, qos in batch:
            self.client.ack(mid, qos)
        for ack in acks:
            payload = msgspec.json.encode(DownAck(ack.boot, ack.seq, stamp(self.clock())))
            self._tell(f"fablab/v1/{ack.device_slug}/down/ack", payload)

    def _stored(self, raws: list[RawMessage]) -> list[Acknowledgement] | None:
        """Commit, however long the database is away; None when told to stop meanwhile."""
        delay_s = 0.2
        while not self.stopping.is_set():
            try:
                if self.directory is None:
                    self.directory = Directory()
                return store_batch(raws, self.directory, now=self.clock())
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s); %d messages wait.", str(error).split("\n")[0], len(raws))
                connection.close()
                self.stopping.wait(delay_s)
                delay_s = min(delay_s * 2, 5.0)
        return None

    def _on_connect(self, client: mqtt.Client, userdata: object, flags: object, reason: object, props: object) -> None:
        if getattr(reason, "is_failure", False):
            log.error("The broker refuses us: %s", reason)
            return
        with self._subscribing:
            self.subscribed.clear()
        # What devices that are not ours say meanwhile is lost: nobody sends it again.
        self._subscribe([*TOPICS, *SEEN_ON, *(self.directory.filters if self.directory else ())])
        self.connected.set()
        log.info("Connected to the broker.")

    def _on_disconnect(
        self, client: mqtt.Client, userdata: object, flags: object, reason: object, props: object
    ) -> None:
        self.connected.clear()
        if not self.stopping.is_set():
            log.warning("The broker is away (%s); trying again.", reason)

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        # A bounded queue takes a lock for each message, which costs as much as reading it.
        while self.waiting.qsize() >= QUEUE_MOST and not self.stopping.is_set():
            time.sleep(FULL_WAIT_S)
        raw = RawMessage(message.topic, bytes(message.payload), self.clock(), message.retain)
        self.waiting.put((raw, message.mid, message.qos))
