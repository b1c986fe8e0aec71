"""A board that joins while tiles are being drawn, in a language nobody had asked for, gets its own next round."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from fablab.live import LiveStream
from tests.factories import make_machine, make_site

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]


class Joining(dict[asyncio.Queue[str], str]):
    """Clients; once their languages have been looked at, one more comes in."""

    def __init__(self, latecomer: asyncio.Queue[str]) -> None:
        super().__init__()
        self.latecomer = latecomer

    def values(self):
        found = list(super().values())
        self.setdefault(self.latecomer, "en")
        return found


async def told(first: asyncio.Queue[str], latecomer: asyncio.Queue[str]) -> list[str]:
    stream = LiveStream()
    stream.clients = Joining(latecomer)
    stream.clients[first] = "fr"
    teller = asyncio.create_task(stream._tell())
    stream._everything()
    try:
        return [await asyncio.wait_for(client.get(), timeout=20) for client in (first, latecomer)]
    finally:
        teller.cancel()
        await asyncio.gather(teller, return_exceptions=True)
        await sync_to_async(connections.close_all)()


def test_board_that_joins_while_tiles_are_drawn_is_told_too():
    make_machine(site=make_site(), name="Laser")

    french, english = asyncio.run(told(asyncio.Queue(), asyncio.Queue()))

    assert ("Libre" in french, "Free" in english) == (True, True)
