"""A still from the camera: a picture of our own making, and nothing else that the camera may send."""

import contextlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from printing.backends import (
    AddressRefused,
    PrinterAuthError,
    PrinterProtocolError,
    PrinterRejected,
    PrinterUnreachable,
    Timeouts,
)
from printing.backends.camera import LARGEST_STILL_BYTES, Camera, _redrawn

LOOPBACK_NETWORKS = ("127.0.0.0/8",)
TINY_TIMEOUTS = Timeouts(connect_s=0.3, read_s=0.3)


def picture(form="JPEG", size=(64, 48), **options):
    target = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(target, form, **options)
    return target.getvalue()


def picture_with_a_secret():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "SECRET-PLACE")
    return picture("PNG", pnginfo=info)


class Webcam:
    """Answers every GET with the same bytes; without an answer it keeps silent."""

    def __init__(self):
        self.status, self.kind, self.body, self.location = 200, "image/jpeg", picture(), ""
        self.is_silent = False
        self.asked = []
        self.released = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                camera.asked.append((self.path, dict(self.headers)))
                if camera.is_silent:
                    camera.released.wait(5)
                    return
                self.send_response(camera.status)
                self.send_header("Content-Type", camera.kind)
                if camera.location:
                    self.send_header("Location", camera.location)
                self.end_headers()
                with contextlib.suppress(OSError):  # the other side has seen enough
                    self.wfile.write(camera.body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self):
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def webcam():
    camera = Webcam()
    yield camera
    camera.stop()


def still_of(webcam, path="/?action=snapshot"):
    return Camera.snapshot(f"{webcam.url}{path}", LOOPBACK_NETWORKS, TINY_TIMEOUTS)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_still_is_a_jpeg_whatever_the_camera_sends(webcam, form):
    webcam.body, webcam.kind = picture(form), f"image/{form.lower()}"

    with Image.open(io.BytesIO(still_of(webcam))) as still:
        assert (still.format, still.size, still.mode) == ("JPEG", (64, 48), "RGB")


def test_still_has_nothing_of_the_camera_but_the_picture(webcam):
    webcam.body, webcam.kind = picture_with_a_secret(), "image/png"

    still = still_of(webcam)

    assert b"SECRET-PLACE" in webcam.body
    assert b"SECRET-PLACE" not in still


@pytest.mark.parametrize(
    "path", ["", "/", "/?action=snapshot", "/webcam/?action=snapshot&n=1", "/cgi-bin/snap.jpg", "/a%20b.jpg"]
)
def test_path_and_query_reach_the_camera_without_a_key(webcam, path):
    still_of(webcam, path)

    [(asked, headers)] = webcam.asked
    assert asked == (path or "/")
    assert "X-Api-Key" not in headers


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "text/html", "body": b"<html>log in</html>"}, PrinterProtocolError),
        ({"kind": "multipart/x-mixed-replace; boundary=x"}, PrinterProtocolError),
        ({"body": b""}, PrinterProtocolError),
        ({"body": picture()[:100]}, PrinterProtocolError),
        ({"body": b"GIF89a" + bytes(50)}, PrinterProtocolError),
        ({"kind": "image/svg+xml", "body": b"<svg onload='alert(1)'/>"}, PrinterProtocolError),
        ({"body": b"\xff" * (LARGEST_STILL_BYTES + 1)}, PrinterProtocolError),
        ({"status": 302, "location": "http://127.0.0.1:9/"}, PrinterProtocolError),
        ({"status": 401}, PrinterAuthError),
        ({"status": 404}, PrinterRejected),
        ({"status": 500}, PrinterProtocolError),
        ({"status": 503}, PrinterUnreachable),
        ({"is_silent": True}, PrinterUnreachable),
    ],
    ids=[
        "a page",
        "a stream without end",
        "nothing",
        "half a picture",
        "another format",
        "a drawing",
        "more than 5 MB",
        "a redirect",
        "a password wanted",
        "nothing there",
        "an error",
        "a proxy without camera",
        "silence",
    ],
)
def test_anything_but_a_picture_ends_in_its_typed_error(webcam, change, expected):
    for name, value in change.items():
        setattr(webcam, name, value)

    began = time.monotonic()
    with pytest.raises(expected) as caught:
        still_of(webcam)

    assert time.monotonic() - began < 3
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("size", [(4001, 10), (10, 4001), (10_000, 10_000)], ids=str)
def test_picture_wider_or_higher_than_4000_px_is_not_even_unpacked(webcam, size):
    target = io.BytesIO()
    Image.new("1", size).save(target, "PNG")
    webcam.body, webcam.kind = target.getvalue(), "image/png"

    began = time.monotonic()
    with pytest.raises(PrinterProtocolError):
        still_of(webcam)

    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("http://user:secret@127.0.0.1/", "userinfo"),
        ("http://127.0.0.1/#x", "query"),
        ("http://127.0.0.1/?a=\r\nX: y", "query"),
        ("http://127.0.0.1/a/../b", "path"),
        ("http://127.0.0.1/<x>", "path"),
        ("http://169.254.169.254/latest", "forbidden"),
        ("http://192.168.1.5/", "network"),
        ("http:///x", "host"),
    ],
)
def test_address_that_is_not_accepted_is_refused_before_any_request(url, reason):
    with pytest.raises(AddressRefused) as caught:
        Camera.snapshot(url, LOOPBACK_NETWORKS)

    assert caught.value.reason == reason


@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
def test_damaged_picture_is_drawn_or_refused(form, data):
    whole = bytearray(picture(form, size=(16, 16)))
    for _place in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    still = b"\xff\xd8"
    with contextlib.suppress(PrinterProtocolError):
        still = _redrawn(bytes(whole[: data.draw(st.integers(0, len(whole)))]))

    assert still.startswith(b"\xff\xd8")
