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
# The suffix of `thumbnail_JPG` is not believed: Pillow looks at the bytes.
FORMATS = ("PNG", "JPEG", "QOI")
MOST_CANDIDATES = 8

_BEGIN = re.compile(r"^;[ \t]*thumbnail(?:_[A-Z]{1,8})? begin (\d{1,5})[x ](\d{1,5}) \d{1,9}[ \t]*$", re.MULTILINE)
_END = re.compile(r"^;[ \t]*thumbnail(?:_[A-Z]{1,8})? end", re.MULTILINE)
_NOT_BASE64 = re.compile(r"[;\s]+")


def largest_png(text: str) -> bytes | None:
    """The largest complete picture in this G-code, made anew as PNG; None when there is none to be trusted.

    A picture is at most 512 kB and 1000 × 1000 pixels. It is decoded and encoded again, so that nothing else
    than pixels reaches a browser.
    """
    begins = sorted(_BEGIN.finditer(text), key=lambda begin: int(begin[1]) * int(begin[2]), reverse=True)
    for begin in begins[:MOST_CANDIDATES]:
        end = _END.search(text, begin.end())
        data = _decoded(text[begin.end() : end.start()]) if end else None
        png = _as_png(data) if data else None
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


def _as_png(data: bytes) -> bytes | None:
    made = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            # Looked at before the pixels are unpacked.
            if max(picture.size) > LARGEST_SIDE_PX:
                return None
            picture.convert("RGBA").save(made, "PNG")
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error):
        # What Pillow's decoders raise on truncated or invented data.
        return None
    return made.getvalue()
