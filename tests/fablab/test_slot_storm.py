"""Fifty programs want the same hour, a hundred times over, through HTTP and several web processes.

A hundred rounds on the oldest PostgreSQL that the lab runs on, a hundred on its own.
"""

import datetime as dt
import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from fablab.up.postgres import EmbeddedPostgres
from tests.api.web import Web, environment, run
from tests.conftest import postgres_binaries
from tests.migrated import fill

pytestmark = pytest.mark.serial

CLIENTS, ROUNDS, PROCESSES = 50, 100, 2
# Who waits longer for a lock than this gets an error, hence an answer 500.
LONGEST_LOCK_WAIT = "-c lock_timeout=1s -c deadlock_timeout=100ms -c TimeZone=UTC"
OVERLAPS = """
    SELECT count(*) FROM reservations_heldunit a JOIN reservations_heldunit b
    ON a.unit_id = b.unit_id AND a.id < b.id AND a.is_holding AND b.is_holding AND a.blocked && b.blocked
"""


class Client:
    """One program with a token and a connection that it keeps."""

    def __init__(self, port: int, key: str, machine: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
        self._machine = machine

    def close(self) -> None:
        self._connection.close()

    def reserve(self, start: dt.datetime, gun: threading.Barrier) -> str:
        """`won`, the codes of the refusal, or what else was answered."""
        end = start + dt.timedelta(hours=1)
        body = {"machine": self._machine, "start": start.isoformat(), "end": end.isoformat()}
        gun.wait(timeout=60)
        self._connection.request("POST", "/api/v1/reservations/", json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status == 201:
            return "won"
        if answer.status == 409:
            return ", ".join(denial["code"] for denial in json.loads(said)["denials"])
        return f"{answer.status} {said[:200]!r}"


def storm(clients: list[Client]) -> list[Counter[str]]:
    """What was answered in each round; every round is about another hour."""
    first = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    rounds = []
    with ThreadPoolExecutor(len(clients)) as pool:
        for number in range(ROUNDS):
            gun = threading.Barrier(len(clients))
            start = first + dt.timedelta(hours=2 * number)
            rounds.append(Counter(pool.map(lambda client, s=start, g=gun: client.reserve(s, g), clients)))
    return rounds


def asked(url: str, statement: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("version", ["15", "18"])
def test_fifty_clients_for_one_slot_make_one_winner_each_round(
    postgres_server: Callable[..., EmbeddedPostgres], short_folder, version: str
) -> None:
    server = postgres_server(version)
    server.start()
    fill(server.url, "fablab", postgres_binaries(version))
    env = environment(server.url, short_folder, FABLAB_PG_OPTIONS=LONGEST_LOCK_WAIT, FABLAB_DEBUG="0")
    run(env, "-m", "fablab.up.prepare")
    lab = json.loads(run(env, "-m", "tests.api.storm_seed", str(CLIENTS)))

    with Web(env, short_folder / "web.log", PROCESSES) as web:
        clients = [Client(web.port, key, lab["machine"]) for key in lab["keys"]]
        rounds = storm(clients)
        for client in clients:
            client.close()

    assert rounds == [Counter({"won": 1, "taken": CLIENTS - 1})] * ROUNDS
    assert asked(server.url, OVERLAPS) == 0
    assert asked(server.url, "SELECT count(*) FROM reservations_reservation") == ROUNDS
    assert asked(server.url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    assert "Traceback" not in web.log
