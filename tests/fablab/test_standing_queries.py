"""Credits, rules to sign, inductions, why not: few statements, and as many with thirty rows as with one."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.house_rules import publish_rules, sign_rules
from machines.models import InductionRequest
from reservations.credits import give_credits
from reservations.models import CreditEntry, CreditPack, Reservation
from tests.api.lab import Lab, make_lab
from tests.fablab.test_query_counts import statements
from tests.factories import give_role, make_machine, make_person, make_qualification

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MOST = 12
# The reading is noted, and every rule is asked: the facts alone are eight.
MOST_FOR_WHY = 20
PAGES = (
    ("my credits", reverse("me-credits"), "holder", MOST),
    ("my rules", reverse("me-rules"), "holder", MOST),
    ("packs", reverse("rules-credits"), "manager", MOST),
    ("credits of somebody", "/manage/people/{reference}/credits/", "manager", MOST + 2),
    ("rules of somebody", "/manage/people/{reference}/rules/", "manager", MOST + 2),
    ("rules to sign", reverse("rules-to-sign"), "manager", MOST),
    ("who has signed", "/manage/rules/to-sign/places/{site}/", "manager", MOST + 2),
    ("inductions", reverse("manage-inductions"), "manager", MOST),
    ("why not", "/manage/why/?person={reference}&machine={laser}&day={day}&start=10:00&end=11:00", "manager",
     MOST_FOR_WHY),
)  # fmt: skip


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def add_rows(lab: Lab, count: int) -> None:
    """Of each kind so many: packs, lots, lines, versions, machines with rules, signatures, requests."""
    now, holder, manager = timezone.now(), lab.people["holder"], lab.people["manager"]
    reservations = list(Reservation.objects.all())
    for number in range(count):
        words = f"{timezone.now().timestamp()} {number}"
        pack = CreditPack.objects.create(name_fr=words, name_en=words, credits=5)
        lot = give_credits(person=holder, amount=5, pack=pack, days_valid=9, by=manager, now=now)
        CreditEntry.objects.create(
            lot=lot, amount=-1, why="reserved", reservation=reservations[number % len(reservations)], at=now, by=holder
        )
        machine = make_machine(site=lab.site)
        asking = make_person()
        give_role(person=asking, site=lab.site)
        for place in (machine, lab.site):
            rules = publish_rules(place=place, text_fr=words, text_en=words, by=manager, now=now)
            for person in (holder, asking):
                sign_rules(rules=rules, person=person, by=manager, now=now)
        InductionRequest.objects.create(
            person=asking, qualification=make_qualification(), site=lab.site, asked_at=now - dt.timedelta(days=number)
        )


@pytest.mark.parametrize(("url", "role", "most"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_page_takes_few_queries_however_many_rows(lab: Lab, url: str, role: str, most: int) -> None:
    known = {"reference": lab.people["holder"].reference, "site": lab.site.slug, "laser": lab.laser.slug}
    day = (timezone.now() + dt.timedelta(days=3)).date().isoformat()
    address = url.format(**known, day=day)
    add_rows(lab, 1)
    # The first reading is noted, the next one within ten minutes is not.
    statements(lab, role, address)
    few = statements(lab, role, address)

    add_rows(lab, 12)
    many = statements(lab, role, address)

    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= most, "\n".join(many)
