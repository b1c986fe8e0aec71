"""Uploaded files: in bounded memory, within the limit, stored once, and nothing left of what was refused."""

import base64
import hashlib
import io
import tracemalloc
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from printing.errors import PrintRefused
from printing.files import CHUNK_BYTES, store_file, stored_path, thumbnail_path
from printing.models import PrintFile
from tests.factories import NOW, make_person

pytestmark = pytest.mark.django_db
MB = 1024 * 1024
MOVE = b"G1 X10 Y10 F3000\n"


@pytest.fixture
def store(printers_allowed):
    person = make_person()

    def run(content, name="cube.gcode"):
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        return store_file(stream=stream, name=name, by=person, now=NOW)

    return run


@pytest.fixture
def on_disk(settings):
    return lambda: sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


class LongPrint(io.RawIOBase):
    """G-code of so many bytes, made while it is read."""

    line = b"G1 X123.456 Y123.456 E0.12345\n"

    def __init__(self, size_bytes):
        self.left = size_bytes
        self.largest_read = 0
        self.digest = hashlib.sha256()
        self.lines = self.line * (MB // len(self.line) + 2)

    def read(self, size=-1):
        self.largest_read = max(self.largest_read, size)
        begin = -self.left % len(self.line)
        part = self.lines[begin : begin + min(size, self.left)]
        self.left -= len(part)
        self.digest.update(part)
        return part


def refusal(store, content, name="cube.gcode"):
    with pytest.raises(PrintRefused) as caught:
        store(content, name)
    return [(str(denial.code), dict(denial.params)) for denial in caught.value.denials]


@pytest.mark.slow
def test_largest_file_is_stored_in_little_memory(store, on_disk):
    stream = LongPrint(200 * MB)

    tracemalloc.start()
    file = store(stream)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak_bytes < 16 * MB
    assert stream.largest_read == CHUNK_BYTES
    assert (file.size_bytes, file.sha256) == (200 * MB, stream.digest.hexdigest())
    assert on_disk() == [stored_path(file)]
    assert stored_path(file).stat().st_size == 200 * MB


@pytest.mark.parametrize("extra_bytes", [0, 1])
def test_limit_holds_to_the_byte(store, settings, on_disk, extra_bytes):
    settings.UPLOAD_MAX_MB = 1

    if extra_bytes:
        assert refusal(store, LongPrint(MB + 1)) == [("too_large", {"most_mb": 1})]
        assert on_disk() == []
    else:
        assert store(LongPrint(MB)).size_bytes == MB


def test_far_too_large_file_is_not_read_to_its_end(store, settings):
    settings.UPLOAD_MAX_MB = 1
    stream = LongPrint(50 * MB)

    refusal(store, stream)

    assert stream.left >= 48 * MB


def test_same_content_is_stored_once_under_its_hash(store, on_disk):
    first, second, other = store(MOVE, "a.gcode"), store(MOVE, "b.gcode"), store(MOVE * 2, "c.gcode")

    assert first.sha256 == second.sha256 == hashlib.sha256(MOVE).hexdigest()
    assert on_disk() == sorted([stored_path(first), stored_path(other)])
    assert stored_path(first).read_bytes() == MOVE
    assert [file.name for file in PrintFile.objects.order_by("pk")] == ["a.gcode", "b.gcode", "c.gcode"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../../etc/cron.d/evil.gcode", "evil.gcode"),
        ("C:\\temp\\cube.gcode", "cube.gcode"),
        ("/etc/passwd", "passwd.gcode"),
        ("..", "print.gcode"),
        (".hidden.gcode", "hidden.gcode"),
        ("pièce n° 4 €.gcode", "piece_n_4.gcode"),
        ("部品.gcode", "print.gcode"),
        ("a\r\nSet-Cookie: x.gcode", "a_Set-Cookie_x.gcode"),
        ("a\0b.gcode", "a_b.gcode"),
        ("-rf.gcode", "rf.gcode"),
        ("<script>alert(1)</script>.gcode", "script.gcode"),
        ("n" * 300 + ".gcode", "n" * 54 + ".gcode"),
        ("", "print.gcode"),
    ],
    ids=[
        "folders",
        "Windows folders",
        "absolute",
        "dots",
        "hidden",
        "accents",
        "another script",
        "header",
        "NUL",
        "option",
        "markup",
        "long",
        "none",
    ],
)
def test_name_never_leads_out_of_the_store(store, on_disk, name, expected):
    file = store(MOVE, name)

    assert file.name == expected
    assert on_disk() == [stored_path(file)]


REFUSED = {
    "empty": (b"", "empty_file", {}),
    "STL": (b"solid cube\nfacet normal 0 0 1\n", "not_gcode", {"reason": "no_moves"}),
    "3MF": (b"PK\x03\x04" + MOVE, "not_gcode", {"reason": "zip"}),
    "bgcode": (b"GCDE\x01\x00\x00\x00" + MOVE, "damaged", {}),
    "gzip": (b"\x1f\x8b\x08" + MOVE, "not_gcode", {"reason": "gzip"}),
    "binary": (bytes(range(256)) * 4096, "not_gcode", {"reason": "nul_bytes"}),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not_gcode", {"reason": "nul_bytes"}),
    "HTML": (b"<html><body>G1 X10</body></html>\n", "not_gcode", {"reason": "no_moves"}),
    "huge line": (MOVE + b"X" * 3 * MB + b"\n", "line_too_long", {"line": 2, "limit_bytes": 1024}),
}


@pytest.mark.parametrize(("content", "code", "params"), REFUSED.values(), ids=REFUSED)
def test_refused_file_says_why_and_leaves_nothing(store, on_disk, content, code, params):
    assert refusal(store, content) == [(code, params)]
    assert on_disk() == []
    assert not PrintFile.objects.exists()


def test_upload_that_breaks_off_leaves_nothing(store, on_disk):
    class Broken(LongPrint):
        def read(self, size=-1):
            if self.left < MB:
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        store(Broken(3 * MB))

    assert on_disk() == []
    assert not PrintFile.objects.exists()


def test_thumbnail_is_made_anew(store):
    secret = PngImagePlugin.PngInfo()
    secret.add_text("Comment", "<script>SECRET</script>")
    picture = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(picture, "PNG", pnginfo=secret)

    file = store(with_thumbnail(picture.getvalue() + b"TRAILING"))
    stored = thumbnail_path(file).read_bytes()

    assert file.has_thumbnail
    assert Image.open(io.BytesIO(stored)).size == (32, 24)
    assert b"SECRET" in picture.getvalue()
    assert b"SECRET" not in stored
    assert b"TRAILING" not in stored


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"\0" * 50], ids=["SVG", "torn PNG"])
def test_thumbnail_that_is_no_picture_is_left_out(store, on_disk, data):
    file = store(with_thumbnail(data))

    assert not file.has_thumbnail
    assert on_disk() == [stored_path(file)]


def with_thumbnail(data):
    encoded = base64.b64encode(data)
    lines = b"".join(b"; %b\n" % encoded[begin : begin + 78] for begin in range(0, len(encoded), 78))
    head = b"; generated by PrusaSlicer 2.6.1 on 2023-10-31\n; thumbnail begin 32x24 %d\n" % len(encoded)
    return head + lines + b"; thumbnail end\n" + MOVE


def test_slicers_words_are_kept_with_the_file(store):
    sample = Path(__file__).parent / "samples" / "prusaslicer25.gcode"

    file = store(sample.read_bytes())

    assert file.slicer.startswith("PrusaSlicer")
    assert file.estimated.total_seconds() > 0
    assert file.filament_g > 0
    assert (file.uploaded_at, file.name) == (NOW, "cube.gcode")
