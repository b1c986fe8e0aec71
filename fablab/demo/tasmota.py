"""A Tasmota plug, as its firmware speaks: source tasmota/docs MQTT.md, the topics `tele/…` and `stat/…`."""

import json
from collections.abc import Mapping
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

WH_PER_KWH = 1000


class Plug:
    """One plug with its own connection, which paho keeps up in a thread of its own."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"DVES_{topic}")
        self._client.will_set(f"tele/{topic}/LWT", "Offline", qos=1, retain=True)
        self._client.on_connect = self._say_hello
        self._client.reconnect_delay_set(1, 10)

    @property
    def is_connected(self) -> bool:
        return bool(self._client.is_connected())

    def start(
        self, host: str, port: int, username: str, password: str, *, is_tls: bool, ca_file: Path | None = None
    ) -> None:
        """Begin to connect; an absent broker is tried again. Without `ca_file` the system's authorities count."""
        self._client.username_pw_set(username, password)
        if is_tls:
            self._client.tls_set(str(ca_file) if ca_file else None)
        self._client.connect_async(host, port, keepalive=30)
        self._client.loop_start()

    def report(self, values: Mapping[str, float]) -> None:
        """Send one measurement, with the energy in kWh as plugs do."""
        energy = {"Total": round(values["energy_wh"] / WH_PER_KWH, 5), "Power": values["power_w"]}
        self._client.publish(f"tele/{self._topic}/SENSOR", json.dumps({"ENERGY": energy}))

    def stop(self) -> None:
        if self.is_connected:
            self._client.publish(f"tele/{self._topic}/LWT", "Offline", qos=1, retain=True).wait_for_publish(0.5)
        self._client.disconnect()
        self._client.loop_stop()

    def _say_hello(self, client: mqtt.Client, *_details: object) -> None:
        client.publish(f"tele/{self._topic}/LWT", "Online", qos=1, retain=True)
        client.publish(f"stat/{self._topic}/POWER", "ON")
