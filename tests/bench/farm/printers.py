"""`python -m tests.bench.farm.printers WELL HANGING REFUSING`: so many fakes, in a process of their own.

Prints one line of JSON: each with `kind`, `url` and `key`, in that order. Ends when its standard input does.
"""

import itertools
import json
import socket
import sys

from tests.contract.fake_moonraker import FakeMoonraker
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.contract.fake_prusalink import FakePrusaLink
from tests.contract.fake_server import API_KEY, FaultyHandler

# As in a lab: most are OctoPrints.
KINDS = (FakeOctoPrint, FakeOctoPrint, FakeMoonraker, FakePrusaLink)
# Longer than anybody waits for an answer.
SILENT_S = 600


def hang(_handler, fake):
    fake.released.wait(SILENT_S)


def main() -> None:
    well, hanging, refusing = (int(word) for word in sys.argv[1:])
    # Headers and body are two writes: each answer would else wait for an acknowledgement of the first.
    FaultyHandler.disable_nagle_algorithm = True
    FaultyHandler._hang = hang
    servers = [kind() for kind in itertools.islice(itertools.cycle(KINDS), well + hanging)]
    for server in servers:
        server.printer.is_connected = True
    for server in servers[well:]:
        server.fault = "hang"
    closed = [socket.socket() for _ in range(refusing)]
    for port in closed:
        # Taken, and nobody listens.
        port.bind(("127.0.0.1", 0))
    rows = [{"kind": server.kind, "url": server.url, "key": API_KEY} for server in servers]
    rows += [
        {"kind": "octoprint", "url": f"http://127.0.0.1:{port.getsockname()[1]}", "key": API_KEY} for port in closed
    ]
    print(json.dumps(rows), flush=True)
    sys.stdin.read()
    for server in servers:
        server.stop()


if __name__ == "__main__":
    main()
