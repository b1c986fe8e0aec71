"""Whoever fetches slowly holds none of Django's threads, and gets the whole answer."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware

from fablab.answers import CHUNK_BYTES, MEMORY_BYTES, SpoolAnswer

PIECE = bytes(range(256)) * 256
SCOPE = {
    "type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1",
    "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1), "root_path": "",
}  # fmt: skip
Messages = list[dict[str, Any]]


class Download:
    """A WSGI application that answers so many pieces; `made` is set once its thread is free again."""

    def __init__(self, pieces: int, breaks_after: int | None = None) -> None:
        self.pieces, self.breaks_after, self.made = pieces, breaks_after, threading.Event()

    def __call__(self, _environ: Any, start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", str(self.pieces * len(PIECE)))])
        try:
            for number in range(self.pieces):
                if number == self.breaks_after:
                    raise OSError("the disk broke")
                yield PIECE
        finally:
            self.made.set()


async def nothing_more() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def fetched(app: Any, folder: Path, *, before: Callable[[], Awaitable[None]] | None = None, **options: Any) -> Messages:
    """What arrives at somebody who begins to fetch once `before` is over."""
    got: Messages = []

    async def run() -> None:
        may_fetch = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            await may_fetch.wait()
            got.append(message)

        keeper = SpoolAnswer(app, folder=folder, **options)
        asking = asyncio.create_task(keeper(SCOPE, nothing_more, send))
        if before is not None:
            await before()
        may_fetch.set()
        await asking
        assert keeper.on_disk == 0

    asyncio.run(run())
    return got


def body(messages: Messages) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


@pytest.mark.parametrize("pieces", [0, 1, MEMORY_BYTES // len(PIECE), 100], ids=["none", "one", "memory", "on disk"])
def test_thread_is_free_while_nobody_fetches_and_nothing_of_the_answer_is_lost(tmp_path: Path, pieces: int) -> None:
    download = Download(pieces)

    async def until_made() -> None:
        assert await asyncio.to_thread(download.made.wait, 20)

    got = fetched(WSGIMiddleware(download, workers=1), tmp_path, before=until_made)

    assert (got[0]["type"], got[0]["status"]) == ("http.response.start", 200)
    assert body(got) == PIECE * pieces
    assert [message.get("more_body", False) for message in got[1:]][-1] is False
    assert max(len(message["body"]) for message in got[1:]) <= CHUNK_BYTES
    assert list(tmp_path.iterdir()) == []


def test_disk_is_not_filled_by_those_who_are_slow(tmp_path: Path) -> None:
    download = Download(100)

    async def until_it_waits() -> None:
        assert not await asyncio.to_thread(download.made.wait, 0.5)

    got = fetched(WSGIMiddleware(download, workers=1), tmp_path, before=until_it_waits, disk_bytes=10 * len(PIECE))

    assert body(got) == PIECE * 100


def test_answer_that_breaks_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk broke"):
        fetched(WSGIMiddleware(Download(100, breaks_after=50), workers=1), tmp_path)


def test_full_disk_ends_the_answer_early_and_frees_the_thread(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    download = Download(100)

    got = fetched(WSGIMiddleware(download, workers=1), no_folder)

    assert download.made.is_set()
    assert len(body(got)) < 100 * len(PIECE)
    assert all(message.get("more_body", True) for message in got[1:])


def test_whoever_goes_away_frees_the_thread(tmp_path: Path) -> None:
    download = Download(100)

    async def gone(_message: dict[str, Any]) -> None:
        raise ConnectionResetError

    with contextlib.suppress(ConnectionResetError):
        asyncio.run(SpoolAnswer(WSGIMiddleware(download, workers=1), folder=tmp_path)(SCOPE, nothing_more, gone))

    assert download.made.wait(20)
