"""Which names and addresses stay on this computer."""

import ipaddress


def is_this_machine_only(host: str) -> bool:
    """Whether no other machine reaches a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
