"""`fablab-agent bambu`: Bambu Lab printers carry their own broker; what they say there is told on to the lab's.

It reads and never commands: the one thing it sends to a printer is the documented request to say everything anew. A
printer's certificate is its maker's own and names its serial number, so it is pinned; the access code is told to
nobody who shows another one.
"""

import argparse
import hashlib
import logging
import signal
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from .bambu_report import Pace, told_on
from .bambu_settings import BambuPrinter, LabBroker, read_bambu_settings
from .server_time import boot_clock_s

log = logging.getLogger("fablab-agent")

ACCOUNT = "bblp"
ASK_FOR_ALL = b'{"pushing":{"sequence_id":"0","command":"pushall","version":1,"push_target":1}}'
# A P1 that is asked more often than that falters.
ASK_EVERY_S = 300.0
KEEP_ALIVE_S = 30
RETRY_LEAST_S, RETRY_MOST_S = 2, 120
TICK_S = 0.5
LOOK_WITHIN_S = 10.0


class PinnedSocket(ssl.SSLSocket):
    """Goes no further with whoever shows another certificate than the pinned one."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        context = self.context
        assert isinstance(context, PinnedContext)  # made by it
        shown = fingerprint(self.getpeercert(binary_form=True) or b"")
        context.refused = "" if shown == context.fingerprint else shown
        if context.refused:
            # paho lets go of it without closing it.
            self.close()
            raise ssl.SSLCertVerificationError("another certificate than the pinned one")


class PinnedContext(ssl.SSLContext):
    """TLS towards one certificate, whoever made it and whatever it names."""

    sslsocket_class = PinnedSocket
    fingerprint: str
    # What was shown instead, the last time.
    refused = ""

    @classmethod
    def to(cls, pinned: str) -> "PinnedContext":
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.fingerprint = pinned
        return context


class Connector:
    """One printer. `start`, then `tick` about twice a second; `stop` at the end."""

    def __init__(self, printer: BambuPrinter, lab: LabBroker, *, clock_s: Callable[[], float] = boot_clock_s) -> None:
        self._printer = printer
        self._report, self._request = f"device/{printer.serial}/report", f"device/{printer.serial}/request"
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._pace = Pace(clock_s)
        self._is_all_wanted = False
        self._asked_s = float("-inf")
        self._told: dict[str, str] = {}
        self._theirs = self._client("printer", ACCOUNT, printer.access_code, PinnedContext.to(printer.fingerprint))
        self._theirs.on_connect, self._theirs.on_message = self._at_printer, self._heard
        context = ssl.create_default_context(cafile=lab.ca_file) if lab.is_tls else None
        self._ours = self._client("lab", printer.device, printer.password, context)
        self._ours.on_connect = self._at_lab
        self._ours.connect_async(lab.host, lab.port, KEEP_ALIVE_S)
        self._theirs.connect_async(printer.host, printer.port, KEEP_ALIVE_S)

    def start(self) -> None:
        """Connect to both sides, and again after each loss."""
        self._ours.loop_start()
        self._theirs.loop_start()

    def stop(self) -> None:
        for client in (self._theirs, self._ours):
            client.disconnect()
            client.loop_stop()

    def tick(self) -> None:
        """Send what is due."""
        with self._lock:
            now_s, is_there = self._clock_s(), self._theirs.is_connected()
            if self._is_all_wanted and is_there and now_s - self._asked_s >= ASK_EVERY_S:
                self._is_all_wanted, self._asked_s = False, now_s
                self._theirs.publish(self._request, ASK_FOR_ALL, qos=0)
            message = self._pace.due() if self._ours.is_connected() else None
        if message is not None:
            self._ours.publish(self._report, message, qos=1)

    def _client(self, side: str, user: str, password: str, context: ssl.SSLContext | None) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311, clean_session=True)
        client.username_pw_set(user, password)
        if context is not None:
            client.tls_set_context(context)
            if isinstance(context, PinnedContext):
                # paho would hold the name against the certificate, which has the serial number instead.
                client.tls_insecure_set(True)
        client.reconnect_delay_set(RETRY_LEAST_S, RETRY_MOST_S)
        client.on_connect_fail = lambda *_: self._say(side, _why_not(context))
        client.on_disconnect = lambda *_: self._lost(side)
        return client

    def _at_printer(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._say("printer", f"does not let us in ({reason}): is the access code right?")
            return
        self._say("printer", "connected")
        client.subscribe(self._report, qos=0)
        with self._lock:
            self._is_all_wanted = True

    def _at_lab(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._say("lab", f"does not let us in ({reason}): is the password right?")
            return
        self._say("lab", "connected")
        with self._lock:
            self._pace.say_all_again()

    def _heard(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        news = told_on(bytes(message.payload)) if message.topic == self._report else None
        if news is not None:
            with self._lock:
                self._pace.hear(news)

    def _lost(self, side: str) -> None:
        if self._told.get(side) == "connected":
            self._say(side, "connection lost")
        if side == "printer":
            with self._lock:
                self._pace.forget()

    def _say(self, side: str, words: str) -> None:
        """A loss and a return are told once each."""
        if self._told.get(side) != words:
            self._told[side] = words
            level = logging.INFO if words == "connected" else logging.WARNING
            log.log(level, "%s: the %s: %s", self._printer.device, side, words)


def _why_not(context: ssl.SSLContext | None) -> str:
    if isinstance(context, PinnedContext) and context.refused:
        return f"shows another certificate, with the SHA-256 {context.refused}: nothing was told to it"
    return "cannot be reached"


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER form."""
    return hashlib.sha256(certificate).hexdigest()


def shown_certificate(host: str, port: int = 8883) -> str:
    """The SHA-256 of the certificate that a printer shows; nothing is told to it.

    Raises:
        OSError: it cannot be reached.
    """
    pem = ssl.get_server_certificate((host, port), timeout=LOOK_WITHIN_S)
    return fingerprint(ssl.PEM_cert_to_DER_cert(pem))


def run(file: Path, stopping: threading.Event) -> None:
    """Until the event is set.

    Raises:
        ConfigError: the settings cannot be used.
    """
    settings = read_bambu_settings(file)
    connectors = [Connector(printer, settings.lab) for printer in settings.printers]
    for connector in connectors:
        connector.start()
    while not stopping.wait(TICK_S):
        for connector in connectors:
            connector.tick()
    for connector in connectors:
        connector.stop()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fablab-agent bambu")
    parser.add_argument("--config", type=Path, default=Path("bambu.toml"))
    parser.add_argument("--check", action="store_true", help="say whether the settings can be used, and end")
    parser.add_argument("--certificate-of", metavar="ADDRESS", help="print what a printer shows, for its settings")
    chosen = parser.parse_args(words)
    if chosen.certificate_of:
        print(f'certificate_sha256 = "{shown_certificate(chosen.certificate_of)}"')
        return 0
    if chosen.check:
        count = len(read_bambu_settings(chosen.config).printers)
        print(f"{chosen.config} can be used: printers: {count}.")
        return 0
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    run(chosen.config, stopping)
    return 0
