"""MQTT 3.1.1 packets made by hand: a sender that costs next to nothing, so that what is measured is the reader."""

import socket
import struct
import time
from collections.abc import Iterable, Sequence

CONNECT, PUBLISH_QOS_1, PUBACK_BYTES = 0x10, 0x32, 4
# Far below what the broker lets one client have unacknowledged.
WINDOW = 500


def connect_packet(client_id: str, username: str, password: str) -> bytes:
    flags = 0b1100_0010  # name, password, clean session
    body = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", 0) + _text(client_id)
    return _packet(CONNECT, body + _text(username) + _text(password))


def publish_packet(topic: str, payload: bytes, number: int) -> bytes:
    """At QoS 1; `number` is made one of 1 to 65,535."""
    return _packet(PUBLISH_QOS_1, _text(topic) + struct.pack("!H", 1 + number % 65_535) + payload)


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


class Sender:
    """One connection that publishes as fast as the broker acknowledges, or at so many messages a second."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(connect_packet("bench-sender", username, password))
        answer = self._socket.recv(4)
        if answer[3:] != b"\x00":
            raise ConnectionRefusedError(f"The broker answers {answer!r}.")

    def send(self, messages: Iterable[tuple[str, bytes]], *, a_second: float | None = None) -> None:
        """All of them; returns once the broker has acknowledged the last one."""
        began_s, waiting, sent, chunk = time.monotonic(), 0, 0, list[bytes]()
        for topic, payload in messages:
            chunk.append(publish_packet(topic, payload, sent))
            sent += 1
            if len(chunk) < (20 if a_second else WINDOW):
                continue
            waiting = self._acknowledged(self._sent(chunk, waiting), most=WINDOW)
            if a_second:
                time.sleep(max(0.0, sent / a_second - (time.monotonic() - began_s)))
        self._acknowledged(self._sent(chunk, waiting), most=0)

    def _sent(self, chunk: list[bytes], waiting: int) -> int:
        self._socket.sendall(b"".join(chunk))
        waiting += len(chunk)
        chunk.clear()
        return waiting

    def _acknowledged(self, waiting: int, *, most: int) -> int:
        """Read acknowledgements, all of four bytes each, until at most so many are missing."""
        rest = 0
        while waiting > most or rest:
            rest += len(self._socket.recv(65_536))
            waiting, rest = waiting - rest // PUBACK_BYTES, rest % PUBACK_BYTES
        return waiting

    def close(self) -> None:
        self._socket.close()


def interleaved(
    devices: Sequence[str], payloads: "Payloads", count: int, begin: int = 0
) -> Iterable[tuple[str, bytes]]:
    """The readings of a run up to this number, from this one on, all devices in turn."""
    for number in range(begin, count):
        yield f"fablab/v1/{devices[number % len(devices)]}/up/reading", payloads.of(1 + number // len(devices))


class Payloads:
    """Readings of one run (boot) of every device; only their number changes."""

    def __init__(self, boot: str, at: str, samples: int) -> None:
        self.told = {"boot": boot, "at": at, "samples": samples}
        rows = ",".join(f'{{"age_ms":{500 * (samples - n)},"power_w":{4.0 + n}}}' for n in range(samples))
        self._head = f'{{"v":1,"boot":"{boot}","at":"{at}","uptime_s":600.0,"data":{{"samples":[{rows}]}},"seq":'

    def of(self, seq: int) -> bytes:
        return f"{self._head}{seq}}}".encode()
