"""One MQTT connection, driven by the agent's own thread."""

import json
import selectors
import socket
import ssl
import time
from collections import deque
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

KEEP_ALIVE_S = 30
CONNECT_WITHIN_S = 10
QOS = 1


class LinkRefused(Exception):
    """The broker did not let this device in; the text is its reason."""


class Waker:
    """Ends the wait of the agent's thread from another thread."""

    def __init__(self) -> None:
        self.ear, self._mouth = socket.socketpair()
        self.ear.setblocking(False)
        self._mouth.setblocking(False)

    def wake(self) -> None:
        try:
            self._mouth.send(b"!")
        except (BlockingIOError, OSError):
            return  # it is awake already, or the agent has stopped

    def hush(self) -> None:
        try:
            self.ear.recv(4096)
        except BlockingIOError:
            return

    def close(self) -> None:
        self.ear.close()
        self._mouth.close()


class Link:
    """A connection that is opened once; after a loss the agent makes a new one.

    paho would resend by itself what it still holds from the lost connection, among newer messages: the outbox
    alone decides what is sent, and in which order.
    """

    def __init__(self, device: str, client_id: str, waker: Waker) -> None:
        self._root = f"fablab/v1/{device}"
        self._waker = waker
        self.received: deque[tuple[str, bytes]] = deque()
        self.is_up = False
        self._refusal = ""
        self._selector = selectors.DefaultSelector()
        self._socket: Any = None
        self._paho = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311, clean_session=True
        )
        self._paho.username_pw_set(device)
        self._paho.max_inflight_messages_set(0)
        self._paho.on_connect = self._answered
        self._paho.on_disconnect = self._lost
        self._paho.on_message = self._heard

    def open(self, host: str, port: int, password: str, *, is_tls: bool, ca_file: Path | None = None) -> None:
        """Connect, name the last will and subscribe to everything sent to this device.

        `ca_file` holds the authority that made the broker's certificate, in place of those that the system trusts.

        Raises:
            LinkRefused: the broker answered no.
            OSError: it cannot be reached, hung up, or did not answer in time.
        """
        self._paho.username_pw_set(self._root.rpartition("/")[2], password)
        self._paho.will_set(f"{self._root}/up/status", '{"state": "offline"}', qos=QOS, retain=True)
        if is_tls:
            self._paho.tls_set(ca_certs=str(ca_file) if ca_file else None)
        self._paho.connect_timeout = CONNECT_WITHIN_S
        self._paho.connect(host, port, keepalive=KEEP_ALIVE_S)
        self._socket = self._paho.socket()
        if self._socket is None:
            # It was reset before the greeting was out: paho answers with a code then, and raises nothing.
            raise ConnectionError("The broker hung up at once.")
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._waker.ear, selectors.EVENT_READ)
        end = time.monotonic() + CONNECT_WITHIN_S
        while not self.is_up and self._is_open() and time.monotonic() < end:
            self.step(0.5)
        if self._refusal:
            raise LinkRefused(self._refusal)
        if not self.is_up:
            raise TimeoutError("The broker did not answer.")
        self._paho.subscribe(f"{self._root}/down/#", qos=QOS)

    def step(self, timeout_s: float) -> None:
        """Wait for news or a wake-up, at most so long; then read, write and keep alive."""
        if not self._is_open():
            self.is_up = False
            return
        is_buffered = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._paho.want_write() else 0)
        self._selector.modify(self._socket, wanted)
        ready = self._selector.select(0 if is_buffered else timeout_s)
        self._waker.hush()
        events = {key.fileobj: mask for key, mask in ready}.get(self._socket, 0)
        if is_buffered or events & selectors.EVENT_READ:
            self._paho.loop_read()
        if self._is_open() and events & selectors.EVENT_WRITE:
            self._paho.loop_write()
        if self._is_open():
            self._paho.loop_misc()
        if not self._is_open():
            self.is_up = False

    def publish(self, leaf: str, payload: bytes, *, is_retained: bool = False) -> None:
        self._paho.publish(f"{self._root}/up/{leaf}", payload, qos=QOS, retain=is_retained)

    def publish_status(self, status: dict[str, Any]) -> None:
        self.publish("status", json.dumps(status).encode(), is_retained=True)

    def close(self, *, farewell: dict[str, Any] | None = None) -> None:
        """Hang up; with a farewell it becomes the retained status, as the broker keeps the last will back."""
        if self.is_up and farewell:
            self.publish_status(farewell)
            end = time.monotonic() + 2
            while self.is_up and self._paho.want_write() and time.monotonic() < end:
                self.step(0.1)
        self._paho.disconnect()
        self.is_up = False
        self._selector.close()

    def _is_open(self) -> bool:
        return self._paho.socket() is not None

    def _answered(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.is_up = not reason.is_failure
        if reason.is_failure:
            self._refusal = str(reason)

    def _lost(self, *_details: Any) -> None:
        self.is_up = False

    def _heard(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.received.append((message.topic.removeprefix(f"{self._root}/down/"), bytes(message.payload)))
