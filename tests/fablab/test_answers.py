"""Whoever fetches slowly holds none of Django's threads, and gets the whole answer."""

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware

from fablab import spool
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


def no_folder(tmp_path: Path, _monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "file"
    path.write_text("")
    return path


def low_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(spool, "LEAST_FREE_BYTES", 10**18)
    monkeypatch.setattr(spool, "LEAST_FREE_SHARE", 1)
    return tmp_path


def filling_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel takes so much of a file, and of the next write nothing."""
    real = tempfile.TemporaryFile

    def small(**options: Any) -> Any:
        file = real(**options)
        write = file.write
        monkeypatch.setattr(file, "write", lambda chunk: write(chunk[: max(0, 10 * len(PIECE) - file.tell())]))
        return file

    monkeypatch.setattr("fablab.answers.tempfile.TemporaryFile", small)
    return tmp_path


def broken_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def refuse(**_options: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("fablab.answers.tempfile.TemporaryFile", refuse)
    return tmp_path


@pytest.mark.parametrize("disk", [no_folder, low_disk, filling_disk, broken_disk])
def test_without_a_disk_the_whole_answer_arrives_at_the_pace_of_who_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[Path, pytest.MonkeyPatch], Path]
) -> None:
    folder, download = disk(tmp_path, monkeypatch), Download(100)

    async def until_it_waits() -> None:
        assert not await asyncio.to_thread(download.made.wait, 0.5)

    got = fetched(WSGIMiddleware(download, workers=1), folder, before=until_it_waits)

    assert body(got) == PIECE * 100
    assert got[-1].get("more_body", False) is False


def test_whoever_goes_away_frees_the_thread_that_waits_for_room(tmp_path: Path) -> None:
    download = Download(100)

    async def run() -> None:
        may_go = asyncio.Event()

        async def gone(_message: dict[str, Any]) -> None:
            await may_go.wait()
            raise ConnectionResetError

        keeper = SpoolAnswer(WSGIMiddleware(download, workers=1), folder=tmp_path, disk_bytes=10 * len(PIECE))
        asking = asyncio.create_task(keeper(SCOPE, nothing_more, gone))
        assert not await asyncio.to_thread(download.made.wait, 0.5)
        may_go.set()
        with contextlib.suppress(ConnectionResetError):
            await asking
        assert keeper.on_disk == 0

    asyncio.run(run())

    assert download.made.wait(20)


def test_whoever_takes_nothing_for_long_holds_no_thread(tmp_path: Path) -> None:
    download = Download(100)

    async def run() -> None:
        async def never(_message: dict[str, Any]) -> None:
            await asyncio.Event().wait()

        keeper = SpoolAnswer(
            WSGIMiddleware(download, workers=1), folder=tmp_path, disk_bytes=10 * len(PIECE), patience_s=0.1
        )
        await asyncio.wait_for(keeper(SCOPE, nothing_more, never), 20)
        assert keeper.on_disk == 0

    asyncio.run(run())

    assert download.made.is_set()


def test_whoever_sends_nothing_is_over_too(tmp_path: Path) -> None:
    async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
        """As the one that keeps bodies does when a client leaves amid its upload."""

    async def run() -> Messages:
        got: Messages = []

        async def send(message: dict[str, Any]) -> None:
            got.append(message)

        await asyncio.wait_for(SpoolAnswer(silent, folder=tmp_path)(SCOPE, nothing_more, send), 20)
        return got

    assert asyncio.run(run()) == []


def test_whoever_goes_away_frees_the_thread(tmp_path: Path) -> None:
    download = Download(100)

    async def gone(_message: dict[str, Any]) -> None:
        raise ConnectionResetError

    with contextlib.suppress(ConnectionResetError):
        asyncio.run(SpoolAnswer(WSGIMiddleware(download, workers=1), folder=tmp_path)(SCOPE, nothing_more, gone))

    assert download.made.wait(20)
