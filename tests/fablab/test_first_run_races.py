"""Several browsers answer the same question at once: one administrator, one place, so many machines and no more."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connections
from django.utils import translation

from fablab.first_run.machines import Wish, set_machine_counts
from fablab.first_run.services import make_administrator, set_place
from machines.machine_templates import LAPTOP
from machines.models import Category, Machine
from people.errors import PeopleError
from people.models import Person, RoleGrant, Site
from tests.fablab.first_run_pages import PLACE
from tests.factories import NOW

pytestmark = [
    pytest.mark.serial,
    # Naming the apps makes Django empty tables with CASCADE: the partitioned readings are not its own.
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]

BROWSERS = 6


def at_once(action: Callable[[int], object]) -> list[object]:
    """All of them from one starting gun; a refusal is an outcome."""
    gun = threading.Barrier(BROWSERS)

    def run(number: int) -> object:
        try:
            gun.wait(timeout=30)
            with translation.override("en"):
                return action(number)
        except PeopleError as error:
            return error.code
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(BROWSERS) as pool:
        return list(pool.map(run, range(BROWSERS)))


def claim(number: int) -> Person:
    return make_administrator(
        first_name=f"Ada {number}", last_name="", email="", password="a long walk", language="en", now=NOW
    )


def test_one_of_many_claims_the_lab() -> None:
    outcomes = at_once(claim)

    assert outcomes.count("claimed") == BROWSERS - 1
    assert Person.objects.count() == 1


def test_place_and_machines_are_made_once() -> None:
    by = claim(0)

    at_once(lambda _number: set_place(**PLACE, by=by, now=NOW))
    site = Site.objects.get()
    at_once(lambda _number: set_machine_counts(site=site, wishes=[Wish(LAPTOP, 3)], by=by, now=NOW))

    assert RoleGrant.objects.count() == 1
    assert sorted(Machine.objects.values_list("name", flat=True)) == ["Laptop 1", "Laptop 2", "Laptop 3"]
    assert Category.objects.count() == 1
