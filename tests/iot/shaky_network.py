"""A TCP relay between devices and their broker that cuts, delays, holds and half-closes what passes through it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from tests.conftest import free_port

Line = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class ShakyNetwork:
    """Listens on `port` of this machine and relays to another. Its methods may be called from any thread.

    Bytes of a connection are late or never come, as with TCP; they are never changed and never out of order.
    """

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self._to_port = to_port
        self._is_cut = False
        self._delay_s = 0.0
        self._lines: set[Line] = set()
        self._ended: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[Any] | None] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._passable = asyncio.Event()
        self._server = self._result(self._listen())

    def cut(self) -> None:
        """Every connection breaks, and no new one is made until `mend`."""
        self._call(self._cut)

    def delay(self, by_s: float) -> None:
        """Each piece takes so much longer."""
        self._call(lambda: setattr(self, "_delay_s", by_s))

    def hold(self) -> None:
        """Nothing passes and nothing breaks: a switch that lost its way. What came meanwhile passes after `mend`."""
        self._call(self._passable.clear)

    def half_close(self, rng: Random) -> None:
        """Every second connection or so ends in one direction, towards the broker or towards the device."""
        self._call(lambda: self._half_close(rng))

    def mend(self) -> None:
        self._call(self._mend)

    def close(self) -> None:
        self._result(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        self._passable.set()
        return await asyncio.start_server(self._relay, "127.0.0.1", self.port, backlog=500)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._relays.add(task)
        try:
            if self._is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
            line = (writer, far_writer)
            self._lines.add(line)
            try:
                await asyncio.gather(self._pass(reader, far_writer, line), self._pass(far_reader, writer, line))
            finally:
                self._lines.discard(line)
                self._ended.difference_update(line)
                far_writer.transport.abort()
        except OSError:
            # The broker is away: whoever called finds the line dead.
            return
        finally:
            writer.transport.abort()
            self._relays.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, into: asyncio.StreamWriter, line: Line) -> None:
        try:
            while piece := await reader.read(65_536):
                await asyncio.sleep(self._delay_s)
                await self._passable.wait()
                if into in self._ended or into.transport.is_closing():
                    return
                into.write(piece)
                await into.drain()
            self._finish(into)
        except OSError:
            for writer in line:
                writer.transport.abort()

    def _cut(self) -> None:
        self._is_cut = True
        for line in list(self._lines):
            for writer in line:
                writer.transport.abort()

    def _half_close(self, rng: Random) -> None:
        for line in list(self._lines):
            if rng.random() < 0.5:
                self._finish(rng.choice(line))

    def _finish(self, writer: asyncio.StreamWriter) -> None:
        if writer not in self._ended and not writer.transport.is_closing():
            self._ended.add(writer)
            writer.write_eof()

    def _mend(self) -> None:
        self._is_cut, self._delay_s = False, 0.0
        self._passable.set()

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        self._passable.set()
        # Each finds its line dead.
        await asyncio.gather(*[task for task in self._relays if task], return_exceptions=True)

    def _call(self, act: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(act)

    def _result(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(15)
