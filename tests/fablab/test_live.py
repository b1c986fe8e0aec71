"""The live stream against a real web process and a real database, its end and return included."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from fablab import live
from fablab.lib.live import CHANNEL, announce_machines
from fablab.up.postgres import EmbeddedPostgres
from tests.api.lab import Lab, make_lab
from tests.api.web import Web, environment, url_of_test_database
from tests.factories import make_outage, turn_off
from tests.migrated import fill

on_the_test_database = pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))


class Stream:
    """One open page: reads events until what it waits for has come."""

    def __init__(self, web: Web, query: str = "") -> None:
        self._connection = web.connect(timeout_s=30)
        self._connection.request("GET", f"/live/{query}")
        self.answer: http.client.HTTPResponse = self._connection.getresponse()
        self.raw = ""

    def event(self, name: str) -> Any:
        """The data of the next event of this name."""
        found = ""
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream has ended"
            self.raw += line
            if line.startswith("event: "):
                found = line.removeprefix("event: ").strip()
            elif line.startswith("data: ") and found == name:
                return json.loads(line.removeprefix("data: "))

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def is_told(event: Any, machine_id: int) -> bool:
    """Whether news names this machine; None means all of them."""
    return event["machines"] is None or machine_id in event["machines"]


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def web(tmp_path: Path, lab: Lab) -> Iterator[Web]:
    with Web(environment(url_of_test_database(), tmp_path), tmp_path / "web.log") as web:
        yield web
        assert "Traceback" not in web.log


@pytest.mark.serial
@on_the_test_database
def test_boards_are_sent_the_changed_tile_in_their_language(web: Web, lab: Lab) -> None:
    boards = {language: Stream(web, f"?tiles={language}") for language in ("fr", "en")}
    page = Stream(web)
    for stream in (*boards.values(), page):
        stream.event("hello")

    make_outage(machine=lab.laser)
    announce_machines([lab.laser.pk])
    tiles = {language: tile_of(board, lab.laser.pk, "tone-out") for language, board in boards.items()}
    while not is_told(page.event("changed"), lab.laser.pk):
        continue

    for stream in (*boards.values(), page):
        stream.close()
    assert "Out of service" in tiles["en"]
    assert "Out of service" not in tiles["fr"]
    assert "Laser" in tiles["fr"]
    shown = "".join(stream.raw for stream in (*boards.values(), page))
    assert [word for word in lab.private_words if word in shown] == []


def tile_of(board: Stream, machine_id: int, wanted: str) -> str:
    """The machine's tile as soon as it holds the wanted words. A stream that begins is told everything first."""
    while True:
        for tile in board.event("tiles"):
            if tile["id"] == machine_id and wanted in tile["html"]:
                return tile["html"]


@pytest.mark.serial
@on_the_test_database
def test_stream_is_never_kept_by_anything_between(web: Web) -> None:
    stream = Stream(web)

    headers = {name.lower(): value for name, value in stream.answer.getheaders()}

    stream.close()
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"


@pytest.mark.serial
def test_stream_and_readiness_survive_the_databases_death(
    postgres_server: Callable[..., EmbeddedPostgres], short_folder: Path
) -> None:
    database = postgres_server("18")
    database.start()
    env = environment(database.url, short_folder)
    fill(database.url, "fablab")

    with Web(env, short_folder / "web.log") as web:
        page, board = Stream(web), Stream(web, "?tiles=en")
        while not said(page, database.url, 4711):
            continue
        database.kill()
        checks = web.get("/readyz")
        alive = web.get("/healthz").status
        again = postgres_server("18", data_dir=short_folder / "data-0")
        again.start()
        page.event("changed")
        while not said(page, again.url, 4711):
            continue
        tiles = board.event("tiles")
        page.close()
        board.close()
        log = web.log

    assert (checks.status, checks.json["checks"]["database"], alive) == (503, False, 200)
    assert tiles == []
    assert "The live stream lost the database" in log


def said(page: Stream, url: str, machine_id: int) -> bool:
    """Announce the machine until it is told of: LISTEN may have begun just now."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(machine_id)])
    return is_told(page.event("changed"), machine_id)


class Reader:
    """The receiving side of one connection in this process."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.is_gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.messages).decode()


SCOPE = {"type": "http", "path": "/live/", "query_string": b"tiles=fr", "headers": []}


def test_quiet_stream_sends_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.01)
    stream, reader = live.LiveStream(lambda: True), Reader()
    stream.is_listening = True

    async def watch() -> None:
        serving = asyncio.create_task(stream(SCOPE, reader.receive, reader.send))
        deadline_s = time.monotonic() + 10
        while reader.text.count("event: beat") < 2 and time.monotonic() < deadline_s:
            await asyncio.sleep(0.01)
        reader.is_gone.set()
        await serving

    asyncio.run(watch())

    assert reader.text.startswith("retry: 2000\n\nevent: hello\n")
    assert reader.text.count("event: beat") >= 2
    assert stream.clients == {}


async def said_more(reader: Reader, word: str, times: int = 1) -> None:
    """Wait until the word has come so many times more."""
    before, deadline_s = reader.text.count(word), time.monotonic() + 20
    while reader.text.count(word) < before + times:
        assert time.monotonic() < deadline_s, reader.text
        await asyncio.sleep(0.01)


@pytest.mark.serial
def test_no_sign_of_life_comes_while_the_database_is_away(
    postgres_server: Callable[..., EmbeddedPostgres],
    short_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.02)
    monkeypatch.setattr(live, "TICK_S", 0.05)
    database = postgres_server("18")
    database.start()
    address = [database.url]
    monkeypatch.setattr(live, "_conninfo", lambda: address[0])
    stream, early, late = live.LiveStream(lambda: True), Reader(), Reader()
    # A page, that is: tiles would be drawn from another database.
    scope = SCOPE | {"query_string": b""}

    async def watch() -> tuple[str, str]:
        works = [asyncio.create_task(work()) for work in (stream._listen, stream._tell, stream._tick)]
        serving = [asyncio.create_task(stream(scope, early.receive, early.send))]
        await said_more(early, "event: beat", 2)
        database.kill()
        while "lost the database" not in caplog.text:
            await asyncio.sleep(0.01)
        # What was on its way has arrived.
        await asyncio.sleep(live.GATHER_S + 0.2)
        before = early.text
        serving.append(asyncio.create_task(stream(scope, late.receive, late.send)))
        await asyncio.sleep(0.5)
        meanwhile = early.text.removeprefix(before), late.text
        again = postgres_server("18", data_dir=short_folder / "data-0")
        again.start()
        address[0] = again.url
        await asyncio.gather(*[said_more(reader, "event: beat", 2) for reader in (early, late)])
        for reader in (early, late):
            reader.is_gone.set()
        for task in works:
            task.cancel()
        await asyncio.gather(*serving, *works, return_exceptions=True)
        return meanwhile

    meanwhile = asyncio.run(watch())

    assert meanwhile == ("", "retry: 2000\n\n")
    assert late.text.startswith("retry: 2000\n\nevent: hello\n")


def test_one_reader_too_many_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLIENTS_MOST", 1)
    stream, first, second = live.LiveStream(lambda: True), Reader(), Reader()

    async def watch() -> None:
        serving = asyncio.create_task(stream(SCOPE, first.receive, first.send))
        while not first.messages:
            await asyncio.sleep(0)
        await stream(SCOPE, second.receive, second.send)
        first.is_gone.set()
        await serving

    asyncio.run(watch())

    assert second.messages[0]["status"] == 503
    assert (b"retry-after", b"30") in second.messages[0]["headers"]
    assert first.messages[0]["status"] == 200


def from_address(client: str, forwarded: str = "") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return SCOPE | {"client": (client, 4711), "headers": headers}


NEIGHBOURS: dict[str, tuple[dict[str, Any], dict[str, Any], int, bool]] = {
    "one address": (from_address("192.0.2.7"), from_address("192.0.2.7"), 0, True),
    "two addresses": (from_address("192.0.2.7"), from_address("192.0.2.8"), 0, False),
    "one as written two ways": (from_address("192.0.2.7"), from_address("::ffff:192.0.2.7"), 0, True),
    "one connection's many addresses": (from_address("2001:db8::1"), from_address("2001:db8::2:1"), 0, True),
    "two connections": (from_address("2001:db8::1"), from_address("2001:db8:0:1::1"), 0, False),
    "two behind our proxy": (from_address("10.0.0.1", "192.0.2.7"), from_address("10.0.0.1", "192.0.2.8"), 1, False),
    "one that writes others": (
        from_address("10.0.0.1", "192.0.2.1, 192.0.2.7"), from_address("10.0.0.1", "192.0.2.2, 192.0.2.7"), 1, True,
    ),
    "a proxy of nobody's": (from_address("10.0.0.1", "192.0.2.7"), from_address("10.0.0.1", "192.0.2.8"), 0, True),
    "nobody knows": (SCOPE, SCOPE, 0, False),
}  # fmt: skip


@pytest.mark.parametrize(("here", "there", "proxies", "is_refused"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_one_address_does_not_hold_the_streams_of_all(
    monkeypatch: pytest.MonkeyPatch, settings: Any, here: Any, there: Any, proxies: int, is_refused: bool
) -> None:
    monkeypatch.setattr(live, "CLIENTS_OF_ONE_MOST", 1)
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    stream, first, second, third = live.LiveStream(lambda: True), Reader(), Reader(), Reader()

    async def watch() -> None:
        begun = []
        for scope, reader in ((here, first), (there, second)):
            begun.append(asyncio.create_task(stream(scope, reader.receive, reader.send)))
            while not reader.messages:
                await asyncio.sleep(0)
        for reader in (first, second):
            reader.is_gone.set()
        await asyncio.gather(*begun)
        third.is_gone.set()
        await stream(there, third.receive, third.send)

    asyncio.run(watch())

    assert [reader.messages[0]["status"] for reader in (first, second, third)] == [200, 503 if is_refused else 200, 200]
    assert (b"retry-after", b"30") in second.messages[0]["headers"] or not is_refused
    assert (stream.clients, stream.addresses) == ({}, {})


def test_lab_without_a_board_has_no_stream() -> None:
    stream, reader = live.LiveStream(lambda: False), Reader()

    asyncio.run(stream(SCOPE, reader.receive, reader.send))

    assert [message.get("status") for message in reader.messages] == [404, None]
    assert stream.clients == {}


@pytest.mark.parametrize("query", [b"", b"tiles=en"], ids=["page", "board"])
def test_open_stream_ends_when_the_board_is_switched_off(query: bytes) -> None:
    has_board = [True]
    stream, reader = live.LiveStream(lambda: has_board[0]), Reader()

    async def watch() -> None:
        serving = asyncio.create_task(stream(SCOPE | {"query_string": query}, reader.receive, reader.send))
        while not reader.messages:
            await asyncio.sleep(0.01)
        telling = asyncio.create_task(stream._tell())
        has_board[0] = False
        stream._everything()
        await asyncio.wait_for(serving, 10)
        telling.cancel()

    asyncio.run(watch())

    assert "event: changed" not in reader.text
    assert "event: tiles" not in reader.text


@pytest.mark.django_db
@pytest.mark.parametrize(("modules_off", "wanted"), [([], True), (["board"], False), (["devices"], True)])
def test_stream_is_wanted_where_there_is_a_board(modules_off: list[str], wanted: bool) -> None:
    turn_off(*modules_off)

    assert live.is_board_on() is wanted


def test_reader_that_takes_nothing_does_not_hold_up_the_end() -> None:
    stream, told = live.LiveStream(), []
    full: asyncio.Queue[str] = asyncio.Queue(1)

    async def stop() -> dict[str, Any]:
        return {"type": "lifespan.shutdown"}

    async def tell(message: dict[str, Any]) -> None:
        told.append(message["type"])

    async def end() -> None:
        full.put_nowait("news")
        stream.clients[full] = ""
        await stream.lifespan(stop, tell)

    asyncio.run(end())

    assert told == ["lifespan.shutdown.complete"]
