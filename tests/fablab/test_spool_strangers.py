"""Who shows neither a session nor a token cannot fill the disk; nor can who pretends to."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fablab.spool import STRANGERS_BYTES, SpoolBody

MOST = 10 * STRANGERS_BYTES
LARGE = STRANGERS_BYTES + 1


def answered(tmp_path: Path, headers: list[tuple[bytes, bytes]], size_bytes: int, *, is_announced: bool) -> int:
    """The status of a request with such a body; 200 when it reached the application whole."""
    statuses: list[int] = []
    chunks = [b"x" * 65536] * (size_bytes // 65536) + [b"x" * (size_bytes % 65536)]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    length = (b"content-length", str(size_bytes).encode()) if is_announced else (b"transfer-encoding", b"chunked")
    scope = {"type": "http", "headers": [*headers, length]}
    asyncio.run(SpoolBody(app, most_bytes=MOST, folder=tmp_path)(scope, receive, send))
    return statuses[0]


@pytest.mark.parametrize("is_announced", [True, False], ids=["announced", "in chunks"])
@pytest.mark.parametrize(
    ("headers", "size_bytes", "status"),
    [
        pytest.param([], LARGE, 413, id="stranger, large"),
        pytest.param([], STRANGERS_BYTES, 200, id="stranger, small"),
        pytest.param([(b"cookie", b"fablab_language=fr")], LARGE, 413, id="another cookie"),
        pytest.param([(b"cookie", b"fablab_session=abc")], LARGE, 200, id="session"),
        pytest.param([(b"authorization", b"Token abc")], LARGE, 200, id="token"),
        pytest.param([(b"authorization", b"Token abc")], MOST + 1, 413, id="too large for anybody"),
    ],
)
def test_body_of_a_stranger_is_small(
    tmp_path: Path, headers: list[tuple[bytes, bytes]], size_bytes: int, status: int, is_announced: bool
) -> None:
    assert answered(tmp_path, headers, size_bytes, is_announced=is_announced) == status


# --- many at once ------------------------------------------------------------------------------------------------

PIECE = b"x" * 65536
A_SESSION = (b"cookie", b"fablab_session=invented")


class Upload:
    """A body that is sent as far as one says, and then waits; it shows a session, good or not."""

    def __init__(self, body: SpoolBody, address: str, *, accept: bytes = b"*/*", language: bytes = b"en") -> None:
        headers = [A_SESSION, (b"transfer-encoding", b"chunked"), (b"accept", accept), (b"accept-language", language)]
        self.scope = {"type": "http", "headers": headers, "client": (address, 4711)}
        self.messages: list[dict[str, Any]] = []
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.running = asyncio.create_task(body(self.scope, self.coming.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    async def sends(self, size_bytes: int) -> None:
        for _ in range(size_bytes // len(PIECE)):
            self.coming.put_nowait({"type": "http.request", "body": PIECE, "more_body": True})
        while not self.coming.empty() and not self.running.done():
            await asyncio.sleep(0)

    async def ends(self) -> int:
        self.coming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        await self.running
        return int(self.messages[0]["status"])


async def welcoming(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_one_connection_spools_six_large_bodies_at_once_and_leaves_room_for_others(tmp_path: Path) -> None:
    async def flood() -> list[int]:
        body = SpoolBody(welcoming, most_bytes=MOST, folder=tmp_path)
        crowd = [Upload(body, f"2001:db8::{number}") for number in range(7)]
        for upload in crowd:
            await upload.sends(MOST - 65536)
        neighbour = Upload(body, "192.0.2.7")
        await neighbour.sends(MOST - 65536)
        small = Upload(body, "2001:db8::9")
        await small.sends(65536)
        first = [await upload.ends() for upload in (*crowd, neighbour, small)]
        later = Upload(body, "2001:db8::1")
        await later.sends(MOST - 65536)
        return [*first, await later.ends()]

    statuses = asyncio.run(flood())

    # Those that ended gave their room back.
    assert statuses == [*[200] * 6, 503, 200, 200, 200]
    assert list(tmp_path.iterdir()) == []


def test_all_connections_together_spool_ten_large_bodies_at_once(tmp_path: Path) -> None:
    async def flood() -> list[int]:
        body = SpoolBody(welcoming, most_bytes=MOST, folder=tmp_path)
        crowd = [Upload(body, f"192.0.2.{number}") for number in range(12)]
        for upload in crowd:
            await upload.sends(MOST - 65536)
        return [await upload.ends() for upload in crowd]

    assert asyncio.run(flood()) == [200] * 10 + [503] * 2


def test_body_that_breaks_off_gives_its_room_back(tmp_path: Path) -> None:
    async def flood() -> int:
        body = SpoolBody(welcoming, most_bytes=MOST, folder=tmp_path)
        for _ in range(5):
            cut = Upload(body, "192.0.2.7")
            await cut.sends(MOST - 65536)
            cut.coming.put_nowait({"type": "http.disconnect"})
            await cut.running
        last = Upload(body, "192.0.2.7")
        await last.sends(MOST - 65536)
        return await last.ends()

    assert asyncio.run(flood()) == 200


@pytest.mark.parametrize(
    ("accept", "language", "words"),
    [
        pytest.param(b"text/html", b"fr", "presque plein", id="a page"),
        pytest.param(b"*/*", b"en", '"code": "disk_full"', id="a program"),
    ],
)
def test_nothing_large_is_taken_while_the_disk_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accept: bytes, language: bytes, words: str
) -> None:
    disk = SimpleNamespace(free=900 * 10**6, total=90 * 10**9)
    monkeypatch.setattr("fablab.spool.shutil.disk_usage", lambda folder: disk)

    async def send() -> tuple[int, int, str]:
        body = SpoolBody(welcoming, most_bytes=MOST, folder=tmp_path)
        large, small = Upload(body, "192.0.2.7", accept=accept, language=language), Upload(body, "192.0.2.7")
        await large.sends(MOST - 65536)
        await small.sends(65536)
        return await large.ends(), await small.ends(), large.messages[1]["body"].decode()

    status, small_status, said = asyncio.run(send())

    assert (status, small_status) == (507, 200)
    assert words in said
