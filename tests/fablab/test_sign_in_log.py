"""The log tells of every sign-in, right or wrong, without telling who by name or from where exactly."""

import logging
import re

import pytest
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from people.models import Role
from people.sign_in_log import network_of
from tests.fablab.kiosk_screen import Screen
from tests.factories import make_person, make_site, make_staff

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
MARK = r"name=[0-9a-f]{16}"


@pytest.fixture(autouse=True)
def listening(caplog):
    cache.clear()
    caplog.set_level(logging.INFO, logger="people.sign_in_log")


@pytest.fixture
def said(caplog):
    return lambda: [r.getMessage() for r in caplog.records if r.name == "people.sign_in_log"]


def with_password(person):
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(client, name, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": name, "password": password})


def test_sign_in_is_logged_with_the_persons_number(said):
    person = with_password(make_person())

    sign_in(Client(REMOTE_ADDR="192.0.2.77"), person.card_code)

    assert said() == [f"signed in person={person.pk} from=192.0.2.0/24"]


def test_wrong_password_is_logged_with_the_same_mark_for_the_same_name_only(said):
    person = with_password(make_person())
    client = Client(REMOTE_ADDR="2001:db8:1:2::7")

    for name in (person.card_code, person.card_code, "zoe@example.org"):
        sign_in(client, name, "wrong")

    lines = said()
    assert all(re.fullmatch(rf"sign-in failed {MARK} from=2001:db8:1::/48", line) for line in lines)
    assert lines[0] == lines[1] != lines[2]


def test_name_that_is_locked_out_is_logged(said):
    person = with_password(make_person())

    for _try in range(6):
        sign_in(Client(), person.card_code, "wrong")

    failed, locked = said()[:-1], said()[-1]
    assert len(failed) == 5
    assert re.fullmatch(rf"sign-in locked out {MARK} from=127.0.0.0/24", locked)
    assert re.search(MARK, locked).group() == re.search(MARK, failed[0]).group()


def test_second_key_that_fails_is_logged_and_so_is_its_lock(said):
    person = with_password(make_staff(site=make_site(), role=Role.MEDIATOR))
    client = Client()
    sign_in(client, person.card_code)

    for _try in range(6):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})

    failed = [f"second key failed person={person.pk} from=127.0.0.0/24"] * 5
    assert said() == [*failed, f"sign-in locked out person={person.pk} from=127.0.0.0/24"]


def test_sign_in_on_a_screen_is_logged_right_or_wrong(said, caplog):
    screen, member = Screen(), make_person()
    code = screen.code_for(member)
    caplog.clear()

    screen.sign_in(member, f"{(int(code) + 1) % 10**6:06d}")
    screen.sign_in(member, code)

    refused, right = said()
    assert re.fullmatch(rf"sign-in refused {MARK} screen={screen.kiosk.pk} reason=wrong_card_or_code", refused)
    assert right.startswith(f"signed in person={member.pk} ")


def test_log_holds_no_name_card_password_or_address(caplog):
    person = with_password(make_person(first_name="Zoé", last_name="Nguyen"))
    client = Client(REMOTE_ADDR="192.0.2.77")

    sign_in(client, person.card_code, "wrong-battery")
    sign_in(client, "zoe\n2026 INFO signed in@example.org", "wrong-battery")
    sign_in(client, person.card_code)

    text = caplog.text.lower()
    secrets = (person.card_code.lower(), "zoé", "zoe", "nguyen", "example.org", PASSWORD, "wrong-battery", "192.0.2.77")
    assert not [secret for secret in secrets if secret in text]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("", "unknown"),
        ("@", "unknown"),
    ],
    ids=["v4", "v4 in v6", "v6", "none", "a socket"],
)
def test_address_is_cut_to_its_network(address, network):
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address

    assert network_of(request) == network


def test_passkey_that_is_not_accepted_is_logged(said):
    client = Client(REMOTE_ADDR="192.0.2.77", headers={"accept": "application/json"})
    client.get(reverse("mfa_login_webauthn"))

    client.post(reverse("mfa_login_webauthn"), {"credential": '{"rawId": "AAAA", "response": {}}'})

    assert said() == ["passkey refused from=192.0.2.0/24"]
