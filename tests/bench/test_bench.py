"""The bench at its usual size: prints the table, and holds the doors to their number of queries.

Times depend on the machine and on what else it does: they are printed, not asserted.
"""

import hashlib

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from fablab.bench.cases import CASES
from fablab.bench.plans import DOORS as EXPLAINED_DOORS
from fablab.bench.plans import explained
from fablab.bench.report import as_table
from fablab.bench.run import measured
from fablab.bench.seed import NotABenchDatabase, seed
from fablab.bench.size import DoesNotFit, Size, usual_days
from people.models import Site
from tests.factories import make_site

# With `available_apps` the tables are emptied with CASCADE, as the one of readings needs.
pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

SMALL = Size(machines=5, people=20, reservations=1000, sessions=500, days=60)
NO_DOORS = ("create", "refuse", "free", "find", "store", "import", "import-again")
DOORS = [case.name for case in CASES if case.name not in NO_DOORS]


def value_of(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def fingerprint():
    """What a seed wrote, keys and clock left out."""
    columns = 'reference, machine_id, holder_id, status, "start", "end"'
    rows = value_of(f"SELECT string_agg(r::text, '\n' ORDER BY reference) FROM (SELECT {columns} FROM"
                    " reservations_reservation) AS r")  # fmt: skip
    return hashlib.sha256(rows.encode()).hexdigest()


def test_usual_lab_keeps_its_query_counts():
    seed(Size(), now=timezone.now())

    results = measured()

    print(f"\n{as_table(results)}")
    assert {r.name: r.error for r in results if r.error} == {}
    assert {r.name: r.queries for r in results if not r.keeps_queries} == {}


def test_queries_do_not_grow_with_the_machines():
    seed(Size(machines=3, people=20, reservations=300, sessions=100, days=60), now=timezone.now())
    few = {r.name: r.queries for r in measured(DOORS)}
    seed(Size(machines=60, people=20, reservations=6000, sessions=100, days=60), now=timezone.now())

    many = {r.name: r.queries for r in measured(DOORS)}

    assert many == few


def test_seed_writes_what_was_asked_for():
    seed(SMALL, now=timezone.now())

    assert value_of("SELECT count(*) FROM machines_machine") == 5
    assert value_of("SELECT count(*) FROM people_person") == 20
    assert value_of("SELECT count(*) FROM reservations_reservation") == 1000
    assert value_of("SELECT count(*) FROM reservations_heldunit") == 1000
    assert value_of("SELECT count(*) FROM iot_usagesession") == 500


def test_seed_writes_the_same_again_on_the_same_day():
    now = timezone.now()
    seed(SMALL, now=now)
    first = fingerprint()

    seed(SMALL, now=now)

    assert fingerprint() == first


def test_seed_reservations_lie_inside_the_opening_hours():
    seed(SMALL, now=timezone.now())

    outside = value_of("""
        SELECT count(*) FROM reservations_reservation
        WHERE ("start" AT TIME ZONE 'Europe/Paris')::time < '08:00'
           OR ("end" AT TIME ZONE 'Europe/Paris')::time > '22:00'
           OR ("start" AT TIME ZONE 'Europe/Paris')::date <> ("end" AT TIME ZONE 'Europe/Paris')::date""")

    assert outside == 0


def test_seed_refuses_somebodys_database():
    site = make_site()

    with pytest.raises(NotABenchDatabase):
        seed(SMALL, now=timezone.now())

    assert list(Site.objects.all()) == [site]


def test_explain_reads_every_door_and_keeps_nothing():
    seed(SMALL, now=timezone.now())

    rows = explained()

    assert {row.door for row in rows} == set(EXPLAINED_DOORS)
    assert all(row.nodes for row in rows)
    assert value_of("SELECT count(*) FROM reservations_reservation") == 1000


def test_run_refuses_a_database_that_is_not_a_bench():
    make_site()

    with pytest.raises(CommandError, match="not a bench database"):
        call_command("bench", "run")


def test_seed_refuses_more_than_the_opening_hours_hold():
    with pytest.raises(DoesNotFit, match="--days 72 or more"):
        seed(Size(machines=50, reservations=100_000, days=30), now=timezone.now())


@pytest.mark.parametrize(
    ("reservations", "days"), [(1000, 730), (100_000, 730), (5_000_000, 36_500)], ids=["few", "usual", "many"]
)
def test_usual_days_keep_the_density(reservations, days):
    assert usual_days(reservations, 50) == days
