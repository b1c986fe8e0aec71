"""`python -m tests.bench.peer`: our lab and NEMO with the same reservations, the same doors and the same race."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from fablab.up.postgres import EmbeddedPostgres
from tests.bench.peer.install import VERSION, NotInstalled, peer_python
from tests.bench.peer.table import doors_table, quietest, races_table
from tests.contract.calendar_clients import own_environment

ROOT = Path(__file__).resolve().parents[3]
MACHINES, PEOPLE = 50, 500
# As full as the lab of docs/performance.md: 100,000 reservations in two years.
A_DAY = 137
PEER_DATABASE = "peer"
SECRET = "bench"


@dataclass(frozen=True)
class Contender:
    name: str
    python: str
    module: str
    environment: Mapping[str, str]

    def act(self, action: str, file: Path, count: int = 0) -> None:
        """Run one action in a process of its own.

        Raises:
            SystemExit: it failed; what it said is printed.
        """
        command = [self.python, "-m", f"tests.bench.peer.{self.module}", action, str(file), "--count", str(count)]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}, {action}:\n{done.stderr[-3000:]}")

    def found(self, action: str, folder: Path, count: int) -> Any:
        file = folder / "found.json"
        self.act(action, file, count)
        return json.loads(file.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peer", description=__doc__)
    parser.add_argument("--reservations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=10, help="requests a door and turn")
    parser.add_argument("--turns", type=int, default=3, help="to and fro between the sides; the quietest turn counts")
    parser.add_argument("--races", type=int, default=10)
    asked = parser.parse_args()
    try:
        python = str(peer_python())
    except NotInstalled as error:
        python = ""
        print(f"NEMO {VERSION} cannot be installed here ({error}): only our own side is measured.")
    with tempfile.TemporaryDirectory(prefix="fablab-peer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with server(folder) as address:
            compare(contenders(folder, address, python), folder, asked)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Our own PostgreSQL, durable as in a lab; both sides get a database in it."""
    (folder / "data").mkdir()
    postgres = EmbeddedPostgres(folder / "data", password=SECRET)
    try:
        postgres.start()
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {PEER_DATABASE}")
        yield postgres.url
    finally:
        postgres.stop()


def contenders(folder: Path, address: str, python: str) -> list[Contender]:
    data = str(folder / "lab")
    ours = own_environment(DATABASE_URL=address, FABLAB_DATA_DIR=data, FABLAB_LOG_LEVEL="ERROR")
    found = [Contender("fablab, PostgreSQL", sys.executable, "ours", ours)]
    if python:
        theirs = address.rpartition("/")[0] + f"/{PEER_DATABASE}"
        for name, database in (("SQLite", f"sqlite://{folder / 'nemo.db'}"), ("PostgreSQL", theirs)):
            environment = own_environment(PEER_DATABASE=database, PEER_FOLDER=str(folder))
            found.append(Contender(f"NEMO {VERSION}, {name}", python, "nemo", environment))
    return found


def compare(sides: list[Contender], folder: Path, asked: argparse.Namespace) -> None:
    lab = folder / "lab.json"
    size = {"machines": MACHINES, "people": PEOPLE, "reservations": asked.reservations}
    lab.write_text(json.dumps(size | {"days": max(60, asked.reservations // A_DAY)}))
    for side in sides:
        print(f"Filling {side.name}", flush=True)
        side.act("seed", lab)
    turns: dict[str, list[Any]] = {side.name: [] for side in sides}
    for _ in range(asked.turns):
        for side in sides:
            turns[side.name].append(side.found("measure", folder, asked.rounds))
    races = {side.name: side.found("race", folder, asked.races) for side in sides}
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n{asked.reservations:,} reservations, {MACHINES} machines, {PEOPLE} people; load {load}\n")
    print(doors_table({name: quietest(measured) for name, measured in turns.items()}))
    print(f"\n{races_table(races)}")


if __name__ == "__main__":
    main()
