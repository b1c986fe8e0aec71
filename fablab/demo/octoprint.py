"""The demo's real OctoPrint: its port and key, and the printer it drives."""

import secrets
import socket
from pathlib import Path

from fablab.demo.kept import OCTOPRINT, keep, read_kept
from fablab.demo.lab import DRIVEN_BY_OCTOPRINT
from fablab.lib.secretbox import SecretUnreadable, seal, unseal
from machines.models import Machine
from printing.models import Printer
from printing.octoprint_server import OctoPrintServer


def octoprint_server(data_dir: Path) -> OctoPrintServer | None:
    """The server of this data folder, not started; None before `demo` has run."""
    kept = read_kept(data_dir, OCTOPRINT)
    return OctoPrintServer(data_dir / "octoprint", int(kept["port"]), kept["api_key"]) if kept else None


def register_printer(data_dir: Path) -> None:
    """Tell the lab how to reach the OctoPrint of this data folder.

    Side effects in order: choose port and key, the first time or when the port was taken; keep them on disk; insert
    or update the printer.
    """
    server = octoprint_server(data_dir)
    # Our own server may be running at this moment; anybody else on its port is in the way.
    if server is None or not (_is_free(server.port) or server.is_ready()):
        key = server.api_key if server else secrets.token_hex(16)
        keep(data_dir, OCTOPRINT, {"port": str(_free_port()), "api_key": key})
        server = octoprint_server(data_dir)
    assert server is not None
    machine = Machine.objects.get(slug=DRIVEN_BY_OCTOPRINT)
    printer = Printer.objects.filter(machine=machine).first() or Printer(machine=machine)
    if printer.base_url != server.url or _key_of(printer) != server.api_key:
        printer.base_url, printer.api_key_sealed = server.url, seal(server.api_key)
        printer.save()


def _key_of(printer: Printer) -> str:
    try:
        return unseal(printer.api_key_sealed)
    except SecretUnreadable:
        return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
