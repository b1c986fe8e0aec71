"""Fixtures of the tests of devices. Imported late: the agent's own tests need no Django."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from iot.models import Device
    from machines.models import Machine
    from tests.iot.builders import Talker


@pytest.fixture
def machine(db: None) -> "Machine":
    from tests.iot.builders import make_machine

    return make_machine()


@pytest.fixture
def device(machine: "Machine") -> "Device":
    from tests.iot.builders import make_device

    return make_device(machine=machine)


@pytest.fixture
def lathe(db: None) -> "Machine":
    """A machine at a site that is open round the clock."""
    from tests.factories import make_machine, make_site

    return make_machine(site=make_site())


@pytest.fixture
def reader(lathe: "Machine") -> "Device":
    from tests.factories import NOW
    from tests.iot.builders import make_device

    return make_device("reader-1", lathe, is_online=True, last_seen_at=NOW)


@pytest.fixture
def talker(device: "Device") -> "Talker":
    from tests.iot.builders import Talker

    return Talker(device.slug)


@pytest.fixture
def refused_by_database(db: None) -> Callable[[str, str], None]:
    """`refused_by_database("iot_reading", "value = 666")`: the database refuses such rows until the test ends."""
    from django.db import connection

    def refuse(table: str, condition: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused_in_a_test CHECK (NOT ({condition}))")

    return refuse
