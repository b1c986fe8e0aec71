"""Answers wait on disk until they are fetched.

A phone with weak reception would hold one of Django's few threads for as long as its download takes. Here ten slow
phones cost ten open files, and the thread is free once the answer is made.
"""

import asyncio
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, Any

from fablab.spool import Application, Receive, Scope, Send, is_disk_low

MEMORY_BYTES = 256 * 1024
CHUNK_BYTES = 256 * 1024
# Of all answers together. Beyond it, or on a disk that is nearly full, whoever is slow holds up the thread that makes
# the answer, and fills no disk.
DISK_BYTES = 2 * 1024**3
# Who takes nothing for so long holds up no thread any more: the connection ends.
PATIENCE_S = 60


class SpoolAnswer:
    """ASGI middleware; not for answers that never end."""

    def __init__(
        self, app: Application, *, folder: Path, disk_bytes: int = DISK_BYTES, patience_s: float = PATIENCE_S
    ) -> None:
        self.app = app
        self.folder = folder
        self.disk_bytes = disk_bytes
        self.patience_s = patience_s
        self.on_disk = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting = _Waiting(self, send)
        try:
            await self.app(scope, receive, waiting.take)
            waiting.no_more()
            await waiting.sent()
        finally:
            waiting.forget()

    def has_room(self, size_bytes: int) -> bool:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return self.on_disk + size_bytes <= self.disk_bytes and not is_disk_low(self.folder)
        except OSError:
            return False


class _Waiting:
    """One answer, between whoever makes it and whoever fetches it."""

    def __init__(self, keeper: SpoolAnswer, send: Send) -> None:
        self._keeper = keeper
        self._send = send
        self._in_memory: deque[dict[str, Any]] = deque()
        self._first_bytes = 0
        self._file: IO[bytes] | None = None
        # A thread may still be at it when the answer is given up.
        self._at_file = threading.Lock()
        self._written = self._read = self._counted_bytes = 0
        self._is_whole = self._is_gone = self._is_over = False
        self._news, self._progress = asyncio.Event(), asyncio.Event()
        self._sender = asyncio.create_task(self._pass_on())

    async def take(self, message: dict[str, Any]) -> None:
        """Kept at once. It never fails: a2wsgi would leave its thread waiting for ever."""
        chunk, is_body = message.get("body", b""), message["type"] == "http.response.body"
        if self._is_gone:
            return
        passed = {**message, "more_body": True} if is_body else message
        if self._file is None and self._first_bytes + len(chunk) <= MEMORY_BYTES:
            self._in_memory.append(passed)
            self._first_bytes += len(chunk)
        elif not await self._is_on_disk(chunk):
            await self._all_fetched()
            self._in_memory.append(passed)
        self._is_whole = is_body and not message.get("more_body", False)
        self._news.set()

    async def _is_on_disk(self, chunk: bytes) -> bool:
        """False when there is no room for it, or none could be had."""
        if not self._keeper.has_room(len(chunk)):
            return False
        # Counted before the thread writes: every answer may ask for room meanwhile.
        self._keeper.on_disk += len(chunk)
        self._counted_bytes += len(chunk)
        try:
            await asyncio.to_thread(self._write, chunk)
        except (OSError, ValueError):
            self._keeper.on_disk -= len(chunk)
            self._counted_bytes -= len(chunk)
            return False
        return True

    async def _all_fetched(self) -> None:
        """From here on at the pace of whoever fetches; at once when nobody does any more, or for so long."""
        while not self._is_gone and (self._in_memory or self._read < self._written):
            self._progress.clear()
            try:
                await asyncio.wait_for(self._progress.wait(), self._keeper.patience_s)
            except TimeoutError:
                self.give_up()

    def _write(self, chunk: bytes) -> None:
        with self._at_file:
            if self._file is None:
                # Unbuffered: of a write that fails nothing is tried again at the next look into the file.
                self._file = tempfile.TemporaryFile(buffering=0, dir=self._keeper.folder)  # noqa: SIM115
            self._file.seek(self._written)
            if self._file.write(chunk) < len(chunk):
                raise OSError("the disk is full")
        self._written += len(chunk)

    def _read_on(self) -> bytes:
        with self._at_file:
            assert self._file is not None  # something was written
            self._file.seek(self._read)
            return self._file.read(min(CHUNK_BYTES, self._written - self._read))

    async def sent(self) -> None:
        """Once all has been fetched, or nobody fetches any more. Raises what the connection raised."""
        await asyncio.wait([self._sender])
        if not self._sender.cancelled():
            self._sender.result()

    def give_up(self) -> None:
        self._is_gone = True
        self._sender.cancel()

    async def _pass_on(self) -> None:
        """At the pace of whoever fetches it."""
        try:
            while not self._is_gone:
                if self._in_memory:
                    await self._send(self._in_memory.popleft())
                    self._progress.set()
                elif self._read < self._written:
                    await self._pass_on_from_disk()
                elif self._is_whole:
                    await self._send({"type": "http.response.body", "body": b""})
                    return
                elif self._is_over:
                    # Nothing was answered: the client left, or lied about its length.
                    return
                else:
                    self._news.clear()
                    await self._news.wait()
        finally:
            self._is_gone = True
            self._progress.set()

    async def _pass_on_from_disk(self) -> None:
        chunk = await asyncio.to_thread(self._read_on)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._read += len(chunk)
        self._progress.set()

    def no_more(self) -> None:
        self._is_over = True
        self._news.set()

    def forget(self) -> None:
        self._sender.cancel()
        self._keeper.on_disk -= self._counted_bytes
        with self._at_file:
            if self._file is not None:
                self._file.close()
