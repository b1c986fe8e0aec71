"""Where the lab's own broker listens beside this computer itself."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Doors:
    """On the local network: `host` is an address of this computer, 0.0.0.0 or :: for all of them.

    `tls_port` speaks TLS with this certificate (PEM, with its chain) and key; `plain_port` does not encrypt, for plugs
    that cannot, and is closed when None.
    """

    host: str
    tls_port: int
    certificate_file: Path
    key_file: Path
    plain_port: int | None = None
