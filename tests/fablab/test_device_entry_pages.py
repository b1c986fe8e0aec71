"""The page of a device: what it has and what that leaves out; who logs in for it."""

import html
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fablab.lib.certificates import certificate_pem, fingerprint, make_authority
from iot.models import Device, SeenDevice
from tests.api.lab import Lab, make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def test_what_a_device_says_it_cannot_do_is_not_offered_and_why(lab: Lab) -> None:
    Device.objects.filter(pk=lab.device.pk).update(capabilities=["relay", "badge"], refuses=["reboot"])
    client, slug = lab.client("manager"), lab.device.slug

    page = client.get(reverse("manage-device", args=[slug])).content.decode()
    refused = client.post(reverse("manage-device-order", args=[slug]), {"kind": "message", "text": "Hello"})

    assert "It has: a relay for the power, a badge reader" in page
    assert "Show a message: It says that it has no display." in page
    assert "Restart: It answered that it cannot do that." in page
    assert ('value="message"' in page, refused.status_code) == (False, 403)


def test_zigbee_plug_is_shown_no_password_and_its_bridge_gets_one(lab: Lab) -> None:
    client, now = lab.client("manager"), timezone.now()
    seen = SeenDevice.objects.create(
        topic="zigbee2mqtt/saw", kind="zigbee2mqtt", label="Saw", first_seen_at=now, last_seen_at=now
    )
    said = {"name": "Saw plug", "machine": str(lab.laser.pk)}

    attached = client.post(reverse("manage-device-attach", args=[seen.pk]), said, follow=True)
    let_in = client.post(reverse("manage-device-code", args=["saw-plug"]), follow=True).content.decode()

    assert "password" not in attached.context
    assert "A Zigbee plug has no password: Zigbee2MQTT connects for all of its plugs." in attached.content.decode()
    assert "<code>bridge.zigbee2mqtt</code>" in let_in
    assert "under mqtt: it is shown only once" in let_in


@pytest.fixture
def mark(settings, tmp_path: Path) -> str:
    """The lab is open to the network, with a certificate authority of its own: that one's fingerprint."""
    authority = make_authority(name="Lab", own_names=[], now=timezone.now()).certificate
    (tmp_path / "ca.crt").write_bytes(certificate_pem(authority))
    settings.TLS_AUTHORITY, settings.MQTT_TLS_PORT = str(tmp_path / "ca.crt"), 8883
    settings.ADDRESSES, settings.ALLOWED_HOSTS = ["https://192.168.1.20:8443"], ["*"]
    return fingerprint(authority)


def read(client: Client, lab: Lab, *, makes_secret: bool = False) -> str:
    """The device's page as seen on the lab's own computer, over HTTPS."""
    name = "manage-device-code" if makes_secret else "manage-device"
    url, there = reverse(name, args=[lab.device.slug]), {"host": "localhost:8443"}
    answer = (
        client.post(url, secure=True, headers=there) if makes_secret else client.get(url, secure=True, headers=there)
    )
    if makes_secret:
        answer = client.get(answer["Location"], secure=True, headers=there)
    return html.unescape(answer.content.decode())


def test_line_to_type_names_the_address_for_others_and_the_fingerprint(lab: Lab, mark: str) -> None:
    page = read(lab.client("manager"), lab, makes_secret=True)

    start = page.index("fablab-agent enrol ")
    _program, _word, address, code, _option, shown = page[start : page.index("</code>", start)].split()
    assert (address, shown) == ("https://192.168.1.20:8443", mark)
    assert f"https://192.168.1.20:8443/#{code},{mark.replace(':', '')}" in page
    assert "data:image/svg+xml" in page


@pytest.mark.parametrize(("plain_port", "word"), [(1883, "<code>1883</code>"), (0, "--mqtt-plain-port 1883")])
def test_plug_is_told_server_and_ports(lab: Lab, mark: str, settings, plain_port: int, word: str) -> None:
    Device.objects.filter(pk=lab.device.pk).update(kind="tasmota", topic="plug-04")
    settings.MQTT_PLAIN_PORT = plain_port

    page = read(lab.client("manager"), lab)

    assert all(each in page for each in ("<code>192.168.1.20</code>", "<code>8883</code>", "encrypted (TLS)", word))


def test_lab_that_is_not_open_to_the_network_says_how_it_is_opened(lab: Lab) -> None:
    assert "open the lab with LAN=1" in read(lab.client("manager"), lab)
