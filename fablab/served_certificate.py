"""Until when the lab's web server can be trusted: it reads its certificate once, at start."""

import datetime as dt
import functools
from pathlib import Path

from cryptography import x509
from django.conf import settings

ENDS_SOON = dt.timedelta(days=14)


def certificate_ends_at() -> dt.datetime | None:
    """The end of the certificate that `up --lan` serves; None where the lab serves none, or nobody can read it."""
    # A command beside the running lab is told nothing by it: the lab's own certificate has a place of its own.
    file = Path(settings.TLS_CERTIFICATE or Path(settings.DATA_DIR) / "tls" / "server.crt")
    return _end_of(file)


@functools.lru_cache(maxsize=8)
def _end_of(file: Path) -> dt.datetime | None:
    # Asked once by a process: the server, too, goes on with what it read, whatever lies there since.
    try:
        return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
