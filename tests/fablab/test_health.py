"""`/healthz` and `/readyz`: each part that fails is named, and no other."""

import datetime as dt
import socket

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from fablab.health import BEAT_WITHIN

ALL = {"database": True, "migrations": True, "worker": True, "broker": True}


@pytest.fixture
def broker(settings):
    """Something listens where the broker should be."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.BROKER = settings.BROKER | {"host": "127.0.0.1", "port": listener.getsockname()[1]}
        yield listener


def beat(ago: dt.timedelta = dt.timedelta(0)) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [timezone.now() - ago])


def readiness() -> tuple[int, dict[str, bool]]:
    response = Client().get("/readyz")
    return response.status_code, response.json()["checks"]


@pytest.mark.django_db
def test_ready_when_every_part_answers(broker) -> None:
    beat()

    assert readiness() == (200, ALL)


@pytest.mark.django_db
def test_broker_that_is_down_is_named(broker) -> None:
    beat()
    broker.close()

    assert readiness() == (503, ALL | {"broker": False})


@pytest.mark.django_db
@pytest.mark.parametrize("ago", [None, BEAT_WITHIN + dt.timedelta(seconds=1)], ids=["none", "stopped"])
def test_worker_that_does_not_beat_is_named(broker, ago: dt.timedelta | None) -> None:
    if ago is not None:
        beat(ago)

    assert readiness() == (503, ALL | {"worker": False})
    assert ProcrastinateWorker.objects.count() == (ago is not None)


@pytest.mark.django_db
def test_migration_that_is_missing_is_named(broker) -> None:
    beat()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'printing'")

    assert readiness() == (503, ALL | {"migrations": False})


@pytest.mark.django_db
def test_missing_table_is_no_missing_database(broker) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_workers RENAME TO hidden")

    assert readiness() == (503, ALL | {"worker": False})


@pytest.mark.django_db
def test_process_that_lives_answers_without_the_database(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")
