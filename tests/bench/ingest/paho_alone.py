"""What paho alone can read here: takes the readings, acknowledges each, keeps nothing.

Told what to do by arguments; says "done" when it has as many as it was told, and at each further line how many it has.
"""

import argparse
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("username")
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="paho-alone", manual_ack=True)
    client.username_pw_set(asked.username, sys.stdin.readline().strip())
    seen = 0

    def received(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        nonlocal seen
        client.ack(message.mid, message.qos)
        seen += 1
        if seen == asked.count:
            print("done", flush=True)

    def answer() -> None:
        for _line in sys.stdin:
            print(seen, flush=True)

    threading.Thread(target=answer, daemon=True).start()
    client.on_connect = lambda client, *_: client.subscribe("fablab/v1/+/up/+", qos=1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = received
    client.connect("127.0.0.1", asked.port, keepalive=60)
    client.loop_forever()


if __name__ == "__main__":
    main()
