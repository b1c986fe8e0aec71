"""Importing a list of people, as the worker does it: read, checked, then written batch by batch."""

import time

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fablab.bench.measure import FRAME_WORDS, Times
from fablab.bench.seed import MANAGER_CARD
from people.imports.run import TASK, check_file, run_import, start_import
from people.models import FileAccess, ImportRun, Person, RoleGrant, Site

PEOPLE = 5000
ROUNDS = 3
TOWN = "Bench-sur-Import"
HEADER = "Prénom;Nom;Année de naissance;Ville;Téléphone;E-mail;Responsable;Téléphone du responsable"


def importing() -> Times:
    """From the file to the last person, three times another list of 5,000; they are removed afterwards."""
    taken_ms, queries = [], 0
    try:
        for n in range(ROUNDS):
            raw = _list_of(PEOPLE, f"Round {n}")
            one_ms, queries = _timed_import(raw)
            taken_ms.append(one_ms)
    finally:
        _leave_as_found()
    return Times.of(queries, taken_ms)


def importing_again() -> Times:
    """The same list a second time, which changes nothing."""
    raw, taken_ms, queries = _list_of(PEOPLE, "Again"), [], 0
    try:
        for _ in range(ROUNDS):
            one_ms, queries = _timed_import(raw)
            taken_ms.append(one_ms)
    finally:
        _leave_as_found()
    # The first one makes them.
    return Times.of(queries, taken_ms[1:])


def _timed_import(raw: bytes) -> tuple[float, int]:
    """How many milliseconds it took, and how many queries."""
    began_s = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        _import(raw)
    taken_ms = (time.perf_counter() - began_s) * 1000
    return taken_ms, sum(not query["sql"].startswith(FRAME_WORDS) for query in captured.captured_queries)


def _list_of(count: int, name: str) -> bytes:
    rows = [
        f"Camille {n};{name};{1930 + n % 90};{TOWN};06 12 34 {n // 100:02d} {n % 100:02d};c{n}@example.org;"
        "Dominique Bench;06 12 34 56 78"
        for n in range(count)
    ]
    return "\n".join([HEADER, *rows]).encode()


def _import(raw: bytes) -> None:
    manager, site = Person.objects.get(card_code=MANAGER_CARD), Site.objects.get()
    run = check_file(site=site, file_name="bench.csv", raw=raw, by=manager, now=timezone.now())
    start_import(run=run, by=manager, now=timezone.now())
    run_import(reference=run.reference, clock=timezone.now)


def _leave_as_found() -> None:
    people = Person.objects.filter(town=TOWN)
    FileAccess.objects.filter(person__in=people)._raw_delete("default")
    RoleGrant.objects.filter(person__in=people)._raw_delete("default")
    people._raw_delete("default")
    ImportRun.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s", [TASK])
