"""Two administrators who leave a site at once: the one who comes second finds that nobody else is left."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from people.erasure import erase_person
from people.errors import PeopleError
from people.models import Person, Role, RoleGrant, Site
from people.services import revoke_role
from tests.factories import NOW, make_site, make_staff
from tests.reservations.test_races import wait_until_somebody_waits

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(django_settings.INSTALLED_APPS)),
]


def _erase(site: Site, person: Person, by: Person) -> None:
    erase_person(person=person, by=None, now=NOW)


def _revoke(site: Site, person: Person, by: Person) -> None:
    revoke_role(grant=RoleGrant.objects.get(person=person, site=site), by=by, now=NOW)


@contextlib.contextmanager
def not_committed_yet():
    connection.set_autocommit(False)
    try:
        yield
    finally:
        connection.rollback()
        connection.set_autocommit(True)


@pytest.mark.parametrize(
    ("first", "second"),
    [(_erase, _erase), (_revoke, _erase), (_erase, _revoke)],
    ids=["both erase themselves", "erases herself while the other's role is taken", "the other way round"],
)
def test_one_of_two_administrators_stays(settings, tmp_path, first: Callable, second: Callable) -> None:
    settings.DATA_DIR = tmp_path
    site = make_site()
    ana, lou = (make_staff(site=site, role=Role.ADMINISTRATOR, first_name=name) for name in ("Ana", "Lou"))

    def leave() -> str:
        try:
            second(site, lou, by=ana if second is _erase else lou)
        except PeopleError as error:
            return error.code
        finally:
            connections["default"].close()
        return "left"

    with ThreadPoolExecutor(1) as pool:
        with not_committed_yet():
            first(site, ana, by=lou)
            later = pool.submit(leave)
            wait_until_somebody_waits()
            connection.commit()
        outcome = later.result(timeout=20)

    assert outcome == "last_administrator"
    staying = RoleGrant.objects.filter(site=site, role=Role.ADMINISTRATOR, person__erased_at=None)
    assert list(staying.values_list("person", flat=True)) == [lou.pk]
