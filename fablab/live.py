"""The live stream: server-sent events over one LISTEN for each web process.

`/live/` tells every page which machines changed, and to a page that asks with `?tiles=fr` also how their tile on
the board looks now. A tile is drawn once for each language, however many boards hang on walls.
In a lab without the live board there is no stream at all: 404, and the streams that were open end.
"""

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from fablab.lib.callers import caller_of
from fablab.lib.live import CHANNEL

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

GATHER_S = 0.3
TICK_S = 60.0
BEAT_S = 15.0
CLIENTS_MOST = 500
# Of one address: a class and every screen of a lab behind one connection, and never all of them.
CLIENTS_OF_ONE_MOST = 50
QUEUE_MOST = 100
HELLO = "event: hello\ndata: {}\n\n"
BEAT = "event: beat\ndata: {}\n\n"


class LiveStream:
    """One per process: it listens while anyone is connected to it, and hands news on."""

    def __init__(self, is_wanted: Callable[[], bool] | None = None) -> None:
        self.is_wanted = is_wanted or is_board_on
        self.clients: dict[asyncio.Queue[str], str] = {}
        self.addresses: Counter[str] = Counter()
        self.changed: set[int] = set()
        self.everything_changed = False
        self.news = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        # While the database is away nobody learns what happens: no page is told that its picture is fresh.
        self.is_listening = False

    async def lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.tasks = [asyncio.create_task(work()) for work in (self._listen, self._tell, self._tick)]
                await send({"type": "lifespan.startup.complete"})
            else:
                for task in self.tasks:
                    task.cancel()
                await asyncio.gather(*self.tasks, return_exceptions=True)
                self._end_all()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if not await sync_to_async(self._is_wanted_now, thread_sensitive=True)():
            await send({"type": "http.response.start", "status": 404, "headers": [(b"cache-control", b"no-store")]})
            await send({"type": "http.response.body", "body": b""})
            return
        address = caller_of(scope)
        if len(self.clients) >= CLIENTS_MOST or (address and self.addresses[address] >= CLIENTS_OF_ONE_MOST):
            await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"30")]})
            await send({"type": "http.response.body", "body": b""})
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        wanted = query.get("tiles", [""])[0]
        language = wanted if wanted in dict(settings.LANGUAGES) else ""
        client: asyncio.Queue[str] = asyncio.Queue(QUEUE_MOST)
        self.clients[client] = language
        self.addresses[address] += 1
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await self._serve(client, gone, send)
        finally:
            self.clients.pop(client, None)
            # Those at zero go.
            self.addresses -= Counter([address])
            gone.cancel()

    async def _serve(self, client: asyncio.Queue[str], gone: asyncio.Task[None], send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _write(send, "retry: 2000\n\n")
        is_greeted = False
        while not gone.done():
            if self.is_listening and not is_greeted:
                is_greeted = True
                await _write(send, HELLO)
            getting = asyncio.create_task(client.get())
            done, _ = await asyncio.wait({getting, gone}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if getting not in done:
                getting.cancel()
                if self.is_listening and is_greeted and not gone.done():
                    await _write(send, BEAT)
                continue
            text = getting.result()
            if not text:
                return
            await _write(send, text)

    def _is_wanted_now(self) -> bool:
        close_old_connections()
        return self.is_wanted()

    def _end_all(self) -> None:
        for client in self.clients:
            with contextlib.suppress(asyncio.QueueFull):
                client.put_nowait("")

    async def _listen(self) -> None:
        """Hold one connection that LISTENs; when the database goes away, say so and come back."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(_conninfo(), autocommit=True)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    try:
                        self.is_listening = True
                        self._everything()
                        async for notice in connection.notifies():
                            self.changed |= {int(part) for part in notice.payload.split(",") if part.isdigit()}
                            self.news.set()
                    finally:
                        self.is_listening = False
            except (psycopg.Error, OSError) as error:
                log.warning("The live stream lost the database (%s).", str(error).split("\n")[0])
                await asyncio.sleep(1)

    async def _tick(self) -> None:
        """Free becomes reserved, and news becomes old, with nobody doing anything."""
        while True:
            await asyncio.sleep(TICK_S)
            # Once the database is back, everything is told anyway.
            if self.is_listening:
                self._everything()

    def _everything(self) -> None:
        self.everything_changed = True
        self.news.set()

    async def _tell(self) -> None:
        while True:
            await self.news.wait()
            await asyncio.sleep(GATHER_S)
            self.news.clear()
            ids = None if self.everything_changed else sorted(self.changed)
            self.everything_changed, self.changed = False, set()
            languages = set(self.clients.values())
            if not languages:
                continue
            if not await sync_to_async(self._is_wanted_now, thread_sensitive=True)():
                self._end_all()
                continue
            texts = {"": f"event: changed\ndata: {json.dumps({'machines': ids})}\n\n"}
            try:
                for language in languages - {""}:
                    texts[language] = await sync_to_async(_tiles, thread_sensitive=True)(ids, language)
            except (DatabaseError, InterfaceError) as error:
                log.warning("Tiles could not be drawn (%s).", str(error).split("\n")[0])
                # Which machines these were is forgotten: all are told once the database is back.
                self.everything_changed = True
                continue
            for client, language in list(self.clients.items()):
                # A reader that is too slow is told everything again once it asks anew.
                with contextlib.suppress(asyncio.QueueFull):
                    text = texts.get(language)
                    if text is None:
                        # It came while the tiles were being drawn, in a language nobody had asked for.
                        self._everything()
                        continue
                    client.put_nowait(text)


def is_board_on() -> bool:
    """Whether the lab has the live board; yes while the database cannot be asked."""
    from people.lab import current_lab
    from people.models import Module

    try:
        return current_lab().has(Module.BOARD)
    except (DatabaseError, InterfaceError):
        # Pages that wait for the database to come back keep their stream.
        return True


def _tiles(ids: list[int] | None, language: str) -> str:
    from fablab.board import board_events

    close_old_connections()
    return board_events(ids, language)


def _conninfo() -> str:
    database = settings.DATABASES["default"]
    return psycopg.conninfo.make_conninfo(
        dbname=str(database["NAME"]),
        user=str(database["USER"]),
        password=str(database["PASSWORD"]),
        host=str(database["HOST"]),
        port=str(database["PORT"] or 5432),
        connect_timeout=5,
    )


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
