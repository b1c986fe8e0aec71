"""What a team reserved, used and printed, as its members read it: page, month, spreadsheet, and nobody else."""

import csv
import datetime as dt
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fablab.team_work import month_of, totals_of, year_of
from iot.models import StopReason, UsageSession
from printing.models import JobState, PrintFile, PrintJob
from reservations.models import Reservation, Status
from tests.fablab.settings_pages import signed_in
from tests.fablab.test_team_pages import PARIS, Lab, text_of
from tests.factories import make_machine, make_site, make_staff, minutes, turn_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab():
    return Lab()


def used(lab, reservation, *, by=None, length=30):
    """Half an hour of measured use and a print."""
    start = reservation.start
    UsageSession.objects.create(
        machine=reservation.machine, reservation=reservation, start=start, end=start + minutes(length),
        last_busy_at=start + minutes(length), stop_reason=StopReason.NORMAL,
    )  # fmt: skip
    file = PrintFile.objects.create(
        sha256="ab" * 32, size_bytes=9, name=f"ring-of-{(by or lab.ana).first_name}.gcode", uploaded_by=by or lab.ana,
        uploaded_at=start,
    )  # fmt: skip
    return PrintJob.objects.create(
        machine=reservation.machine, file=file, person=by or lab.ana, reservation=reservation,
        state=JobState.FINISHED, created_at=start,
    )  # fmt: skip


def past(lab, *people, days=0, **fields):
    """A reservation of this month that is over."""
    start = dt.datetime.now(PARIS).replace(day=1, hour=10, minute=0, second=0, microsecond=0)
    made = lab.book(*people, start=start + minutes(24 * 60 * days), **fields)
    Reservation.objects.filter(pk=made.pk).update(status=Status.COMPLETED)
    made.refresh_from_db()
    return made


def test_team_reads_what_comes_who_comes_and_the_notes(lab):
    lab.book(lab.bo, note="Gears for the clock")

    page = text_of(signed_in(lab.cleo).get(reverse("team", args=[lab.team.slug])))

    for word in ("Laser", "Ana, Bo", "Gears for the clock", "All reservations and use"):
        assert word in page
    assert lab.ana.last_name not in page


def test_month_lists_minutes_and_prints_and_of_files_ones_own_only(lab):
    job = used(lab, past(lab, lab.bo), by=lab.bo)
    url = reverse("team-reservations", args=[lab.team.slug])

    pages = {
        name: text_of(signed_in(person).get(url))
        for name, person in (("ana", lab.ana), ("bo", lab.bo), ("staff", make_staff(site=lab.site)))
    }

    assert all("30 min" in page for page in pages.values())
    assert [name for name, page in pages.items() if job.file.name in page] == ["bo", "staff"]


def test_totals_count_what_began_in_the_month_and_the_year(lab):
    used(lab, past(lab), length=30)
    lab.book(start=dt.datetime.combine(lab.day, dt.time(20), PARIS))
    Reservation.objects.filter(status=Status.CONFIRMED).update(status=Status.CANCELLED, cancelled_at=timezone.now())
    today = dt.datetime.now(PARIS).date()

    month, year = totals_of(lab.team, [month_of(today, PARIS), year_of(today, PARIS)], timezone.now())

    assert month == year
    assert (month.count, month.reserved, month.measured, month.prints) == (1, minutes(60), minutes(30), 1)


def test_totals_of_a_team_without_any_are_nothing(lab):
    today = dt.datetime.now(PARIS).date()

    (month,) = totals_of(lab.team, [month_of(today, PARIS)], timezone.now())

    assert (month.count, month.reserved, month.measured, month.prints) == (0, minutes(0), minutes(0), 0)


def test_use_is_clipped_as_on_the_reservations_own_page(lab):
    made = past(lab)
    used(lab, made, length=300)
    today = dt.datetime.now(PARIS).date()

    (month,) = totals_of(lab.team, [month_of(today, PARIS)], timezone.now())

    assert month.measured == minutes(60)


def test_spreadsheet_runs_no_formula(lab):
    used(lab, past(lab, lab.bo, note="=SUM(A1)"))

    answer = lab.client.get(reverse("team-reservations-csv", args=[lab.team.slug]))
    titles, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))

    assert titles == ["Day", "From", "Until", "Machine", "State", "Who comes", "What for", "Measured (min)", "Prints"]
    assert row[3:] == ["Laser", "finished", "you, Bo", "'=SUM(A1)", "30", "1"]


@pytest.mark.parametrize("name", ["team", "team-reservations", "team-reservations-csv"])
def test_others_learn_nothing(lab, name):
    url = reverse(name, args=[lab.team.slug])
    elsewhere = make_staff(site=make_site())

    seen = [signed_in(person).get(url).status_code for person in (lab.cleo, lab.dora, elsewhere)]

    assert seen == [200, 404, 404]
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize("month", ["2026-13", "no", "1999-01", "9999-12", "2026-03'"])
def test_month_that_is_none_is_this_one(lab, month):
    answer = lab.client.get(reverse("team-reservations", args=[lab.team.slug]), {"month": month})

    assert answer.status_code == 200


def test_lab_without_teams_has_none_of_this(lab):
    made = lab.book(lab.bo)
    turn_off("teams")

    urls = [reverse("team-people", args=[made.reference]), reverse("team-reservations", args=[lab.team.slug])]

    assert [lab.client.get(url).status_code for url in urls] == [404, 404]
    assert "Who comes" not in text_of(lab.client.get(made.get_absolute_url()))


# --- how many statements ----------------------------------------------------------------------------------------


def statements(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [
        query["sql"] for query in captured.captured_queries
        if "django_cache" not in query["sql"] and "SAVEPOINT" not in query["sql"]
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["team", "team-reservations", "team-reservations-csv"])
def test_pages_of_a_team_take_few_queries_however_much_it_reserved(lab, name):
    url = reverse(name, args=[lab.team.slug])
    used(lab, past(lab, lab.bo))
    lab.book(lab.bo)
    few = statements(lab.client, url)

    for n in range(1, 6):
        used(lab, more(lab, n))
    many = statements(lab.client, url)

    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= 12, "\n".join(many)


def more(lab, n):
    """Another one of this month, in the small hours."""
    start = dt.datetime.now(PARIS).replace(day=1, hour=0, minute=0, second=0, microsecond=0) + minutes(60 * n)
    made = lab.book(lab.bo, lab.cleo, start=start, machine=make_machine(site=lab.site))
    Reservation.objects.filter(pk=made.pk).update(status=Status.COMPLETED)
    made.refresh_from_db()
    return made
