"""Request bodies wait on disk until they are whole.

A slow upload would hold one of Django's few threads for minutes, and one that is cut off reaches a view short and
without an error. Here ten slow phones cost ten open files, and half a body costs nothing.
"""

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fablab.lib.callers import caller_of

MEMORY_BYTES = 256 * 1024
CHUNK_BYTES = 256 * 1024
STRANGERS_BYTES = 2 * 1024 * 1024
# On disk at once, in bodies of the largest size: of one connection (a class sends behind one), and in one process.
OF_ONE_MOST = 6
AT_ONCE_MOST = 10
# The database must go on writing; on a small disk the lesser of the two.
LEAST_FREE_BYTES = 10**9
LEAST_FREE_SHARE = 0.02

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Told before Django is reached, hence in both languages."""

    status: int
    code: str
    title: str
    french: str
    english: str


TOO_LARGE = Refusal(
    413,
    "too_large",
    "Trop gros",
    # The same words as `printing.messages`.
    "Le fichier est trop gros. Rien n’a été gardé : tranchez-le en plusieurs parties, puis recommencez.",
    "The file is too large. Nothing was kept: slice it in parts and try again.",
)
TOO_MANY = Refusal(
    503,
    "too_many_at_once",
    "Trop à la fois",
    "Trop de fichiers arrivent en même temps. Rien n’a été gardé : recommencez dans une minute.",
    "Too many files are arriving at once. Nothing was kept: try again in a minute.",
)
DISK_FULL = Refusal(
    507,
    "disk_full",
    "Disque plein",
    "Le disque du lab est presque plein. Rien n’a été gardé : prévenez l’équipe.",
    "The lab’s disk is nearly full. Nothing was kept: tell the team.",
)


def is_disk_low(folder: Path) -> bool:
    disk = shutil.disk_usage(folder)
    return disk.free < min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * disk.total)


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class SpoolBody:
    """ASGI middleware. `most_bytes` bounds a body; a larger one is answered 413 without reading it.

    Whoever shows neither a session nor a token has nothing large to send: STRANGERS_BYTES for them, so that nobody
    fills the disk from outside. Whether what is shown is any good is not known yet: so many bytes at once, and none
    while the disk is nearly full. What stays in memory is taken all the same.
    """

    def __init__(self, app: Application, *, most_bytes: int, folder: Path) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.folder = folder
        self.bytes_of: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        announced = _length(headers.get(b"content-length"))
        if announced is None and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        most_bytes = self.most_bytes if _is_known(headers) else min(self.most_bytes, STRANGERS_BYTES)
        if announced is not None and announced > most_bytes:
            await _refuse(send, headers, TOO_LARGE)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            self._counted(caller_of(scope)) as grow_to,
            tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=str(self.folder)) as body,
        ):
            try:
                size_bytes = await _collect(receive, body, most_bytes, grow_to)
            except _Refused as refused:
                await _refuse(send, headers, refused.refusal)
                return
            if size_bytes is None or (announced is not None and size_bytes != announced):
                # The other side has gone, or lied about the length: nothing of it reaches a view.
                return
            body.seek(0)
            # WSGI needs a length, also for a body that came in chunks.
            plain = [(k, v) for k, v in scope["headers"] if k not in (b"content-length", b"transfer-encoding")]
            whole = {**scope, "headers": [*plain, (b"content-length", str(size_bytes).encode())]}
            await self.app(whole, _replay(body, receive), send)

    @contextmanager
    def _counted(self, caller: str) -> Iterator[Callable[[int], None]]:
        """Gives a function to be told the size of what lies on disk; it raises _Refused once there is no room."""
        own_bytes = 0

        def grow_to(size_bytes: int) -> None:
            nonlocal own_bytes
            more_bytes = size_bytes - own_bytes
            of_one, of_all = self.bytes_of[caller] + more_bytes, self.bytes_of.total() + more_bytes
            if of_all > AT_ONCE_MOST * self.most_bytes or (caller and of_one > OF_ONE_MOST * self.most_bytes):
                raise _Refused(TOO_MANY)
            if is_disk_low(self.folder):
                raise _Refused(DISK_FULL)
            self.bytes_of[caller], own_bytes = of_one, size_bytes

        try:
            yield grow_to
        finally:
            # Those at zero go.
            self.bytes_of -= Counter({caller: own_bytes})


async def _collect(receive: Receive, body: Any, most_bytes: int, grow_to: Callable[[int], None]) -> int | None:
    """Bytes received, None when the client left before the end.

    Raises:
        _Refused: it is too large, or there is no room for it.
    """
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size_bytes += len(chunk)
        if size_bytes > most_bytes:
            raise _Refused(TOO_LARGE)
        if size_bytes > MEMORY_BYTES:
            grow_to(size_bytes)
            await asyncio.to_thread(body.write, chunk)
        else:
            body.write(chunk)
        if not message.get("more_body", False):
            return size_bytes


def _is_known(headers: dict[bytes, bytes]) -> bool:
    """Whether the caller shows a session or a token; whether it is a good one is asked once the body is whole."""
    # Slicers send their key as they would to an OctoPrint.
    is_program = b"authorization" in headers or b"x-api-key" in headers
    return is_program or b"fablab_session=" in headers.get(b"cookie", b"")


def _length(raw: bytes | None) -> int | None:
    try:
        return int(raw) if raw is not None else None
    except ValueError:
        return None


def _replay(body: Any, receive: Receive) -> Receive:
    is_over = False

    async def replay() -> dict[str, Any]:
        nonlocal is_over
        if is_over:
            return await receive()
        chunk = await asyncio.to_thread(body.read, CHUNK_BYTES)
        is_over = len(chunk) < CHUNK_BYTES
        return {"type": "http.request", "body": chunk, "more_body": not is_over}

    return replay


async def _refuse(send: Send, headers: dict[bytes, bytes], refusal: Refusal) -> None:
    """As a page for browsers and as a refusal for programs."""
    if b"text/html" in headers.get(b"accept", b""):
        kind, text = b"text/html; charset=utf-8", _page(refusal)
    else:
        # Slicers name no language; like every page, they are answered in French then.
        is_english = headers.get(b"accept-language", b"fr").lower().startswith(b"en")
        sentence = refusal.english if is_english else refusal.french
        denial = {"code": refusal.code, "message": sentence, "next_step": ""}
        kind, text = b"application/json", json.dumps({"denials": [denial], "alternatives": []})
    start = [(b"content-type", kind), (b"connection", b"close")]
    if refusal is TOO_MANY:
        start.append((b"retry-after", b"60"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": start})
    await send({"type": "http.response.body", "body": text.encode()})


def _page(refusal: Refusal) -> str:
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{refusal.title}</title></head>'
        f'<body><main><p>{refusal.french}</p><p lang="en">{refusal.english}</p></main></body></html>'
    )
