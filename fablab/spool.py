"""Request bodies wait on disk until they are whole.

A slow upload would hold one of Django's few threads for minutes, and one that is cut off reaches a view short and
without an error. Here ten slow phones cost ten open files, and half a body costs nothing.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

MEMORY_BYTES = 256 * 1024
CHUNK_BYTES = 256 * 1024
STRANGERS_BYTES = 2 * 1024 * 1024

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


class SpoolBody:
    """ASGI middleware. `most_bytes` bounds a body; a larger one is answered 413 without reading it.

    Whoever shows neither a session nor a token has nothing large to send: STRANGERS_BYTES for them, so that nobody
    fills the disk from outside.
    """

    def __init__(self, app: Application, *, most_bytes: int, folder: Path) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        announced = _length(headers.get(b"content-length"))
        if announced is None and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        most_bytes = self.most_bytes if _is_known(headers) else min(self.most_bytes, STRANGERS_BYTES)
        if announced is not None and announced > most_bytes:
            await _refuse(send, headers)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=str(self.folder)) as body:
            size_bytes = await self._collect(receive, body, most_bytes)
            if size_bytes is None or (announced is not None and size_bytes != announced):
                # The other side has gone, or lied about the length: nothing of it reaches a view.
                return
            if size_bytes > most_bytes:
                await _refuse(send, headers)
                return
            body.seek(0)
            # WSGI needs a length, also for a body that came in chunks.
            plain = [(k, v) for k, v in scope["headers"] if k not in (b"content-length", b"transfer-encoding")]
            whole = {**scope, "headers": [*plain, (b"content-length", str(size_bytes).encode())]}
            await self.app(whole, _replay(body, receive), send)

    async def _collect(self, receive: Receive, body: Any, most_bytes: int) -> int | None:
        """Bytes received, None when the client left before the end."""
        size_bytes = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size_bytes += len(chunk)
            if size_bytes > most_bytes:
                return size_bytes
            if size_bytes > MEMORY_BYTES:
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


# Told before Django is reached, hence in both languages; the same words as `printing.messages`.
TOO_LARGE_FR = "Le fichier est trop gros. Rien n’a été gardé : tranchez-le en plusieurs parties, puis recommencez."
TOO_LARGE_EN = "The file is too large. Nothing was kept: slice it in parts and try again."
TOO_LARGE_PAGE = (
    '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Trop gros</title></head>'
    f'<body><main><p>{TOO_LARGE_FR}</p><p lang="en">{TOO_LARGE_EN}</p></main></body></html>'
)


async def _refuse(send: Send, headers: dict[bytes, bytes]) -> None:
    """413, as a page for browsers and as a refusal for programs."""
    if b"text/html" in headers.get(b"accept", b""):
        kind, text = b"text/html; charset=utf-8", TOO_LARGE_PAGE
    else:
        # Slicers name no language; like every page, they are answered in French then.
        is_english = headers.get(b"accept-language", b"fr").lower().startswith(b"en")
        denial = {"code": "too_large", "message": TOO_LARGE_EN if is_english else TOO_LARGE_FR, "next_step": ""}
        kind, text = b"application/json", json.dumps({"denials": [denial], "alternatives": []})
    start = [(b"content-type", kind), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": start})
    await send({"type": "http.response.body", "body": text.encode()})
