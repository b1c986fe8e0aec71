"""Who may do what: the role at the thing's own site decides."""

import pytest
from django.contrib.auth.models import AnonymousUser

from people.models import Role, RoleGrant
from people.permissions import is_administrator, is_manager, is_staff, roles_of
from tests.factories import give_role, make_machine, make_person, make_site

pytestmark = pytest.mark.django_db

NOBODY = (False, False, False)
ANSWERS = {
    Role.VISITOR: NOBODY,
    Role.MEMBER: NOBODY,
    Role.SUPERVISOR: (True, False, False),
    Role.MEDIATOR: (True, False, False),
    Role.FAB_MANAGER: (True, True, False),
    Role.ADMINISTRATOR: (True, True, True),
}


def answers(person, thing=None):
    """Staff, manager, administrator?"""
    return is_staff(person, thing), is_manager(person, thing), is_administrator(person, thing)


def with_role(role, site):
    person = make_person()
    give_role(person=person, site=site, role=role)
    return person


@pytest.mark.parametrize("role", Role)
def test_role_says_what_is_allowed_at_its_site(role):
    here = make_site()
    person = with_role(role, here)

    assert answers(person, here) == ANSWERS[role]
    assert answers(person, make_machine(site=here)) == ANSWERS[role]


@pytest.mark.parametrize("role", Role)
def test_role_says_nothing_about_another_site(role):
    person = with_role(role, make_site())

    assert answers(person, make_site()) == NOBODY
    assert answers(person, make_machine()) == NOBODY


@pytest.mark.parametrize("role", Role)
def test_role_at_any_site_counts_where_no_thing_is_named(role):
    assert answers(with_role(role, make_site())) == ANSWERS[role]


def test_several_roles_add_up():
    here, there = make_site(), make_site()
    person = with_role(Role.MEMBER, here)
    give_role(person=person, site=here, role=Role.SUPERVISOR)
    give_role(person=person, site=there, role=Role.ADMINISTRATOR)

    assert roles_of(person) == {
        here.pk: frozenset({Role.MEMBER, Role.SUPERVISOR}),
        there.pk: frozenset({Role.ADMINISTRATOR}),
    }
    assert answers(person, here) == (True, False, False)


def test_anonymous_visitor_may_do_nothing():
    assert answers(AnonymousUser(), make_site()) == NOBODY
    assert answers(AnonymousUser()) == NOBODY


def test_account_that_is_no_longer_active_may_do_nothing():
    here = make_site()
    person = with_role(Role.ADMINISTRATOR, here)
    person.is_active = False

    assert answers(person, here) == NOBODY


def test_superuser_may_do_everything_everywhere():
    assert answers(make_person(is_superuser=True), make_site()) == (True, True, True)


@pytest.mark.parametrize(
    ("permission", "least"),
    [
        ("people.welcome", Role.SUPERVISOR),
        ("people.manage", Role.FAB_MANAGER),
        ("people.administrate", Role.ADMINISTRATOR),
    ],
)
def test_permission_is_asked_through_django(permission, least):
    here = make_site()

    assert with_role(least, here).has_perm(permission, here)
    assert not with_role(Role.MEMBER, here).has_perm(permission, here)


def test_roles_are_read_once_for_many_questions(django_assert_num_queries):
    here = make_site()
    person = with_role(Role.SUPERVISOR, here)

    with django_assert_num_queries(1):
        assert [answers(person, here) for _ in range(5)] == [(True, False, False)] * 5


def test_every_role_has_its_answer():
    assert set(ANSWERS) == set(Role)
    assert RoleGrant._meta.get_field("role").choices == Role.choices
