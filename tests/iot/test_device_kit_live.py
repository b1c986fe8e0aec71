"""The worked example of docs/device-kit.md over a real broker, with the whole ingest on the other side."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from iot.device_check import Mark, check_device
from iot.ingest.consumer import Ingest
from iot.models import Device
from iot.orders import Kind, order
from iot.partitions import ensure_partitions
from tests.contract.running_broker import PASSWORD, Client, RunningBroker, wait_until
from tests.factories import make_machine, make_site, make_staff, minutes
from tests.iot.builders import make_device
from tests.iot.running_ingest import broker_for, ingest_at
from tests.iot.test_device_kit import between

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]
# The program's own is not on every machine: this one knows the options that the page uses, and goes to our broker.
PUB = """#!{python}
import getopt, sys
import paho.mqtt.client as mqtt
options = dict(getopt.getopt(sys.argv[1:], "h:u:P:q:t:m:r")[0])
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.username_pw_set(options["-u"], options["-P"])
client.connect("127.0.0.1", {port})
client.loop_start()
client.publish(options["-t"], options["-m"], qos=int(options["-q"]), retain="-r" in options).wait_for_publish(8)
client.disconnect()
"""


@pytest.fixture
def device(db: None) -> Device:
    ensure_partitions(timezone.now())
    return make_device("kit-1", make_machine(site=make_site()), password_hash="$7$", silent_after=minutes(5))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    with broker_for("kit-1", monkeypatch) as running:
        yield running


@pytest.fixture
def ingest(broker: RunningBroker, device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    with ingest_at(broker, monkeypatch) as running:
        yield running


@pytest.fixture
def window(broker: RunningBroker) -> Iterator[Client]:
    """Listens as the page's first window does, and holds the last will."""
    client = Client(broker, "kit-1")
    client.paho.will_set("fablab/v1/kit-1/up/status", '{"state":"offline"}', qos=1, retain=True)
    yield client.open().listen("fablab/v1/kit-1/down/#")
    client.close()


def run_example(folder: Path, port: int) -> None:
    program = folder / "mosquitto_pub"
    program.write_text(PUB.format(python=sys.executable, port=port))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = re.findall(r"```sh\n(.*?)```", between("the example", "end of the example"), re.DOTALL)[0]
    env = {"PATH": f"{folder}:/usr/bin:/bin", "PASSWORD": PASSWORD}
    subprocess.run(["sh", "-eu"], input=script, env=env, text=True, check=True, timeout=60)


def heard(window: Client, leaf: str) -> list[dict[str, object]]:
    return [json.loads(payload) for topic, payload, _retained in window.got if topic.endswith(f"/down/{leaf}")]


def marks(device: Device) -> dict[str, Mark]:
    device.refresh_from_db()
    return {point.name: point.mark for point in check_device(device, now=timezone.now(), span=minutes(15))}


def test_worked_example_is_answered_as_the_page_says(
    ingest: Ingest, broker: RunningBroker, window: Client, device: Device, tmp_path: Path
) -> None:
    run_example(tmp_path, broker.port)

    assert wait_until(lambda: any(ack["seq"] == 6 for ack in heard(window, "ack")))
    assert wait_until(lambda: heard(window, "decision"))
    (decision,) = heard(window, "decision")
    assert (decision["request_id"], decision["is_allowed"], decision["reason"]) == ("r-1", False, "unknown_badge")
    assert Mark.WRONG not in marks(device).values()


def test_order_comes_down_and_the_last_will_ends_it(
    ingest: Ingest, broker: RunningBroker, window: Client, device: Device, tmp_path: Path
) -> None:
    run_example(tmp_path, broker.port)
    assert wait_until(lambda: any(ack["seq"] == 6 for ack in heard(window, "ack")))
    boot = heard(window, "ack")[-1]["boot"]

    staff = make_staff(site=device.machine.site)
    given = order(device=device, kind=Kind.MESSAGE, by=staff, now=timezone.now(), data={"text": "Hello", "for_s": 20})
    assert wait_until(lambda: heard(window, "command"))
    at = timezone.now().isoformat()
    answer = {"command_id": heard(window, "command")[0]["command_id"], "is_done": True}
    message = {"v": 1, "boot": boot, "seq": 7, "at": at, "uptime_s": 10, "data": answer}
    window.say("fablab/v1/kit-1/up/ack", json.dumps(message).encode())
    assert wait_until(lambda: (given.refresh_from_db(), given.is_done)[1])
    # A pulled plug: no goodbye.
    window.paho.socket().close()
    window.paho.loop_stop()
    assert wait_until(lambda: not Device.objects.get(pk=device.pk).is_online)

    assert {name for name, mark in marks(device).items() if mark != Mark.RIGHT} == {"heard"}
