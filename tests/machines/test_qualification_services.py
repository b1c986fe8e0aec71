"""Qualifications given to one or ten: never twice, never lowered by accident, never by oneself."""

import datetime as dt

import pytest

from machines.models import QualificationGrant
from machines.models.qualification import Level
from machines.qualification_selectors import end_of_day_in, qualifications_of
from machines.qualification_services import Outcome, grant_qualification, revoke_qualification
from people.errors import NotAllowed, NotValid, WrongState
from people.models import FileAccess, Person, Role
from tests.factories import NOW, at, grant, make_person, make_qualification, make_site, make_staff

pytestmark = pytest.mark.django_db

SOON, LATER = NOW + dt.timedelta(days=30), NOW + dt.timedelta(days=400)


@pytest.fixture
def supervisor():
    return make_staff(site=make_site())


def lines(person):
    rows = QualificationGrant.objects.filter(person=person).order_by("pk")
    return [(row.level, row.granted_at, row.expires_at) for row in rows]


def test_ten_people_get_it_at_once_with_who_gave_it(supervisor):
    people, qualification = [make_person() for _ in range(10)], make_qualification()

    done = grant_qualification(
        people=people, qualification=qualification, level=Level.ALONE, expires_at=LATER, by=supervisor, now=NOW
    )

    assert {d.outcome for d in done} == {Outcome.GRANTED}
    assert QualificationGrant.objects.filter(granted_by=supervisor, expires_at=LATER).count() == 10
    assert FileAccess.objects.filter(deed=FileAccess.Deed.QUALIFIED, by=supervisor).count() == 10


def test_nobody_gets_it_when_one_was_erased_meanwhile(supervisor):
    here, gone = make_person(), make_person()
    Person.objects.filter(pk=gone.pk).update(erased_at=NOW)

    with pytest.raises(WrongState, match="vient d’être effacée"):
        grant_qualification(
            people=[here, gone], qualification=make_qualification(), level=Level.ALONE, expires_at=LATER,
            by=supervisor, now=NOW,
        )  # fmt: skip

    assert not QualificationGrant.objects.exists()


@pytest.mark.parametrize(
    ("held", "level", "expires_at", "outcome", "expected"),
    [
        ((2, SOON), 2, LATER, Outcome.EXTENDED, [(2, LATER)]),
        ((2, SOON), 2, None, Outcome.EXTENDED, [(2, None)]),
        ((2, LATER), 2, SOON, Outcome.KEPT, [(2, LATER)]),
        ((2, None), 2, LATER, Outcome.KEPT, [(2, None)]),
        ((2, LATER), 2, LATER, Outcome.KEPT, [(2, LATER)]),
        ((1, None), 2, LATER, Outcome.RAISED, [(1, NOW), (2, LATER)]),
        ((3, SOON), 2, None, Outcome.KEPT, [(3, SOON)]),
        ((2, NOW - dt.timedelta(days=1)), 2, LATER, Outcome.GRANTED, [(2, NOW - dt.timedelta(days=1)), (2, LATER)]),
    ],
    ids=["later", "for good", "earlier", "for good already", "the same", "higher", "lower", "had ended"],
)
def test_granted_again(supervisor, held, level, expires_at, outcome, expected):
    person, qualification = make_person(), make_qualification()
    grant(person=person, qualification=qualification, level=held[0], expires_at=held[1])

    (done,) = grant_qualification(
        people=[person], qualification=qualification, level=Level(level), expires_at=expires_at, by=supervisor, now=NOW
    )

    assert done.outcome == outcome
    assert [(level, expires) for level, _granted, expires in lines(person)] == expected


def test_nobody_gives_it_to_themselves_but_a_manager(supervisor):
    qualification, manager = make_qualification(), make_staff(site=make_site(), role=Role.FAB_MANAGER)
    wanted = {"qualification": qualification, "level": Level.ALONE, "expires_at": None, "now": NOW}

    with pytest.raises(NotAllowed):
        grant_qualification(people=[make_person(), supervisor], by=supervisor, **wanted)
    grant_qualification(people=[manager], by=manager, **wanted)

    assert list(QualificationGrant.objects.values_list("person", flat=True)) == [manager.pk]


def test_only_the_team_grants_and_only_for_a_time_to_come(supervisor):
    wanted = {"people": [make_person()], "qualification": make_qualification(), "level": Level.ALONE, "now": NOW}

    with pytest.raises(NotAllowed):
        grant_qualification(by=make_person(), expires_at=None, **wanted)
    with pytest.raises(NotValid):
        grant_qualification(by=supervisor, expires_at=NOW, **wanted)

    assert not QualificationGrant.objects.exists()


def test_revoked_qualification_ends_now_and_stays_in_history(supervisor):
    person = make_person()
    held = grant(person=person, qualification=make_qualification())

    for hours in (0, 1):
        revoke_qualification(grant=held, by=supervisor, now=NOW + dt.timedelta(hours=hours))

    assert [expires for _level, _granted, expires in lines(person)] == [NOW]
    assert FileAccess.objects.filter(person=person).count() == 1


def test_grant_revoked_in_the_moment_it_was_given_never_was(supervisor):
    person, qualification = make_person(), make_qualification()
    (done,) = grant_qualification(
        people=[person], qualification=qualification, level=Level.ALONE, expires_at=None, by=supervisor, now=NOW
    )

    revoke_qualification(grant=done.grant, by=supervisor, now=NOW)

    assert lines(person) == []


def test_each_qualification_is_shown_once_at_its_best():
    person, laser, sewing = make_person(), make_qualification(), make_qualification()
    grant(person=person, qualification=laser, level=1)
    best = grant(person=person, qualification=laser, level=2, expires_at=LATER)
    grant(person=person, qualification=sewing, level=3, expires_at=NOW - dt.timedelta(days=2))
    last = grant(person=person, qualification=sewing, level=1, expires_at=NOW - dt.timedelta(days=1))

    assert qualifications_of(person, NOW) == [best, last]


def test_year_ends_at_midnight_on_the_sites_clock():
    site = make_site()

    assert end_of_day_in(site, at("2024-02-29 10:00"), years=1) == at("2025-03-01 00:00")
