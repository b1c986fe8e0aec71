"""For machines that watch: `/healthz` says that the process lives, `/readyz` which part fails."""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from fablab.health import broker_answers, worker_beats


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all hold, else 503; each part by name."""
    checks = {"database": False, "migrations": False, "worker": False, "broker": broker_answers(settings.BROKER)}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = True
        executor = MigrationExecutor(connection)
        checks["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        checks["worker"] = worker_beats()
    except DatabaseError:
        checks["database"] = False
    return JsonResponse({"checks": checks}, status=200 if all(checks.values()) else 503)
