"""Photos of machines: drawn anew when they come, so that nothing but the picture is kept (no place, no camera)."""

import io
from typing import BinaryIO

from django.core.files.base import ContentFile
from PIL import Image, ImageOps, UnidentifiedImageError

WIDEST_PX = 1600
MOST_PIXELS = 50_000_000


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
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise NotAPhoto from None
    upright.thumbnail((WIDEST_PX, WIDEST_PX))
    target = io.BytesIO()
    upright.save(target, "JPEG", quality=82)
    return ContentFile(target.getvalue(), name="photo.jpg")
