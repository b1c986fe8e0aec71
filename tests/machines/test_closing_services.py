"""What takes a place or a machine away for a while: dated exceptions and outages."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from machines.closing_services import declare_outage, lift_outage, remove_exceptions, set_exceptions
from machines.errors import AlreadyOut
from machines.models import OpeningException, Outage
from machines.services import set_weekly_hours
from tests.factories import (
    NOW,
    make_exception,
    make_machine,
    make_outage,
    make_site,
    minutes,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

TEN, NOON, TWO, SEVEN, MIDNIGHT = dt.time(10), dt.time(12), dt.time(14), dt.time(19), dt.time(0)


# --- dated exceptions -------------------------------------------------------------------------------------------


def test_closure_holds_on_each_date_and_replaces_what_was_said(by):
    site = make_site()
    make_exception(site=site, date="2026-12-25", opens="10:00", closes="12:00")

    first, last = dt.date(2026, 12, 24), dt.date(2026, 12, 26)
    set_exceptions(site=site, first=first, last=last, ranges=[], title="Holidays", by=by, now=NOW)

    rows = OpeningException.objects.filter(site=site).values_list("date", "opens", "title")
    assert list(rows) == [(first + dt.timedelta(days=n), None, "Holidays") for n in range(3)]


def test_other_hours_may_have_two_ranges(by):
    site, day = make_site(), dt.date(2026, 12, 24)

    set_exceptions(site=site, first=day, last=day, ranges=[(TEN, NOON), (TWO, SEVEN)], title="", by=by, now=NOW)

    assert OpeningException.objects.filter(site=site, date=day).count() == 2


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-12-26", "2026-12-25"), ("2026-01-01", "2027-12-31")],
    ids=["last before first", "two years"],
)
def test_closure_over_odd_dates_is_refused(by, first, last):
    dates = {"first": dt.date.fromisoformat(first), "last": dt.date.fromisoformat(last)}

    with pytest.raises(ValidationError) as refused:
        set_exceptions(site=make_site(), **dates, ranges=[], title="", by=by, now=NOW)

    assert list(refused.value.message_dict) == ["last"]


def test_exceptions_removed_leave_the_others(by):
    site = make_site()
    for date in ("2026-12-24", "2026-12-25", "2026-12-27"):
        make_exception(site=site, date=date)

    gone = remove_exceptions(site=site, first=dt.date(2026, 12, 24), last=dt.date(2026, 12, 26), by=by, now=NOW)

    assert (gone, OpeningException.objects.get(site=site).date) == (2, dt.date(2026, 12, 27))


# --- outages ----------------------------------------------------------------------------------------------------


def declared(machine, by, **fields) -> Outage:
    return declare_outage(
        machine=machine, by=by, now=NOW, **({"kind": "fault", "reason": "Belt", "start": NOW} | fields)
    )


def test_outage_holds_until_somebody_lifts_it(by):
    machine = make_machine()

    outage = declared(machine, by, expected_end=dt.date(2026, 3, 20))

    assert list(Outage.objects.holding_at(NOW)) == [outage]
    lift_outage(outage=outage, by=by, now=NOW + minutes(5))
    lift_outage(outage=outage, by=None, now=NOW + minutes(9))
    outage.refresh_from_db()
    assert (outage.end, outage.lifted_by, outage.reported_by) == (NOW + minutes(5), by, by)


def test_outage_while_one_holds_is_refused(by):
    machine = make_machine()
    make_outage(machine=machine)

    with pytest.raises(AlreadyOut):
        declared(machine, by)

    assert Outage.objects.count() == 1


def test_outage_to_come_is_taken_back_whole(by):
    outage = declared(make_machine(), by, start=NOW + minutes(60))

    lift_outage(outage=outage, by=by, now=NOW)

    assert not Outage.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"end": NOW - minutes(5)}, "An outage ends after it starts."),
        ({"expected_end": dt.date(2026, 3, 1)}, "It cannot be back before it is out of service."),
    ],
    ids=["ends before it starts", "back before it is out"],
)
def test_outage_in_the_wrong_order_is_refused(by, fields, words):
    with pytest.raises(ValidationError) as refused:
        declared(make_machine(), by, **fields)

    assert refused.value.messages == [words]


# --- beside reservations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["hours", "closure", "outage"])
def test_lock_lets_reservations_refer_to_the_place_meanwhile(by, what):
    machine = make_machine(site=make_site())
    site, day = machine.site, dt.date(2026, 12, 24)

    with CaptureQueriesContext(connection) as queries:
        if what == "hours":
            set_weekly_hours(site=site, ranges={1: [(TEN, NOON)]}, by=by, now=NOW)
        elif what == "closure":
            set_exceptions(site=site, first=day, last=day, ranges=[], title="", by=by, now=NOW)
        else:
            declare_outage(machine=machine, kind=Outage.Kind.FAULT, reason="", start=NOW, by=by, now=NOW)

    # A new reservation holds KEY SHARE on both: the stronger FOR UPDATE would wait for it, and it for us.
    locks = [query["sql"] for query in queries if " FOR " in query["sql"]]
    assert locks
    assert all("FOR NO KEY UPDATE" in lock for lock in locks)
