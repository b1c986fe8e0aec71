"""A printer that misbehaves: each fault ends in its own error, in time, and the key goes nowhere else."""

import time

import pytest

from printing.backends import (
    PrinterAuthError,
    PrinterConnection,
    PrinterProtocolError,
    PrinterRejected,
    PrinterUnreachable,
    Timeouts,
    capabilities,
    make_backend,
)
from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.fake_prusalink import FakePrusaLink
from tests.contract.octoprint_fixture import LOOPBACK_NETWORKS

GCODE = b"G28\nG1 X10 F60000\nG4 S5\n"
TINY_TIMEOUTS = Timeouts(connect_s=0.3, read_s=0.3, upload_s=0.5)


FAKES = {"octoprint": FakeOctoPrint, "moonraker": FakeMoonraker, "prusalink": FakePrusaLink}


@pytest.fixture(params=FAKES)
def fake(request):
    server = FAKES[request.param]()
    yield server
    server.stop()


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "any.gcode"
    path.write_bytes(GCODE)
    return path


def backend_of(server, **changes):
    options = {"url": server.url, "api_key": server.api_key, "networks": LOOPBACK_NETWORKS} | changes
    return make_backend(server.kind, **options)


FAULTS = {
    "hang": PrinterUnreachable,
    "trickle": PrinterUnreachable,
    "reset": PrinterUnreachable,
    "bad_gateway": PrinterUnreachable,
    "html": PrinterProtocolError,
    "redirect": PrinterProtocolError,
    "endless": PrinterProtocolError,
    "list": PrinterProtocolError,
}


@pytest.mark.parametrize(("fault", "expected"), FAULTS.items(), ids=FAULTS)
def test_fault_ends_in_its_typed_error_without_key_or_body(fake, local, fault, expected):
    backend = backend_of(fake, timeouts=TINY_TIMEOUTS)
    fake.fault, fake.redirect_to = fault, "http://127.0.0.1:9"
    calls = {
        "probe": backend.probe,
        "status": backend.status,
        "upload": lambda: backend.upload(local, "fablab/1/any.gcode", {}),
    }

    began = time.monotonic()
    errors = {}
    for name, call in calls.items():
        with pytest.raises(expected) as caught:
            call()
        errors[name] = caught.value

    assert time.monotonic() - began < 5
    for error in errors.values():
        assert fake.api_key not in repr(error)
        assert "SECRET-BODY" not in repr(error)
        assert error.__cause__ is None


def test_redirect_never_takes_the_key_to_another_host(fake):
    other = type(fake)()
    fake.fault, fake.redirect_to = "redirect", other.url
    backend = backend_of(fake, timeouts=TINY_TIMEOUTS)

    for call in (backend.probe, backend.status, backend.cancel):
        with pytest.raises(PrinterProtocolError):
            call()
    other.stop()

    assert fake.requests
    assert other.requests == []


def test_refused_port_is_unreachable(fake):
    backend = backend_of(fake, timeouts=TINY_TIMEOUTS)
    fake.stop()

    with pytest.raises(PrinterUnreachable):
        backend.status()


def test_backend_goes_on_after_a_fault(fake):
    backend = backend_of(fake, timeouts=TINY_TIMEOUTS)
    for fault, expected in FAULTS.items():
        fake.fault = fault
        with pytest.raises(expected):
            backend.status()
    fake.fault = ""

    assert backend.status().connection in (PrinterConnection.OFFLINE, PrinterConnection.OPERATIONAL)


def test_power_cut_leaves_an_offline_printer_without_a_file(fake, local):
    backend = backend_of(fake)
    backend.connect()
    path = backend.upload(local, "fablab/1/any.gcode", {}).path
    backend.select_and_start(path)

    backend.status()
    fake.printer.vanish()
    status = backend.status()

    assert (status.remote_path, status.completion_pct) == (None, None)
    # PrusaLink is the printer itself: it is back with the power.
    assert status.connection.is_ready == (fake.kind == "prusalink")
    assert backend.last_print(path) is None


@pytest.mark.parametrize("fake", ["octoprint"], indirect=True)
def test_userdata_reaches_the_server(fake, local):
    backend_of(fake).upload(local, "fablab/7/any.gcode", {"job": "7", "machine": "prusa"})

    expected = {"path": "fablab/7/any.gcode", "userdata": {"job": "7", "machine": "prusa"}}
    assert fake.printer.uploads == [expected]
    assert fake.printer.files["fablab/7/any.gcode"] == GCODE


@pytest.mark.parametrize("kind", FAKES)
def test_path_prefix_of_a_reverse_proxy_is_kept(kind, local):
    proxied = FAKES[kind](path_prefix="/printer1")

    backend = backend_of(proxied)
    probe = backend.probe()
    backend.upload(local, "fablab/1/any.gcode", {})
    proxied.stop()

    assert probe.software.lower() == kind
    assert {path.split("/")[1] for _method, path, _headers in proxied.requests} == {"printer1"}


@pytest.mark.parametrize("remote_path", ["../x.gcode", "a//b.gcode", "/a.gcode", "é.gcode", "a?b.gcode", "", "a/.b"])
def test_remote_path_with_other_characters_is_rejected_before_any_request(fake, remote_path):
    backend = backend_of(fake)

    with pytest.raises(PrinterRejected):
        backend.select_and_start(remote_path)

    assert fake.requests == []


@pytest.mark.parametrize("key", ["", "a\r\nX: y", "clé"], ids=["empty", "header injection", "accent"])
def test_key_that_cannot_be_one_is_refused_at_once(key):
    with pytest.raises(PrinterAuthError):
        make_backend("octoprint", url="http://127.0.0.1", api_key=key, networks=LOOPBACK_NETWORKS)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no printer back-end"):
        make_backend("teleporter", url="http://127.0.0.1", api_key="k", networks=LOOPBACK_NETWORKS)


def test_capabilities_are_known_of_every_kind_that_a_printer_may_be():
    known = {kind: capabilities(kind).takes for kind in ("octoprint", "moonraker", "prusalink", "by_hand")}

    assert known == {
        "octoprint": {"gcode"},
        "moonraker": {"gcode"},
        "prusalink": {"gcode", "bgcode"},
        "by_hand": {"gcode", "bgcode", "gcode_3mf"},
    }
    with pytest.raises(ValueError, match="no printer back-end"):
        capabilities("teleporter")
