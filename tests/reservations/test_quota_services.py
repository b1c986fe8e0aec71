"""Limits are kept once, count what can be counted, and read as sentences."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from machines.models import BookingPolicy
from people.models import PersonGroup
from reservations.models import Quota
from reservations.quota_services import create_quota, remove_quota, update_quota
from reservations.rule_words import category_words, machine_words, policy_words, quota_words, scope_words
from tests.factories import NOW, make_category, make_machine, make_qualification, make_site, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def machine():
    category = make_category(name_en="Laser cutters", qualification=make_qualification())
    return make_machine(site=make_site(name="Riverside"), category=category, name="Red one", longest=minutes(90))


@pytest.fixture
def members():
    return PersonGroup.objects.create(kind="members", name_fr="Membres", name_en="Members")


def add(**fields):
    return create_quota(by=None, now=NOW, **({"measure": "count", "period": "week", "most": 3} | fields))


def test_limit_is_made_changed_and_removed(machine):
    quota = add(category=machine.category)
    update_quota(quota=quota, by=None, now=NOW, most=0)

    assert Quota.objects.get().most == 0
    remove_quota(quota=quota, by=None, now=NOW)
    assert not Quota.objects.exists()


CASES = {
    "machine and its place": (lambda m: {"machine": m, "site": m.site}, "A machine has its place"),
    "reservations in peak hours": (lambda m: {"is_peak_only": True}, "counted in hours"),
    "second of its kind": (lambda m: {}, "change that one"),
    "no such period": (lambda m: {"period": "decade"}, "not a valid choice"),
}


@pytest.mark.parametrize(("fields", "sentence"), CASES.values(), ids=CASES)
def test_what_cannot_be_kept_is_said_in_a_sentence(machine, fields, sentence):
    add()

    with pytest.raises(ValidationError) as refused:
        add(**fields(machine))

    assert sentence in " ".join(refused.value.messages)
    assert Quota.objects.count() == 1


def test_limits_read_as_sentences(machine, members):
    hours = {"measure": "minutes", "period": "week", "most": 360, "is_peak_only": True}
    rows = [
        Quota(group=members, category=machine.category, measure="count", period="to_come", most=3),
        Quota(site=machine.site, **hours),
        Quota(machine=machine, measure="count", period="day", most=1),
    ]

    words = [quota_words(row) for row in rows]

    assert words == [
        "Members may hold 3 reservations to come on Laser cutters.",
        "Everybody may hold 6 h a week, in peak hours, at Riverside.",
        "Everybody may hold 1 reservation a day on Red one.",
    ]


def test_rules_read_as_sentences(machine, members):
    policy = BookingPolicy(
        group=members, site=machine.site, category=machine.category, longest=minutes(480), notice=minutes(0),
        needs_approval=False, least_age_y=16, credits_per_hour=2, rest=minutes(60),
    )  # fmt: skip

    said = [scope_words(policy), policy_words(policy), machine_words(machine), category_words(machine.category)]

    assert said == [
        "Members, on Laser cutters, at Riverside",
        "up to 8 h, without notice, 1 h between two of one person, without asking the team, from 16 years of age, "
        "2 credits an hour",
        "up to 1 h 30",
        "at least 30 min, up to 4 h, times every 15 min, up to 28 days ahead, "
        "given to others 15 min after the start when nobody comes, with the qualification “Laser cutting”",
    ]
