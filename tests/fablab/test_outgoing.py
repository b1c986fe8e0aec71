"""What somebody types may send the server nowhere but out, and no answer keeps it for long."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fablab.lib.outgoing import Answer, OutgoingError, fetch
from tests.printing.test_addresses import certificate_for

HERE = ["127.0.0.0/8"]
LIMITS = {"timeout_s": 5.0, "max_bytes": 1000}


class Server(BaseHTTPRequestHandler):
    """Answers by path; keeps what it was asked."""

    asked: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        type(self).asked.append((self.path, dict(self.headers)))
        getattr(self, f"answer_{self.path.strip('/').partition('?')[0] or 'plain'}")()

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_plain(self) -> None:
        self.say(200, b"BEGIN", ETag='"1"')

    def answer_known(self) -> None:
        self.say(304)

    def answer_moved(self) -> None:
        self.say(302, Location="http://169.254.169.254/latest")

    def answer_missing(self) -> None:
        self.say(404)

    def answer_huge(self) -> None:
        self.say(200, b"x" * 1001)

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 5000)

    def answer_short(self) -> None:
        self.say(200, b"half", Content_Length="900")

    def answer_packed(self) -> None:
        self.say(200, b"\x1f\x8b", Content_Encoding="gzip")

    def answer_trickle(self) -> None:
        self.send_response(200)
        self.end_headers()
        self._drip(b"x")

    def answer_trickling_head(self) -> None:
        self.send_response(200)
        self.flush_headers()
        self._drip(b"X-Wait: 1\r\n")

    def _drip(self, drop: bytes) -> None:
        for _second in range(100):
            try:
                self.wfile.write(drop)
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def answer_nonsense(self) -> None:
        self.wfile.write(b"220 mail.example ESMTP\r\n")

    def log_message(self, *_args: object) -> None:
        """Not on the screen."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Server,), {"asked": []})
    found = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def known_as(*answers: str) -> Callable[[str, int], list[str]]:
    return lambda _host, _port: list(answers)


def code_of(url: str, **options: object) -> str:
    settings: dict = {**LIMITS, "allowed": HERE, "schemes": ("http", "https"), **options}
    with pytest.raises(OutgoingError) as caught:
        fetch(url, **settings)
    return caught.value.code


def url_of(server: ThreadingHTTPServer, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://calendar.example/a", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("calendar.example", "scheme"),
        ("", "scheme"),
        ("https://user:word@calendar.example/", "userinfo"),
        ("https://calendar.example@127.0.0.1/", "userinfo"),
        ("https://", "host"),
        ("https://[::1", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://a b/", "host"),
        ("https://8.8.8.8/a b", "host"),
        ("https://8.8.8.8/\u00e9", "host"),
        ("https://8.8.8.8:0/", "port"),
        ("https://8.8.8.8:99999/", "port"),
        ("https://no-such-calendar.invalid/", "unknown_name"),
        ("http://127.0.0.1:5432/", "loopback"),
        ("http://localhost/", "loopback"),
        ("http://[::1]/", "loopback"),
        ("http://2130706433/", "loopback"),
        ("http://0x7f.1/", "loopback"),
        ("http://017700000001/", "loopback"),
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://[64:ff9b::7f00:1]/", "loopback"),
        ("http://[2002:7f00:1::]/", "loopback"),
        ("http://10.0.0.1/", "network"),
        ("http://192.168.1.1/", "network"),
        ("http://100.64.0.1/", "network"),
        ("http://[fd00::1]/", "network"),
        ("http://[::ffff:10.0.0.1]/", "network"),
        ("http://169.254.169.254/latest", "forbidden"),
        ("http://[::ffff:169.254.169.254]/", "forbidden"),
        ("http://[fd00:ec2::254]/", "forbidden"),
        ("http://100.100.100.200/", "forbidden"),
        ("http://0.0.0.0/", "forbidden"),
        ("http://224.0.0.1/", "forbidden"),
        ("http://255.255.255.255/", "forbidden"),
    ],
)
def test_address_that_leads_inside_is_refused(url: str, code: str) -> None:
    assert code_of(url, allowed=[]) == code


def test_plain_http_is_refused_unless_it_is_asked_for(server: ThreadingHTTPServer) -> None:
    assert code_of(url_of(server, "/"), schemes=("https",)) == "scheme"


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (("93.184.215.14", "10.0.0.1"), "network"),
        (("93.184.215.14", "127.0.0.1"), "loopback"),
        (("93.184.215.14", "169.254.169.254"), "forbidden"),
        ((), "unknown_name"),
    ],
    ids=["private", "loopback", "metadata", "none"],
)
def test_name_is_refused_if_any_of_its_addresses_is(answers: tuple[str, ...], code: str) -> None:
    assert code_of("https://calendar.example/", allowed=[], resolve=known_as(*answers)) == code


def test_name_is_asked_for_once_and_that_address_is_dialled(server: ThreadingHTTPServer) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    url = url_of(server, "/plain?a=b", host="calendar.invalid")

    found = fetch(url, allowed=HERE, schemes=("http",), resolve=lambda _host, _port: next(answers), **LIMITS)

    path, headers = server.RequestHandlerClass.asked[0]  # type: ignore[attr-defined]
    assert (found.status, found.body, found.headers["etag"]) == (200, b"BEGIN", '"1"')
    assert (path, headers["Host"]) == ("/plain?a=b", f"calendar.invalid:{server.server_port}")
    assert next(answers) == ["10.0.0.1"]


def test_mark_is_sent_and_unchanged_is_an_answer(server: ThreadingHTTPServer) -> None:
    url = url_of(server, "/known")

    found = fetch(url, allowed=HERE, schemes=("http",), headers={"If-None-Match": '"1"'}, **LIMITS)

    assert found == Answer(304, found.headers, b"")
    assert server.RequestHandlerClass.asked[0][1]["If-None-Match"] == '"1"'  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/moved", "redirect"),
        ("/missing", "status"),
        ("/huge", "too_large"),
        ("/endless", "too_large"),
        ("/short", "unreachable"),
        ("/packed", "encoding"),
        ("/nonsense", "unintelligible"),
    ],
)
def test_answer_that_is_no_use_is_refused(server: ThreadingHTTPServer, path: str, code: str) -> None:
    assert code_of(url_of(server, path)) == code


@pytest.mark.parametrize("path", ["/trickle", "/trickling_head"])
def test_answer_that_trickles_is_cut_when_the_time_is_over(server: ThreadingHTTPServer, path: str) -> None:
    began = time.monotonic()

    code = code_of(url_of(server, path), timeout_s=0.5)

    assert code == "too_slow"
    assert time.monotonic() - began < 2


def test_silent_server_is_too_slow() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert code_of(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.3) == "too_slow"
        assert code_of(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.3) == "too_slow"


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert code_of(f"http://127.0.0.1:{port}/") == "unreachable"


def test_certificate_that_nobody_vouches_for_is_refused(tmp_path) -> None:

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate_for("calendar.invalid", tmp_path))
    found = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Server,), {"asked": []}))
    found.socket = tls.wrap_socket(found.socket, server_side=True)
    threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True).start()
    url = f"https://calendar.invalid:{found.server_port}/plain"
    options: dict = {"allowed": HERE, "resolve": known_as("127.0.0.1"), **LIMITS}

    code = code_of(url, **options)
    trusted = fetch(url, ca_bundle=str(tmp_path / "calendar.invalid.pem"), **options)

    found.shutdown()
    found.server_close()
    assert (code, trusted.body) == ("certificate", b"BEGIN")
