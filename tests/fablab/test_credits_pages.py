"""Credits on pages: packs, what somebody has, giving, correcting, the ledger, and the cost before reserving."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.models import Category
from people.models import FileAccess, Role
from reservations.credits import credits_left, give_credits
from reservations.models import CreditEntry, CreditLot, CreditPack
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import give_role, make_category, make_machine, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return open_site()


@pytest.fixture
def person(site):
    who = make_person(first_name="Ines", last_name="Moreau")
    give_role(person=who, site=site)
    return who


@pytest.fixture
def desk(site):
    return signed_in(make_staff(site=site, role=Role.MEDIATOR))


@pytest.fixture
def pack():
    return CreditPack.objects.create(name_fr="Dix", name_en="Ten", credits=10, days_valid=30)


def give(person, amount=5, **fields):
    return give_credits(person=person, amount=amount, by=None, now=timezone.now(), **fields)


def tomorrow_at_ten(machine, hours=1):
    day = timezone.now().astimezone(machine.site.zone).date() + dt.timedelta(days=1)
    return f"?machine={machine.slug}&day={day.isoformat()}&start=10:00&end={10 + hours}:00"


def test_pack_is_made_changed_archived_and_brought_back(manager_client):
    data = {"name_fr": "Dix", "name_en": "Ten", "credits": "10", "days_valid": ""}

    manager_client.post(reverse("rules-pack-new"), data)
    pack = CreditPack.objects.get()
    manager_client.post(reverse("rules-pack", args=[pack.pk]), data | {"credits": "12", "days_valid": "90"})
    listed = words_of(manager_client.get(reverse("rules-credits")))
    manager_client.post(reverse("rules-pack-act", args=[pack.pk, "archive"]))
    after = words_of(manager_client.get(reverse("rules-credits")))
    manager_client.post(reverse("rules-pack-act", args=[pack.pk, "restore"]))
    pack.refresh_from_db()

    assert "Ten 12 credits · good for 90 days" in listed
    assert "No pack yet" in after
    assert "Hand it out again" in after
    assert (pack.credits, pack.archived_at) == (12, None)


def test_nothing_is_no_pack(manager_client):
    answer = manager_client.post(reverse("rules-pack-new"), {"name_fr": "Rien", "name_en": "None", "credits": "0"})

    assert answer.status_code == 400
    assert not CreditPack.objects.exists()


def test_desk_hands_out_a_pack_and_it_is_noted(desk, person, pack):
    answer = desk.post(reverse("people-credits-give", args=[person.reference]), {"pack": pack.pk, "words": "Receipt 7"})

    lot = CreditLot.objects.get()
    assert answer.status_code == 302
    assert (lot.person, lot.left, lot.pack) == (person, 10, pack)
    assert lot.expires_at - lot.created_at == dt.timedelta(days=30)
    assert FileAccess.objects.filter(person=person, deed="changed").count() == 1
    page = words_of(desk.get(reverse("people-credits", args=[person.reference])))
    assert "Given · Ten Receipt 7" in page


@pytest.mark.parametrize(
    ("data", "status", "left"),
    [
        ({"pack": "hand", "amount": "3"}, 302, 3),
        ({"pack": "hand"}, 400, 0),
        ({}, 400, 0),
        ({"pack": "hand", "amount": "-3"}, 400, 0),
    ],
    ids=["by hand", "no amount", "nothing chosen", "below nothing"],
)
def test_giving_by_hand_says_how_many(desk, person, pack, data, status, left):
    answer = desk.post(reverse("people-credits-give", args=[person.reference]), data)

    assert (answer.status_code, credits_left(person, timezone.now())) == (status, left)


def test_archived_pack_is_not_handed_out(desk, person, pack):
    CreditPack.objects.update(archived_at=timezone.now())

    answer = desk.post(reverse("people-credits-give", args=[person.reference]), {"pack": pack.pk})

    assert answer.status_code == 400
    assert not CreditLot.objects.exists()


def test_manager_corrects_with_a_reason_and_never_below_nothing(manager_client, person):
    lot, url = give(person), reverse("people-credits-correct", args=[person.reference])
    data = {"lot": lot.pk, "direction": "take", "amount": "2", "words": "Given twice"}

    done = manager_client.post(url, data)
    without_reason = manager_client.post(url, data | {"words": ""})
    too_many = manager_client.post(url, data | {"amount": "4"})

    assert [answer.status_code for answer in (done, without_reason, too_many)] == [302, 400, 400]
    assert "Say why: the ledger keeps it." in words_of(without_reason)
    assert "Only 3 credits are left of it" in words_of(too_many)
    assert [entry.amount for entry in CreditEntry.objects.order_by("pk")] == [5, -2]


def test_lot_of_somebody_else_is_not_corrected(manager_client, person):
    other = give(make_person())
    data = {"lot": other.pk, "direction": "take", "amount": "1", "words": "Mine"}

    answer = manager_client.post(reverse("people-credits-correct", args=[person.reference]), data)

    assert answer.status_code == 400
    assert CreditEntry.objects.count() == 1


def test_ledger_as_a_spreadsheet_runs_nothing(manager_client, person):
    give(person, words="=1+1")

    answer = manager_client.get(reverse("people-credits-csv", args=[person.reference]))

    line = answer.content.decode().splitlines()[1]
    assert line.split(";")[1:6] == ["given", "5", "", "5", ""]
    assert "'=1+1" in line
    assert FileAccess.objects.filter(person=person, deed="exported").exists()


def test_what_was_reserved_at_another_place_is_not_named(desk, person, site):
    there = make_machine(site=make_site(name="Hilltop"), name="Secret saw", category=make_category(credits_per_hour=1))
    lot = give(person)
    day = timezone.now() + dt.timedelta(days=1)
    from tests.api.lab import hold

    made = hold(there, person, day, day + dt.timedelta(hours=1))
    CreditEntry.objects.create(lot=lot, amount=-1, why="reserved", reservation=made, at=timezone.now())

    page = words_of(desk.get(reverse("people-credits", args=[person.reference])))

    assert "Secret saw" not in page
    assert "another place" in page


def test_cost_is_said_before_reserving(site, person):
    machine = make_machine(site=site, category=make_category(credits_per_hour=2))
    give(person, 10)

    page = words_of(signed_in(person).get(reverse("reserve-confirm") + tomorrow_at_ten(machine, hours=2)))

    assert "Credits 4 of your 10" in page


def test_machine_that_costs_nothing_says_nothing_of_credits(site, person):
    page = words_of(signed_in(person).get(reverse("reserve-confirm") + tomorrow_at_ten(make_machine(site=site))))

    assert "Credits" not in page
    assert not Category.objects.filter(credits_per_hour__gt=0).exists()


def test_me_shows_credits_only_where_the_lab_has_any(person):
    browser = signed_in(person)

    without = words_of(browser.get(reverse("me")))
    give(person, days_valid=10)
    page = words_of(browser.get(reverse("me")))
    own = words_of(browser.get(reverse("me-credits")))

    assert "My credits" not in without
    assert "5 credits left" in page
    assert "5 given by hand until" in own
    assert "Given" in own
