"""A reservation whose machine will not be there says so, and leads away; what nobody measures is not spoken of."""

import datetime as dt

import pytest
from django.utils import timezone

from fablab.machines_away import machines_away
from machines.models import Machine
from reservations.models import Reservation
from tests.api.lab import Lab, hold, make_lab
from tests.factories import make_machine, make_outage, minutes

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.mark.parametrize(
    ("outage", "is_away"),
    [
        ({}, True),
        ({"end_in": 3 * DAY}, True),
        ({"end_in": DAY}, False),
        ({"expected_in": 2 * DAY}, True),
        ({"expected_in": DAY}, False),
        ({"start_in": 3 * DAY}, False),
    ],
    ids=["for good", "ends after", "ends before", "expected that day", "expected before", "begins after"],
)
def test_coming_reservation_is_away_when(lab: Lab, outage: dict[str, dt.timedelta], is_away: bool) -> None:
    now, zone = timezone.now(), lab.site.zone
    make_outage(
        machine=lab.laser,
        start=now + outage.get("start_in", -minutes(5)),
        end=now + outage["end_in"] if "end_in" in outage else None,
        expected_end=(now + outage["expected_in"]).astimezone(zone).date() if "expected_in" in outage else None,
    )

    found = machines_away([lab.coming, lab.running], now)

    assert list(found) == ([lab.coming.pk] if is_away else [])


def test_retired_machine_is_gone(lab: Lab) -> None:
    Machine.objects.filter(pk=lab.laser.pk).update(retired_at=timezone.now())

    found = machines_away([Reservation.objects.get(pk=lab.coming.pk)], timezone.now())

    assert found[lab.coming.pk][0].is_gone


def test_queries_are_the_same_however_many(lab: Lab, django_assert_num_queries) -> None:
    now = timezone.now()
    make_outage(machine=lab.laser, start=now - minutes(5))
    more = [hold(lab.laser, lab.people["holder"], now + n * DAY, now + n * DAY + minutes(30)) for n in (3, 4, 5)]

    with django_assert_num_queries(2):
        found = machines_away([lab.coming, *more], now)

    assert len(found) == 4


def test_page_says_it_and_leads_away(lab: Lab) -> None:
    make_outage(machine=lab.laser, start=timezone.now() - minutes(5))
    client = lab.client("holder")

    page = client.get(lab.coming.get_absolute_url()).content.decode()
    mine = client.get("/me/").content.decode()

    assert "<strong>Laser</strong> is out of service." in page
    assert f'href="/reserve/?moving={lab.coming.reference}"' in page
    assert "Out of service" in mine


def test_page_of_a_whole_machine_says_nothing(lab: Lab) -> None:
    page = lab.client("holder").get(lab.coming.get_absolute_url()).content.decode()

    assert "out of service" not in page
    assert f'href="/reserve/?moving={lab.coming.reference}"' not in page


@pytest.mark.parametrize("is_measured", [True, False], ids=["device", "no device"])
def test_only_what_is_measured_is_promised(lab: Lab, is_measured: bool) -> None:
    bare = make_machine(site=lab.site, name="PC 1")
    now = timezone.now()
    reservation = lab.running if is_measured else hold(bare, lab.people["holder"], now + DAY, now + DAY + minutes(60))

    page = lab.client("holder").get(reservation.get_absolute_url()).content.decode()

    assert ("measured-title" in page) == is_measured
