"""A still from the camera at a printer, drawn anew: nothing that the camera wrote reaches a browser."""

import io
import re
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from fablab.lib.outgoing_addresses import OutgoingError, split_address
from printing.backends.addresses import AddressRefused, checked_address
from printing.backends.base import PrinterProtocolError, Timeouts
from printing.backends.transport import Wanted, printer_session, typed_errors

LARGEST_STILL_BYTES = 5 * 1024 * 1024
WIDEST_PX = 4000
QUALITY = 80
DEFAULT_TIMEOUTS = Timeouts(connect_s=3.05, read_s=5.0)
# A stream without end (multipart/x-mixed-replace) is none of them. Some cameras do not say what they send.
PICTURES = Wanted(
    frozenset({"image/jpeg", "image/jpg", "image/png", "image/webp", "application/octet-stream"}), LARGEST_STILL_BYTES
)
UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    ValueError,
)
_PATH = re.compile(r"(/[A-Za-z0-9._~%:@!$&'()*+,;=-]*)*")
_QUERY = re.compile(r"[A-Za-z0-9._~%:@!$&'()*+,;=/?-]{0,200}")


class Camera:
    """A camera that gives a still for a GET, such as mjpg-streamer's `/?action=snapshot`."""

    @staticmethod
    def snapshot(
        url: str, networks: Sequence[str], timeouts: Timeouts = DEFAULT_TIMEOUTS, *, ca_bundle: str = ""
    ) -> bytes:
        """One still as a JPEG, without its metadata: 5 MB and 4000 × 4000 px at most (1 request, no redirect).

        The address is held to the same rules as a printer's; only here a query is allowed. No key is sent.

        Raises:
            AddressRefused: the address is not accepted.
            PrinterUnreachable: no answer, or too slow.
            PrinterProtocolError: a redirect, no picture, or too large a one.
            PrinterError: any other status, as with every printer.
        """
        base, place = _checked(url)
        address = checked_address(base, networks)
        session = printer_session(address, "", timeouts, ca_bundle, wanted=PICTURES)
        with typed_errors():
            content = session.get(f"{address.origin}{place}").content
        return _redrawn(content)


def _checked(url: str) -> tuple[str, str]:
    """The address without its path, and the path with its query."""
    try:
        parts = split_address(url, schemes=("http", "https"))
    except OutgoingError as error:
        raise AddressRefused(error.code) from None
    if not _PATH.fullmatch(parts.path) or ".." in parts.path:
        raise AddressRefused("path")
    if parts.fragment or not _QUERY.fullmatch(parts.query):
        raise AddressRefused("query")
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path or '/'}{query}"


def _redrawn(content: bytes) -> bytes:
    target = io.BytesIO()
    try:
        # No other format is worth the risk of its reader.
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
            if max(image.size) > WIDEST_PX:
                raise PrinterProtocolError("The camera's picture is too large")
            image.convert("RGB").save(target, "JPEG", quality=QUALITY)
    except UNREADABLE as error:
        raise PrinterProtocolError(f"The camera sent no picture ({type(error).__name__})") from None
    return target.getvalue()
