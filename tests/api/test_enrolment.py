"""A device fetches its credential with a one-time code."""

import datetime as dt
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from fablab.lib.certificates import certificate_pem, make_authority
from iot.credentials import verify_password
from iot.models import EnrolmentCode
from iot.services import make_enrolment_code
from tests.api.lab import Lab

URL = "/api/v1/devices/enrol"
TRIES_A_MINUTE = 10


@pytest.fixture
def code(lab: Lab) -> str:
    return make_enrolment_code(device=lab.device, by=None, now=timezone.now())


def enrol(code: object) -> object:
    return Client().post(URL, {"code": code}, content_type="application/json")


def test_code_is_exchanged_once(lab: Lab, code: str) -> None:
    first, again = enrol(code), enrol(code)

    lab.device.refresh_from_db()
    credential = first.json()
    assert (first.status_code, again.status_code, again.json()["code"]) == (200, 403, "code_refused")
    assert credential["device"] == lab.device.slug
    assert set(credential) == {"device", "password", "roster_key", "host", "port", "is_tls", "ca"}
    assert verify_password(credential["password"], lab.device.password_hash)


@pytest.mark.parametrize(
    ("asked_at", "tls_port", "expected"),
    [
        ("192.168.1.20:8443", 8883, ("192.168.1.20", 8883, True, True)),
        ("[fd00::2]:8443", 8883, ("fd00::2", 8883, True, True)),
        ("localhost:8443", 8883, ("127.0.0.1", 18883, False, False)),
        ("192.168.1.20:8443", 0, ("127.0.0.1", 18883, False, False)),
    ],
    ids=["elsewhere in the building", "by IPv6", "on the lab's computer", "not open to the network"],
)
def test_device_is_told_the_broker_by_the_way_it_came(
    code: str, settings, tmp_path: Path, asked_at: str, tls_port: int, expected: tuple[str, int, bool, bool]
) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_bytes(certificate_pem(make_authority(name="Lab", own_names=[], now=timezone.now()).certificate))
    settings.TLS_AUTHORITY, settings.MQTT_TLS_PORT = str(authority), tls_port
    settings.BROKER = settings.BROKER | {"port": 18883}
    settings.ALLOWED_HOSTS = ["*"]

    answer = Client(headers={"host": asked_at}).post(URL, {"code": code}, content_type="application/json").json()

    found = (answer["host"], answer["port"], answer["is_tls"], answer["ca"].startswith("-----BEGIN CERTIFICATE-----"))
    assert found == expected


def test_code_may_be_typed_carelessly(code: str) -> None:
    assert enrol(f" {code.lower().replace('-', ' ')} ").status_code == 200


def test_expired_code_is_refused(code: str) -> None:
    EnrolmentCode.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))

    assert enrol(code).status_code == 403


def test_newer_code_replaces_the_older(lab: Lab, code: str) -> None:
    newer = make_enrolment_code(device=lab.device, by=None, now=timezone.now())

    assert [enrol(code).status_code, enrol(newer).status_code] == [403, 200]


def test_revoked_device_gets_nothing(lab: Lab, code: str) -> None:
    lab.device.revoked_at = timezone.now()
    lab.device.save()

    assert enrol(code).status_code == 403


@pytest.mark.parametrize("code", ["", "x" * 41, None, ["a"], "\x00"], ids=["empty", "long", "null", "list", "NUL"])
def test_code_of_another_shape_is_400(lab: Lab, code: object) -> None:
    assert enrol(code).status_code == 400


def test_guessing_is_slowed_down(lab: Lab) -> None:
    statuses = [enrol(f"guess-{n}").status_code for n in range(TRIES_A_MINUTE + 1)]

    assert statuses == [403] * TRIES_A_MINUTE + [429]


def test_reading_boards_do_not_use_up_a_devices_tries(lab: Lab, code: str) -> None:
    for _ in range(TRIES_A_MINUTE + 5):
        Client().get("/api/v1/machines/no-such/")

    assert enrol(code).status_code == 200
