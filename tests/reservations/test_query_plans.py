"""Held time is found by unit and time together, through the constraint's own index: never by reading a whole past."""

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from fablab.lib.intervals import Interval
from machines.models import Machine
from reservations.availability import free_time
from reservations.calendar_api import blocks
from reservations.facts import taken_intervals
from reservations.models import HeldUnit, Reservation
from tests.factories import NOW, make_machine, make_site, minutes

pytestmark = pytest.mark.django_db

PAST_HOURS = 1500
DAY = Interval(NOW - dt.timedelta(days=30), NOW - dt.timedelta(days=29))


@pytest.fixture
def machines():
    """Three, each in use round the clock for two months."""
    site = make_site()
    pks = [make_machine(site=site).pk for _ in range(3)]
    found = list(Machine.objects.filter(pk__in=pks).with_places())
    for machine in found:
        hours = [NOW - dt.timedelta(hours=n + 1) for n in range(PAST_HOURS)]
        made = Reservation.objects.bulk_create(
            Reservation(
                site=site, machine=machine, start=hour, end=hour + minutes(60), booked_start=hour,
                booked_end=hour + minutes(60), status="completed", created_at=hour,
            )
            for hour in hours
        )  # fmt: skip
        times = [DateTimeTZRange(row.start, row.end) for row in made]
        HeldUnit.objects.bulk_create(
            HeldUnit(reservation=row, unit_id=machine.unit_id, period=held, blocked=held)
            for row, held in zip(made, times, strict=True)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reservations_reservation, reservations_heldunit")
    return found


def plans_of(read):
    """The plans of the statements about held units, as PostgreSQL runs them."""
    seen = []

    def note(execute, statement, params, many, context):
        seen.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):
        read()
    with connection.cursor() as cursor:
        for statement, params in [pair for pair in seen if "reservations_heldunit" in pair[0]]:
            cursor.execute(f"EXPLAIN {statement}", params)
            yield "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda machines: taken_intervals(machines[0].unit_id, DAY), id="taken time of one unit"),
        pytest.param(lambda machines: blocks(machines[:1], DAY, AnonymousUser()), id="one machine's calendar"),
        pytest.param(lambda machines: blocks(machines, DAY, AnonymousUser()), id="all machines' calendar"),
        pytest.param(lambda machines: free_time(machines, DAY), id="free time"),
    ],
)
def test_held_time_is_found_by_unit_and_time_together(machines, read):
    plans = list(plans_of(lambda: read(machines)))

    assert len(plans) == 1
    assert "held_units_do_not_overlap" in plans[0]
    conditions = [line for line in plans[0].splitlines() if "Index Cond" in line and "blocked &&" in line]
    assert ["unit_id" in condition for condition in conditions] == [True], plans[0]
