"""Rules for some are kept only where they say something about somebody, and once."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from machines.models import BookingPolicy
from machines.policy_services import create_policy, machines_concerned, remove_policy, update_policy
from people.models import PersonGroup
from tests.factories import NOW, make_category, make_machine, make_site, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def machine():
    return make_machine(site=make_site(), category=make_category())


@pytest.fixture
def plan():
    return PersonGroup.objects.create(kind="plan", name_fr="Atelier", name_en="Workshop")


def add(**fields):
    return create_policy(by=None, now=NOW, **fields)


def test_rule_is_made_changed_and_removed(machine, plan):
    policy = add(group=plan, category=machine.category, longest=minutes(480))
    update_policy(policy=policy, by=None, now=NOW, longest=minutes(60), needs_approval=False)

    assert BookingPolicy.objects.get().values == {"longest": minutes(60), "needs_approval": False}
    remove_policy(policy=policy, by=None, now=NOW)
    assert not BookingPolicy.objects.exists()


CASES = {
    "of nobody and nowhere": (lambda m, p: {"category": m.category, "longest": minutes(60)}, "Say for whom"),
    "says nothing": (lambda m, p: {"group": p}, "Say at least one thing"),
    "machine and its place": (lambda m, p: {"group": p, "machine": m, "site": m.site, "longest": minutes(60)},
                              "A machine has its place"),
    "machine for everybody": (lambda m, p: {"machine": m, "longest": minutes(60)}, "on the machine itself"),
    "longest below shortest": (lambda m, p: {"group": p, "longest": minutes(15), "shortest": minutes(30)},
                               "at least as long as the shortest"),
    "no length at all": (lambda m, p: {"group": p, "longest": minutes(0)}, "Durations are not negative"),
    "second of its kind": (lambda m, p: {"group": p, "site": m.site, "longest": minutes(60)}, "change that one"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "sentence"), CASES.values(), ids=CASES)
def test_what_cannot_be_kept_is_said_in_a_sentence(machine, plan, fields, sentence):
    add(group=plan, site=machine.site, rest=minutes(60))

    with pytest.raises(ValidationError) as refused:
        add(**fields(machine, plan))

    assert sentence in " ".join(refused.value.messages)
    assert BookingPolicy.objects.count() == 1


def test_machines_concerned_are_those_in_use(machine, plan):
    twin = make_machine(site=machine.site, category=machine.category)
    make_machine(category=machine.category, retired_at=NOW)
    elsewhere = make_machine(category=machine.category)
    make_machine(site=machine.site)

    found = {
        "category": set(machines_concerned(BookingPolicy(group=plan, category=machine.category))),
        "there": set(machines_concerned(BookingPolicy(site=machine.site, category=machine.category))),
        "one": set(machines_concerned(BookingPolicy(group=plan, machine=machine))),
    }

    assert found == {"category": {machine, twin, elsewhere}, "there": {machine, twin}, "one": {machine}}
