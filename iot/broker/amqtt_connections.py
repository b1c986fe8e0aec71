"""amqtt's connections as we need them, written against 0.12.1: the contract tests hold each point.

amqtt 0.12.1 touches the session of a client id *before* it checks the password, lets the older of two
connections with one client id live on, ignores the keep-alive and reads packets of any size.
"""

import asyncio
from typing import Any

import amqtt.broker
from amqtt.adapters import ReaderAdapter, StreamReaderAdapter, StreamWriterAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.errors import MQTTError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from iot.broker.files import MAX_PACKET_BYTES

CONNECT_WITHIN_S = 10


class BoundedReader(StreamReaderAdapter):
    """Gives up a connection that announces a larger packet than we accept."""

    async def read(self, n: int = -1) -> bytes:
        if n > MAX_PACKET_BYTES:
            raise ConnectionAbortedError(f"A packet of {n} bytes is larger than {MAX_PACKET_BYTES}.")
        return await super().read(n)


class Connection(BrokerProtocolHandler):
    """One client's connection; the live ones are known, so that a revoked account can be dropped."""

    live: set["Connection"] = set()

    _closing: asyncio.Task[None] | None = None

    @classmethod
    async def init_from_connect(
        cls,
        reader: ReaderAdapter,
        writer: WriterAdapter,
        plugins_manager: Any,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> tuple["BrokerProtocolHandler", Session]:
        """Read CONNECT and check the password before anything of an older session is touched."""
        reading = super().init_from_connect(reader, writer, plugins_manager, loop)
        try:
            connection, session = await asyncio.wait_for(reading, CONNECT_WITHIN_S)
        except TimeoutError:
            raise MQTTError("No CONNECT packet came in time.") from None
        answers = await plugins_manager.map_plugin_auth(session=session)
        if not answers or not all(answers.values()):
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            raise MQTTError("The user name or the password is wrong.")
        # Nobody can take over the session of another account by using its client id.
        session.client_id = f"{session.username}/{session.client_id}"
        for older in [each for each in cls.live if each.client_id == session.client_id]:
            await older.handle_connection_closed()
        return connection, session

    @property
    def client_id(self) -> str:
        return (self.session.client_id or "") if self.session else ""

    @property
    def username(self) -> str:
        return (self.session.username or "") if self.session else ""

    async def start(self) -> None:
        self.live.add(self)
        await super().start()

    async def stop(self) -> None:
        self.live.discard(self)
        await super().stop()

    def handle_read_timeout(self) -> None:
        # Nothing came within the keep-alive: the client is gone, and its last will is due.
        self._closing = asyncio.ensure_future(self.handle_connection_closed())


class DeviceBroker(Broker):
    """amqtt's broker with our connections."""

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        await self.external_connected(BoundedReader(reader), StreamWriterAdapter(writer), listener_name)


async def drop_all_but(usernames: set[str]) -> None:
    """Close the connection of everybody who is not named."""
    for connection in [each for each in Connection.live if each.username not in usernames]:
        await connection.handle_connection_closed()


# The broker names its handler's class nowhere but in its own module.
amqtt.broker.BrokerProtocolHandler = Connection  # type: ignore[misc]
