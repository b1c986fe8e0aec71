"""Plain HTTP beside HTTPS: whoever types the address without https:// is sent on. Standard library only."""

import argparse
import asyncio
import re
import signal
import socket
from http import HTTPStatus

WITHIN_S = 5.0
LONGEST_HEAD_BYTES = 16_384
TARGET = re.compile(r"[A-Z]{1,20} (/[!-~]{0,4000}) HTTP/1\.[01]")


def location(request_line: str, *, reached_at: str, port: int, fixed_url: str = "") -> str:
    """Where to send this request: the same path over HTTPS.

    Pure. The host is the address that was reached, never the caller's Host header: that could name anybody.
    """
    asked = TARGET.fullmatch(request_line)
    path = asked[1] if asked else "/"
    # An IPv4 caller of an IPv6 socket.
    host = reached_at.removeprefix("::ffff:").partition("%")[0]
    shown = f"[{host}]" if ":" in host else host
    base = fixed_url or f"https://{shown}{'' if port == 443 else f':{port}'}"
    return f"{base}{path}"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, fixed_url: str) -> None:
    try:
        async with asyncio.timeout(WITHIN_S):
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.partition(b"\r\n")[0].decode("latin-1")
            where = location(line, reached_at=writer.get_extra_info("sockname")[0], port=port, fixed_url=fixed_url)
            # Not remembered by browsers: tomorrow the lab may speak otherwise.
            status = HTTPStatus.TEMPORARY_REDIRECT
            writer.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\nLocation: {where}\r\n"
                "Cache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")
            )
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # gone, too slow, or no HTTP: nothing to answer
    finally:
        writer.close()


async def serve(listener: socket.socket, *, port: int, fixed_url: str = "") -> None:
    """Send every caller of `listener` to HTTPS on `port`, or to `fixed_url`, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(
        lambda reader, writer: _answer(reader, writer, port, fixed_url), sock=listener, limit=LONGEST_HEAD_BYTES
    )
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="redirect")
    parser.add_argument("--fd", type=int, required=True, help="the listening socket that was inherited")
    parser.add_argument("--port", type=int, required=True, help="port of HTTPS")
    parser.add_argument("--to", default="", help="the one address for everybody, instead of the one they came by")
    given = parser.parse_args()
    asyncio.run(serve(socket.socket(fileno=given.fd), port=given.port, fixed_url=given.to))


if __name__ == "__main__":
    main()
