"""Photos of machines: drawn anew when they come, so that nothing but the picture is kept (no place, no camera)."""

import io
import struct
from typing import BinaryIO

from django.core.files.base import ContentFile
from PIL import ExifTags, Image, UnidentifiedImageError

WIDEST_PX = 1600
MOST_PIXELS = 50_000_000
# How a picture lies, as its metadata says (Exif 2.32, tag 0x0112), and what turns it upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class NotAPhoto(Exception):
    """The file is no picture that can be read, or far too large a one."""


def reencoded(stream: BinaryIO) -> "ContentFile[bytes]":
    """The picture as a JPEG of at most 1600 × 1600 px, turned upright, without its metadata.

    Raises:
        NotAPhoto: it cannot be read, or has more than 50 million pixels.
    """
    try:
        # No other format is worth the risk of its reader.
        with Image.open(stream, formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise NotAPhoto
            upright = _turned(image).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise NotAPhoto from None
    upright.thumbnail((WIDEST_PX, WIDEST_PX))
    target = io.BytesIO()
    upright.save(target, "JPEG", quality=82)
    return ContentFile(target.getvalue(), name="photo.jpg")


def _turned(image: Image.Image) -> Image.Image:
    """Upright, where the metadata can be read; as it lies, where they are damaged.

    Not by Pillow's own way, which also writes all other metadata anew and fails at any field that is not as it should.
    """
    try:
        how = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, TypeError, ValueError, struct.error):
        how = None
    return image if how is None else image.transpose(how)
