"""A badge that is lost is blocked at once, and for good."""

import pytest

from people.badge_services import block_badge
from people.badges import badge_digest
from people.errors import NotAllowed
from people.models import Badge, Person
from tests.factories import NOW, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def badge() -> Badge:
    return Badge.objects.create(person=make_person(), digest=badge_digest("04A2"), label="blue", created_at=NOW)


def test_owner_and_team_block_it_and_twice_is_once(badge: Badge) -> None:
    block_badge(badge=badge, by=badge.person, now=NOW + minutes(1))
    block_badge(badge=badge, by=make_staff(site=make_site()), now=NOW + minutes(5))

    badge.refresh_from_db()
    assert badge.blocked_at == NOW + minutes(1)


def test_nobody_else_blocks_it(badge: Badge) -> None:
    stranger: Person = make_person()

    with pytest.raises(NotAllowed):
        block_badge(badge=badge, by=stranger, now=NOW)

    badge.refresh_from_db()
    assert badge.blocked_at is None
