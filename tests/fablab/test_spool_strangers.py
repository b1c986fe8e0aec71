"""Who shows neither a session nor a token cannot fill the disk."""

import asyncio
from pathlib import Path
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
