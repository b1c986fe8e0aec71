"""EMQX and VerneMQ ask who may speak where: the same answers as every broker gets, and shut out means at once."""

import base64
import json
import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from iot import broker_questions
from iot.device_services import revoke_device
from iot.models import Device
from iot.services import set_password
from tests.iot.builders import NOW, make_device, make_machine, make_plug

pytestmark = pytest.mark.django_db

KEY = "a secret of this test, long enough"
OURS = {"X-Fablab-Key": KEY}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABLAB_MQTT_AUTH_KEY", KEY)
    broker_questions._own.user = None


@pytest.fixture
def password() -> str:
    return set_password(make_device("laser-1", make_machine()), now=NOW)


def ask(question: str, body: Any, headers: dict[str, str] | None = None, hook: str = "") -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body)
    sent = (OURS if headers is None else headers) | ({"vernemq-hook": hook} if hook else {})
    return Client(enforce_csrf_checks=True).post(
        f"/api/mqtt/{question}", text, content_type="application/json", headers=sent
    )


def result(question: str, body: Any, hook: str = "") -> Any:
    response = ask(question, body, hook=hook)
    assert response.status_code == 200
    return response.json()["result"]


@pytest.mark.parametrize(
    ("username", "wrong", "answer"),
    [
        ("laser-1", "", "allow"),
        ("laser-1", "x", "deny"),
        ("laser-2", "", "deny"),
        ("", "", "deny"),
        ("a\x00", "", "deny"),
    ],
    ids=["right", "wrong", "unknown", "no name", "no text"],
)
def test_password_decides_who_comes_in(password: str, username: str, wrong: str, answer: str) -> None:
    assert result("auth", {"username": username, "password": password + wrong}) == answer


def test_device_without_a_credential_does_not_come_in_with_an_empty_one() -> None:
    make_device("bare", make_machine())

    assert result("auth", {"username": "bare", "password": ""}) == "deny"


def test_our_own_processes_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"username": settings.BROKER["username"], "password": settings.BROKER["password"]}
    down = {"username": own["username"], "action": "publish", "topic": "fablab/v1/laser-1/down/ack"}

    assert result("auth", own) == "allow"
    assert result("auth", own | {"password": "x"}) == "deny"
    assert result("acl", down) == "allow"
    assert result("acl", down | {"action": "subscribe", "topic": "$share/ingest/fablab/v1/+/up/+"}) == "allow"
    assert result("acl", down | {"topic": "fablab/v1/laser-1/up/event"}) == "deny"


@pytest.mark.parametrize(
    ("action", "topic", "answer"),
    [
        ("publish", "fablab/v1/laser-1/up/event", "allow"),
        ("publish", "fablab/v1/laser-2/up/event", "deny"),
        ("publish", "fablab/v1/laser-1/down/command", "deny"),
        ("publish", "fablab/v1/laser-1/up/#", "deny"),
        ("subscribe", "fablab/v1/laser-1/down/#", "allow"),
        ("subscribe", "fablab/v1/+/down/#", "deny"),
        ("subscribe", "#", "deny"),
        ("all", "fablab/v1/laser-1/up/event", "deny"),
        ("publish", 5, "deny"),
    ],
)
def test_device_speaks_and_listens_on_its_own_topics_only(
    password: str, action: str, topic: object, answer: str
) -> None:
    assert result("acl", {"username": "laser-1", "action": action, "topic": topic}) == answer


def test_plug_speaks_on_its_own_topic_only() -> None:
    plug = make_plug("plug-04", make_machine())
    set_password(plug, now=NOW)

    told = [
        result("acl", {"username": plug.slug, "action": "publish", "topic": f"tele/{base}/SENSOR"})
        for base in ("plug-04", "plug-05")
    ]

    assert told == ["allow", "deny"]


REFUSED = {"error": "not_allowed"}
UP, DOWN = "fablab/v1/laser-1/up/event", "fablab/v1/laser-1/down/#"


@pytest.mark.parametrize(
    ("hook", "body", "answer"),
    [
        ("auth_on_publish", {"topic": UP, "payload": "eA==", "qos": 1, "retain": False}, "ok"),
        ("auth_on_publish_m5", {"topic": DOWN}, REFUSED),
        ("auth_on_subscribe", {"topics": [{"topic": DOWN, "qos": 1}]}, "ok"),
        ("auth_on_subscribe_m5", {"topics": [{"topic": DOWN, "qos": 1}, {"topic": "#", "qos": 1}]}, REFUSED),
        ("auth_on_subscribe", {"topics": []}, REFUSED),
        ("auth_on_subscribe", {"topics": [DOWN]}, REFUSED),
        ("on_publish", {"topic": UP, "action": "publish"}, REFUSED),
    ],
)
def test_vernemq_is_answered_in_its_words(password: str, hook: str, body: dict[str, Any], answer: object) -> None:
    assert result("acl", {"username": "laser-1", **body}, hook) == answer


def test_vernemq_is_told_who_comes_in(password: str) -> None:
    known = {"username": "laser-1", "password": password, "client_id": "x", "mountpoint": ""}

    told = [
        result("auth", known, "auth_on_register"),
        result("auth", known | {"password": None}, "auth_on_register_m5"),
    ]

    assert told == ["ok", REFUSED]


def test_device_that_is_shut_out_is_refused_at_once(password: str) -> None:
    questions = [
        ("auth", {"username": "laser-1", "password": password}),
        ("acl", {"username": "laser-1", "action": "publish", "topic": UP}),
    ]
    before = [result(*question) for question in questions]
    revoke_device(device=Device.objects.get(), by=None, now=NOW)

    after = [result(*question) for question in questions]

    assert (before, after) == (["allow"] * 2, ["deny"] * 2)


def basic(password: str) -> str:
    return f"Basic {base64.b64encode(f'fablab:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Fablab-Key": "x"}, 403),
        ({"X-Fablab-Key": KEY[:-1]}, 403),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": basic(KEY)}, 200),
        ({"Authorization": basic("x")}, 403),
        ({"Authorization": "Basic ;"}, 403),
    ],
    ids=["none", "wrong", "shorter", "bearer", "in the address", "wrong in the address", "garbage"],
)
def test_only_who_knows_the_key_is_answered(password: str, headers: dict[str, str], status: int) -> None:
    assert ask("auth", {"username": "laser-1", "password": password}, headers).status_code == status


@pytest.mark.parametrize("question", ["auth", "acl"])
def test_without_a_key_there_is_no_such_address(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABLAB_MQTT_AUTH_KEY", "")

    assert ask(question, {}, {"X-Fablab-Key": ""}).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"username": ["x"]}', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("question", ["auth", "acl"])
def test_what_cannot_be_read_is_refused(question: str, body: bytes) -> None:
    assert result(question, body) == "deny"


def test_nothing_is_kept_and_nothing_is_logged(password: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    responses = [ask("auth", {"username": "laser-1", "password": word}) for word in (password, "hunter2-wrong")]

    assert {response.headers["Cache-Control"] for response in responses} == {"no-store"}
    assert password not in caplog.text
    assert "hunter2-wrong" not in caplog.text


def test_a_question_costs_one_query(password: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    body = {"username": "laser-1", "password": password}
    ask("auth", body)

    for question in ("auth", "acl"):
        with django_assert_num_queries(1):
            ask(question, body | {"action": "publish", "topic": UP})


def test_unknown_name_is_compared_as_long_as_a_known_one(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = broker_questions.verify_password
    monkeypatch.setattr(
        broker_questions,
        "verify_password",
        lambda said, hashed: compared.append(hashed.split("$")[2]) or real(said, hashed),
    )

    for name in ("laser-1", "nobody", "", str(settings.BROKER["username"])):
        ask("auth", {"username": name, "password": "wrong"})

    assert len(compared) == 4
    assert len(set(compared)) == 1
