"""A run of readings sent by paho as it comes, as devices send them: QoS 1, twenty unacknowledged at most."""

import argparse
import json
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.ingest.wire import Payloads, interleaved


def main() -> None:
    """Reads its password and then, as JSON, the devices and the run; says "done" once the broker has all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("username")
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="paho-sender")
    client.username_pw_set(asked.username, sys.stdin.readline().strip())
    told = json.loads(sys.stdin.readline())
    ready, acknowledged, is_done = threading.Event(), 0, threading.Event()

    def published(*_: object) -> None:
        nonlocal acknowledged
        acknowledged += 1
        if acknowledged == asked.count:
            is_done.set()

    client.on_connect = lambda *_: ready.set()
    client.on_publish = published
    client.connect("127.0.0.1", asked.port)
    client.loop_start()
    ready.wait(10)
    print("ready", flush=True)
    sys.stdin.readline()
    payloads = Payloads(told["boot"], told["at"], told["samples"])
    for topic, payload in interleaved(told["devices"], payloads, asked.count):
        client.publish(topic, payload, qos=1)
    is_done.wait(600)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
