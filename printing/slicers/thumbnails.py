"""The picture a slicer hides in comments: base64 between `thumbnail begin` and `thumbnail end`."""

import base64
import binascii
import io
import re
import struct
import zlib

from PIL import Image

LARGEST_PICTURE_BYTES = 512 * 1024
LARGEST_SIDE_PX = 1000
# Pillow unpacks QOI with Python code: a quarter of a second for this much.
LARGEST_QOI_BYTES = 128 * 1024
# A progressive JPEG has about ten. Twelve bytes are enough for one more, and each goes over every pixel.
MOST_JPEG_SCANS = 20
# The suffix of `thumbnail_JPG` is not believed: Pillow looks at the bytes.
FORMATS = ("PNG", "JPEG", "QOI")
MOST_CANDIDATES = 8

_BEGIN = re.compile(r"^;[ \t]*thumbnail(?:_[A-Z]{1,8})? begin (\d{1,5})[x ](\d{1,5}) \d{1,9}[ \t]*$", re.MULTILINE)
_END = re.compile(r"^;[ \t]*thumbnail(?:_[A-Z]{1,8})? end", re.MULTILINE)
_NOT_BASE64 = re.compile(r"[;\s]+")
_QOI = b"qoif"
_JPEG = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_PNG = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# Length, name and checksum.
_CHUNK_FRAME_BYTES = 12
# What Pillow's decoders raise on truncated, invented or enormous pictures; its warnings where they are errors.
_REFUSALS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


def largest_png(text: str) -> bytes | None:
    """The largest complete picture in this G-code, made anew as PNG; None when there is none to be trusted.

    A picture is at most 512 kB and 1000 × 1000 pixels. It is decoded and encoded again, so that nothing else
    than pixels reaches a browser.
    """
    begins = sorted(_BEGIN.finditer(text), key=lambda begin: int(begin[1]) * int(begin[2]), reverse=True)
    for begin in begins[:MOST_CANDIDATES]:
        end = _END.search(text, begin.end())
        data = _decoded(text[begin.end() : end.start()]) if end else None
        png = as_png(data) if data else None
        if png:
            return png
    return None


def _decoded(block: str) -> bytes | None:
    if len(block) > LARGEST_PICTURE_BYTES * 2:
        return None
    try:
        data = base64.b64decode(_NOT_BASE64.sub("", block), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) <= LARGEST_PICTURE_BYTES else None


def as_png(data: bytes) -> bytes | None:
    """This picture made anew as PNG; None when it is none, or larger than 512 kB (QOI: 128 kB) or 1000 × 1000."""
    if len(data) > (LARGEST_QOI_BYTES if data.startswith(_QOI) else LARGEST_PICTURE_BYTES):
        return None
    if data.startswith(_JPEG) and data.count(_JPEG_SCAN) > MOST_JPEG_SCANS:
        return None
    made = io.BytesIO()
    try:
        with Image.open(io.BytesIO(_pixels_only(data)), formats=FORMATS) as picture:
            # Looked at before the pixels are unpacked.
            if max(picture.size) > LARGEST_SIDE_PX:
                return None
            picture.convert("RGBA").save(made, "PNG")
    except _REFUSALS:
        return None
    return made.getvalue()


def _pixels_only(data: bytes) -> bytes:
    """A PNG without its words, colour profiles and further frames: Pillow would unpack 64 MB of them."""
    if not data.startswith(_PNG):
        return data
    kept, start = [_PNG], len(_PNG)
    while start < len(data):
        end = start + _CHUNK_FRAME_BYTES + int.from_bytes(data[start : start + 4], "big")
        if data[start + 4 : start + 8] in _PIXEL_CHUNKS:
            kept.append(data[start:end])
        start = end
    return b"".join(kept)
