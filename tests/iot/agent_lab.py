"""A small lab on the other end of the wire: it commits, acknowledges and commands."""

import json

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from iot.protocol import Numbered, parse_numbered, parse_status, parse_topic
from tests.contract.running_broker import PASSWORD, wait_until


class Lab:
    """Takes each number once, as the inbox does, and acknowledges the highest one without a hole before it."""

    def __init__(self, port: int, *, is_acknowledging: bool = True) -> None:
        self.is_acknowledging = is_acknowledging
        self.arrivals: list[tuple[str, Numbered]] = []
        self.payloads: dict[tuple[str, int], set[bytes]] = {}
        self.statuses: list[str] = []
        self._paho = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._paho.username_pw_set("server", PASSWORD)
        self._paho.reconnect_delay_set(1, 1)
        self._is_subscribed = False
        self._paho.on_connect = lambda client, *_: client.subscribe("fablab/v1/+/up/#", qos=1)
        self._paho.on_subscribe = lambda *_: setattr(self, "_is_subscribed", True)
        self._paho.on_disconnect = lambda *_: setattr(self, "_is_subscribed", False)
        self._paho.on_message = self._heard
        self._paho.connect("127.0.0.1", port)
        self._paho.loop_start()
        assert wait_until(self.is_listening)

    def is_listening(self) -> bool:
        return self._is_subscribed and self._paho.is_connected()

    def _heard(self, _client, _data, message: mqtt.MQTTMessage) -> None:
        device, leaf = parse_topic(message.topic)
        if leaf == "status":
            self.statuses.append(parse_status(message.payload).state)
            return
        read = parse_numbered(leaf, message.payload)
        if (read.boot, read.seq) not in self.payloads:
            self.arrivals.append((device, read))
        self.payloads.setdefault((read.boot, read.seq), set()).add(message.payload)
        if self.is_acknowledging:
            self.tell(device, "ack", {"boot": read.boot, "seq": self.contiguous(read.boot)})

    def contiguous(self, boot: str) -> int:
        seq = 0
        while (boot, seq + 1) in self.payloads:
            seq += 1
        return seq

    def tell(self, device: str, leaf: str, message: dict) -> None:
        self.tell_raw(device, leaf, json.dumps(message).encode())

    def tell_raw(self, device: str, leaf: str, payload: bytes) -> None:
        self._paho.publish(f"fablab/v1/{device}/down/{leaf}", payload, qos=1)

    def data(self, kind: type) -> list:
        return [read.data for _device, read in self.arrivals if isinstance(read.data, kind)]

    def first_seqs(self, boot: str) -> list[int]:
        seen: dict[int, None] = {}
        for _device, read in self.arrivals:
            if read.boot == boot:
                seen.setdefault(read.seq)
        return list(seen)

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()
