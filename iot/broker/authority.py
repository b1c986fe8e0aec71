"""The authority that made the broker's certificate, for those who are to check it."""

import re
from pathlib import Path

# More is a system's whole collection: devices have one of their own. An agent reads 64 KiB of an answer.
MOST_CHARS = 32 * 1024
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def authority_pem(ca_file: str | None) -> str:
    """The certificates in the file and nothing else of it, a key least of all; empty without a file, for one that
    cannot be read, and for a whole collection."""
    if not ca_file:
        return ""
    try:
        text = Path(ca_file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    found = "".join(f"{each}\n" for each in _CERTIFICATE.findall(text))
    return found if len(found) <= MOST_CHARS else ""
