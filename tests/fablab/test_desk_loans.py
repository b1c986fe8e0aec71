"""What is lent stands beside the seats of the desk: to whom, until when, and nothing of another site."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fablab.desk_loans import SHOWN_MOST, OnLoan, loans_beside
from iot.models import ReportedState
from people.models import Person
from reservations.models import Loan, Reservation
from tests.api.lab import Lab, make_lab
from tests.fablab.rows.loans import lend, lent_out
from tests.factories import make_category, make_machine, turn_off
from tests.iot.builders import make_device

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def lab(in_english: None) -> Lab:
    return make_lab()


@pytest.fixture
def out(lab: Lab) -> Loan:
    return lend(lab)


def page(client: Client) -> str:
    response = client.get(reverse("desk"))
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def card_of(made: Reservation, seen: str) -> str:
    """What stands on the card of this loan; empty without one."""
    return seen.partition(f'aria-labelledby="lent-{made.pk}"')[2].partition("</li>")[0]


def test_desk_shows_to_whom_something_is_lent_and_until_when(lab: Lab, out: Loan) -> None:
    made = out.reservation
    assert made.holder is not None

    card = card_of(made, page(lab.client("mediator")))

    assert f"{made.end.astimezone(lab.site.zone):%H:%M}" in card
    assert str(made.holder) in card
    assert "Lent" in card
    assert reverse("desk-loan", args=[made.reference]) in card


def test_what_is_only_reserved_or_back_again_is_not_on_loan(lab: Lab, out: Loan) -> None:
    Loan.objects.update(returned_at=timezone.now())

    assert 'id="lent-title"' not in page(lab.client("mediator"))


def test_desk_of_another_site_says_nothing_of_it(lab: Lab, out: Loan) -> None:
    seen = page(lab.client("elsewhere"))

    assert 'id="lent-title"' not in seen
    assert "Laptop 2" not in seen
    assert str(out.reservation.holder) not in seen


@pytest.mark.parametrize("role", ["visitor", "holder"])
def test_only_the_team_sees_it(lab: Lab, out: Loan, role: str) -> None:
    assert lab.client(role).get(reverse("desk")).status_code == 403


def test_overdue_stands_first_and_says_so(lab: Lab, out: Loan) -> None:
    now, kind = timezone.now(), make_category(is_lent=True)
    late = lent_out(make_machine(site=lab.site, category=kind), lab.people["holder"], now - 3 * DAY, now - DAY)

    found = loans_beside(site=lab.site, staff=lab.people["mediator"], now=now)

    assert found.shown == [OnLoan(late.reservation, True), OnLoan(out.reservation, False)]
    assert "Overdue" in card_of(late.reservation, page(lab.client("mediator")))


def test_laptop_with_an_agent_says_battery_and_last_contact_and_no_more(lab: Lab, out: Loan) -> None:
    heard = timezone.now() - dt.timedelta(days=2)
    machine = out.reservation.machine
    device = make_device("laptop-2", machine, is_online=False, last_seen_at=heard, is_locked=True)
    ReportedState.objects.create(machine=machine, device=device, battery_pct=41.6, state="busy", power_w=30)

    card = card_of(out.reservation, page(lab.client("mediator")))

    assert f"{heard.astimezone(lab.site.zone):%H:%M}" in card
    assert re.search(r"Battery 42.%", card)
    assert "Last contact" in card
    assert not re.search(r"locked|busy|30 W|Screen", card)


def test_lab_without_devices_says_nothing_of_them(lab: Lab, out: Loan) -> None:
    make_device("laptop-2", out.reservation.machine, last_seen_at=timezone.now())
    turn_off("devices")

    card = card_of(out.reservation, page(lab.client("mediator")))

    assert card
    assert "Last contact" not in card


def test_ticket_without_a_name_is_named_by_its_number(lab: Lab, out: Loan) -> None:
    Reservation.objects.filter(pk=out.reservation_id).update(holder=None)

    assert f"Number {out.reservation.reference}" in card_of(out.reservation, page(lab.client("mediator")))


def test_many_loans_cost_as_many_queries_as_one_and_are_counted(
    lab: Lab, out: Loan, django_assert_max_num_queries
) -> None:
    now, kind = timezone.now(), make_category(is_lent=True)
    staff: Person = lab.people["mediator"]
    for _number in range(SHOWN_MOST + 3):
        lent_out(make_machine(site=lab.site, category=kind), lab.people["holder"], now - DAY, now + DAY)
    loans_beside(site=lab.site, staff=staff, now=now)

    with django_assert_max_num_queries(4):
        found = loans_beside(site=lab.site, staff=staff, now=now)

    assert (len(found.shown), found.more) == (SHOWN_MOST, 4)
    assert "And 4 more on loan" in page(lab.client("mediator"))
