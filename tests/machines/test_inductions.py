"""Inductions: asked for once, answered once, and the person told."""

import datetime as dt

import pytest

from machines.induction_services import (
    AlreadyAnswered,
    ask_for_induction,
    close_induction,
    grant_after_induction,
    open_inductions,
    own_inductions,
)
from machines.models import InductionRequest, QualificationGrant
from machines.models.qualification import Level
from people.errors import NotAllowed, NotValid
from people.models import Notice, Role
from people.notices import kind_of
from tests.factories import NOW, make_person, make_qualification, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make_site(name="Riverside")


@pytest.fixture
def manager(site):
    return make_staff(site=site, role=Role.FAB_MANAGER)


@pytest.fixture
def request_(site, manager):
    person = make_person()
    return ask(person, site)


def ask(person, site, now=NOW, qualification=None, by=None):
    return ask_for_induction(
        person=person, qualification=qualification or make_qualification(), site=site, by=by or person, now=now
    )


def test_asking_twice_is_asking_once_and_the_team_is_told_once(site, manager):
    person, wanted = make_person(), make_qualification()

    first = ask(person, site, qualification=wanted)
    again = ask(person, site, now=NOW + minutes(5), qualification=wanted)

    assert (first, again.asked_at) == (again, NOW)
    assert list(Notice.objects.values_list("person", "kind")) == [(manager.pk, "induction_asked")]


def test_nobody_but_the_team_asks_for_somebody_else(site):
    with pytest.raises(NotAllowed):
        ask(make_person(), site, by=make_person())

    assert not InductionRequest.objects.exists()


def test_done_grants_the_qualification_and_tells_the_person(request_, manager):
    grant_after_induction(request=request_, level=Level.ALONE, expires_at=None, by=manager, now=NOW)

    grant = QualificationGrant.objects.get()
    request_.refresh_from_db()
    assert (grant.person, grant.qualification, grant.granted_by) == (request_.person, request_.qualification, manager)
    assert (request_.done_at, request_.done_by) == (NOW, manager)
    assert Notice.objects.filter(person=request_.person).get().kind == "induction_granted"
    assert not Notice.objects.filter(person=manager, read_at=None).exists()


@pytest.mark.parametrize("words", ["", "Come on Thursday."], ids=["without words", "with words"])
def test_closed_without_a_grant_tells_the_words(request_, manager, words, in_english):
    close_induction(request=request_, words=words, by=manager, now=NOW)

    notice = Notice.objects.get(person=request_.person)
    said = kind_of(notice.kind).words(notice.params)
    assert said.body == (
        "The team of Riverside has answered what you asked about the induction “Laser cutting”."
        + (" They wrote: Come on Thursday." if words else "")
    )
    assert not QualificationGrant.objects.exists()


def test_second_answer_is_told_that_it_comes_too_late(request_, manager):
    close_induction(request=request_, words="", by=manager, now=NOW)

    with pytest.raises(AlreadyAnswered):
        grant_after_induction(request=request_, level=Level.ALONE, expires_at=None, by=manager, now=NOW)

    assert not QualificationGrant.objects.exists()


def test_refused_grant_leaves_the_request_open(request_, manager):
    with pytest.raises(NotValid):
        grant_after_induction(request=request_, level=Level.ALONE, expires_at=NOW - minutes(1), by=manager, now=NOW)

    request_.refresh_from_db()
    assert request_.done_at is None


def test_after_an_answer_it_may_be_asked_for_again(request_, manager, site):
    close_induction(request=request_, words="", by=manager, now=NOW)

    again = ask(request_.person, site, qualification=request_.qualification)

    assert again != request_
    assert list(own_inductions(request_.person)) == [again]


def test_team_sees_those_of_its_sites_the_oldest_first(site, manager):
    wanted = make_qualification()
    late = ask(make_person(), site, now=NOW + dt.timedelta(days=1), qualification=wanted)
    early = ask(make_person(), site, qualification=wanted)
    ask(make_person(), make_site(), qualification=wanted)

    assert list(open_inductions(manager)) == [early, late]


def test_only_the_team_of_the_site_answers(request_):
    with pytest.raises(NotAllowed):
        close_induction(request=request_, words="", by=make_staff(site=make_site()), now=NOW)
