"""A key for which nobody types a key: the fake's answers as the plugin documents them, and a real OctoPrint's."""

import time

import pytest
import requests

from printing.backends import (
    AddressRefused,
    PrinterProtocolError,
    PrinterRejected,
    PrinterUnreachable,
    Timeouts,
    make_backend,
)
from printing.backends.appkeys import DENIED, WAITING, AppKeyRequest
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.octoprint_fixture import LOOPBACK_NETWORKS, octoprint_server  # noqa: F401 (a fixture)

TINY_TIMEOUTS = Timeouts(connect_s=0.3, read_s=0.3)


@pytest.fixture
def fake():
    server = FakeOctoPrint()
    yield server
    server.stop()


@pytest.fixture(params=["fake", pytest.param("octoprint", marks=pytest.mark.serial)])
def server(request):
    return request.getfixturevalue("fake" if request.param == "fake" else "octoprint_server")


def begin(server, user="fablab", **changes):
    return AppKeyRequest.begin(server.url, LOOPBACK_NETWORKS, "FabLab", user, **changes)


def poll(server, token, **changes):
    return AppKeyRequest.poll(server.url, LOOPBACK_NETWORKS, token, **changes)


def test_wish_waits_until_somebody_decides(server):
    token = begin(server)

    assert [poll(server, token) for _ask in range(2)] == [WAITING, WAITING]


def test_unknown_token_counts_as_denied(server):
    assert poll(server, "0123456789ABCDEF0123456789ABCDEF") == DENIED


def decide(server, *, is_allowed):
    """What somebody's click does; with a key, since nobody is there to click."""
    headers = {"X-Api-Key": server.api_key}
    pending = requests.get(f"{server.url}/api/plugin/appkeys", headers=headers, timeout=10).json()["pending"]
    for token in pending:
        answer = requests.post(
            f"{server.url}/plugin/appkeys/decision/{token}", json={"decision": is_allowed}, headers=headers, timeout=10
        )
        assert answer.status_code in (204, 404)  # an older wish may have died in between


@pytest.mark.parametrize("user", ["fablab", ""], ids=["one user", "whoever is signed in there"])
def test_allowed_wish_is_a_key_that_works(server, user):
    token = begin(server, user)
    poll(server, token)

    decide(server, is_allowed=True)
    key = poll(server, token)

    probe = make_backend("octoprint", url=server.url, api_key=key, networks=LOOPBACK_NETWORKS).probe()
    assert (probe.is_octoprint, probe.user_name) == (True, "fablab")


def test_denied_wish_is_no_key(server):
    token = begin(server)
    poll(server, token)

    decide(server, is_allowed=False)

    assert poll(server, token) == DENIED


def test_only_the_token_of_the_location_is_used(fake):
    token = begin(fake)
    poll(fake, token)

    asked = [(method, path) for method, path, _headers in fake.requests]
    assert asked == [
        ("GET", "/plugin/appkeys/probe"),
        ("POST", "/plugin/appkeys/request"),
        ("GET", f"/plugin/appkeys/request/{token}"),
    ]
    assert all("X-Api-Key" not in headers for _method, _path, headers in fake.requests)


def test_path_prefix_of_a_reverse_proxy_is_kept():
    proxied = FakeOctoPrint(path_prefix="/printer1")

    token = begin(proxied)
    answer = poll(proxied, token)
    proxied.stop()

    assert answer == WAITING


def test_octoprint_without_the_plugin_rejects_the_wish(fake):
    fake.has_app_keys = False

    with pytest.raises(PrinterRejected):
        begin(fake)


@pytest.mark.parametrize("token", ["", "../../api/users", "a/b", "TOKEN?x", "ä" * 12, "x" * 200])
def test_token_that_cannot_be_one_is_never_asked_about(fake, token):
    with pytest.raises(PrinterRejected):
        poll(fake, token)

    assert fake.requests == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("html", PrinterProtocolError),
        ("redirect", PrinterProtocolError),
        ("list", PrinterProtocolError),
        ("hang", PrinterUnreachable),
        ("bad_gateway", PrinterUnreachable),
    ],
)
def test_fault_ends_in_its_typed_error(fake, fault, expected):
    fake.fault, fake.redirect_to = fault, "http://127.0.0.1:9"

    began = time.monotonic()
    with pytest.raises(expected):
        begin(fake, timeouts=TINY_TIMEOUTS)
    with pytest.raises(expected) as caught:
        poll(fake, "TOKEN-FabLab-fablab", timeouts=TINY_TIMEOUTS)

    assert time.monotonic() - began < 3
    assert "SECRET-BODY" not in repr(caught.value)


@pytest.mark.parametrize("key", ["", "short", "has blanks in it, so it is none"])
def test_answer_that_is_no_key_is_a_protocol_error(fake, key):
    token = begin(fake)
    fake.app_keys[token] = key

    with pytest.raises(PrinterProtocolError):
        poll(fake, token)


def test_address_outside_the_printers_networks_is_refused(fake):
    with pytest.raises(AddressRefused):
        AppKeyRequest.begin(fake.url, ("192.168.0.0/16",), "FabLab", "fablab")

    assert fake.requests == []
