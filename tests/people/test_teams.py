"""Teams: made by anybody, joined by a link, kept by their organisers."""

import pytest

from people.errors import NotAllowed, NotValid, WrongState
from people.models import Team
from people.teams import (
    archive_team,
    close_joining,
    create_team,
    join_team,
    leave_team,
    make_organiser,
    may_organise,
    open_joining,
    remove_member,
    rename_team,
    restore_team,
)
from tests.factories import NOW, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def organiser():
    return make_person(first_name="Ana")


@pytest.fixture
def team(organiser):
    return create_team(site=make_site(), name="Vélo du quartier", by=organiser, now=NOW)


def test_team_is_made_with_its_organiser_and_an_address_of_its_own(team, organiser):
    other = create_team(site=team.site, name="Vélo du quartier", by=organiser, now=NOW)

    assert (team.slug, other.slug) == ("velo-du-quartier", "velo-du-quartier-2")
    assert [(m.person, m.is_organiser, m.joined_at) for m in team.memberships.all()] == [(organiser, True, NOW)]
    with pytest.raises(NotValid):
        create_team(site=team.site, name=" ", by=organiser, now=NOW)


def test_link_lets_in_until_it_is_replaced_or_closed(team, organiser):
    newcomer = make_person()
    first = open_joining(team=team, by=organiser)
    second = open_joining(team=team, by=organiser)

    with pytest.raises(WrongState):
        join_team(code=first, person=newcomer, now=NOW)
    for _twice in range(2):
        join_team(code=second, person=newcomer, now=NOW)
    close_joining(team=team, by=organiser)

    assert team.memberships.filter(person=newcomer, is_organiser=False).count() == 1
    with pytest.raises(WrongState):
        join_team(code=second, person=make_person(), now=NOW)


@pytest.mark.parametrize("code", ["", "NOSUCHCODE"])
def test_no_other_code_lets_in(team, code):
    with pytest.raises(WrongState) as refused:
        join_team(code=code, person=make_person(), now=NOW)

    assert refused.value.code == "link_over"


def test_only_organisers_and_the_sites_team_change_it(team, organiser):
    member, staff, foreign = make_person(), make_staff(site=team.site), make_staff(site=make_site())
    join_team(code=open_joining(team=team, by=organiser), person=member, now=NOW)
    membership = team.memberships.get(person=organiser)
    deeds = (
        lambda: rename_team(team=team, name="Mine", by=member),
        lambda: open_joining(team=team, by=member),
        lambda: close_joining(team=team, by=member),
        lambda: remove_member(membership=membership, by=member, now=NOW),
        lambda: make_organiser(membership=membership, by=member),
        lambda: archive_team(team=team, by=organiser, now=NOW),
    )

    for deed in deeds:
        with pytest.raises(NotAllowed):
            deed()

    assert [may_organise(person, team) for person in (organiser, staff, member, foreign)] == [True, True, False, False]


def test_oldest_member_organises_when_no_organiser_is_left(team, organiser):
    oldest, youngest = make_person(), make_person()
    code = open_joining(team=team, by=organiser)
    for person in (oldest, youngest):
        join_team(code=code, person=person, now=NOW)

    leave_team(team=team, person=organiser, now=NOW)

    assert {m.person: m.is_organiser for m in team.memberships.all()} == {oldest: True, youngest: False}


def test_team_that_everybody_left_is_archived_and_cannot_be_joined(team, organiser):
    code = open_joining(team=team, by=organiser)

    leave_team(team=team, person=organiser, now=NOW)

    assert Team.objects.get().archived_at == NOW
    with pytest.raises(WrongState):
        join_team(code=code, person=organiser, now=NOW)


def test_restored_team_needs_a_new_link(team, organiser):
    staff = make_staff(site=team.site)
    open_joining(team=team, by=organiser)

    archive_team(team=team, by=staff, now=NOW)
    with pytest.raises(WrongState):
        open_joining(team=team, by=organiser)
    restore_team(team=team, by=staff)

    team.refresh_from_db()
    assert (team.archived_at, team.join_code) == (None, None)
