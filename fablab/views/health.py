"""For machines that watch: `/healthz` says that the process lives, `/readyz` which part fails."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from fablab.health import broker_answers, worker_beats


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all hold, else 503; each part by name."""
    checks = {
        "database": _holds(_database_answers),
        "migrations": _holds(_is_migrated),
        "worker": _holds(worker_beats),
        "broker": broker_answers(settings.BROKER),
    }
    return JsonResponse({"checks": checks}, status=200 if all(checks.values()) else 503)


def _holds(check: Callable[[], bool]) -> bool:
    """A check of its own for each part: one that fails says nothing about the others."""
    try:
        return check()
    except (DatabaseError, InterfaceError):
        return False


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
