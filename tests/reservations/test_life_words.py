"""Rules set aside by the team only; the desk frees what nobody came for; history and rules in words."""

import datetime as dt

import pytest
from django.utils import translation

from people.models import Role
from reservations import evidence
from reservations.deed_words import WORDS, deed_lines
from reservations.deeds import history
from reservations.errors import OnlyForTheTeam, ReservationRefused, WrongState
from reservations.evidence import Use
from reservations.life import approve
from reservations.models import Deed, Status
from reservations.no_show import ask_where_they_are, free_absent
from reservations.requests import look_now, waiting_requests
from reservations.rule_names import RULE_NAMES, names_of
from reservations.rules import RULES, Code
from reservations.services import cancel_reservation, create_reservation, move_reservation
from reservations.wishes import SetAside
from tests.factories import (
    NOW,
    PARIS,
    at,
    give_role,
    grant,
    make_category,
    make_machine,
    make_outage,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
    reserve,
    suspend,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN, TWELVE = at("10:00"), at("11:00"), at("12:00")
TOO_LONG = SetAside(frozenset({Code.TOO_LONG}), "A long engraving")


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def machine(site):
    return make_machine(site=site, category=make_category(longest=minutes(60)))


@pytest.fixture
def staff(site):
    return make_staff(site=site)


def nobody(_site):
    return None


def member(site):
    person = make_person()
    give_role(person=person, site=site, role=Role.MEMBER)
    return person


def staff_elsewhere(_site):
    return make_staff(site=make_site(name="Hilltop"), role=Role.FAB_MANAGER)


OTHERS = pytest.mark.parametrize("who", [nobody, member, staff_elsewhere])


@OTHERS
def test_rules_are_set_aside_by_the_team_of_that_site_only(machine, site, who):
    by = who(site)

    with pytest.raises(OnlyForTheTeam):
        create_reservation(
            machine=machine, start=TEN, end=TWELVE, holder=make_person(), by=by, now=NOW, set_aside=TOO_LONG
        )


@OTHERS
def test_moving_past_a_rule_is_for_the_team_of_that_site_only(machine, site, who):
    held = reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())

    with pytest.raises(OnlyForTheTeam):
        move_reservation(reservation=held, start=TEN, end=TWELVE, by=who(site), now=NOW, set_aside=TOO_LONG)


def test_team_reserves_all_the_same_and_the_history_says_why(machine, staff):
    holder = make_person()

    made = create_reservation(
        machine=machine, start=TEN, end=TWELVE, holder=holder, by=staff, now=NOW, set_aside=TOO_LONG
    )

    deed = history(made).get()
    assert (made.status, deed.overridden, deed.why) == (Status.CONFIRMED, [Code.TOO_LONG], "A long engraving")


@pytest.mark.parametrize(
    ("happens", "answer"),
    [
        (lambda machine, person: None, True),
        (lambda machine, person: suspend(person=person), False),
        (lambda machine, person: make_outage(machine=machine), False),
        (lambda machine, person: reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person()), False),
    ],
    ids=["only too long", "suspended too", "out of service too", "taken too"],
)
def test_refusal_says_whether_the_team_may_go_past_all_of_it(machine, happens, answer):
    person = make_person()
    happens(machine, person)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=TEN, end=TWELVE, holder=person)

    assert refused.value.may_be_set_aside is answer


@pytest.mark.parametrize(("risk", "answer"), [(1, True), (2, False)])
def test_missing_qualification_is_the_teams_to_set_aside_where_nobody_gets_hurt(site, risk, answer):
    category = make_category(qualification=make_qualification(), risk_level=risk)
    machine = make_machine(site=site, category=category)

    with pytest.raises(ReservationRefused) as refused:
        reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())

    codes = {denial.code for denial in refused.value.denials}
    assert Code.QUALIFICATION_MISSING in codes
    assert refused.value.may_be_set_aside is (answer and codes == {Code.QUALIFICATION_MISSING})


@pytest.fixture
def absent(machine, monkeypatch):
    monkeypatch.setattr(evidence, "_witnesses", [lambda machine, start, end: Use.UNKNOWN])
    held = reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())
    ask_where_they_are(TEN + minutes(5))
    held.refresh_from_db()
    return held


def test_desk_frees_what_nobody_came_for_and_signs_for_it(absent, machine, staff):
    done = free_absent(reservation=absent, by=staff, now=TEN + minutes(20))

    last = history(absent).last()
    assert (done.status, last.kind, last.by) == (Status.NO_SHOW, Deed.Kind.NO_SHOW, staff)
    assert reserve(machine=machine, start=TEN + minutes(30), end=ELEVEN, holder=make_person(), now=TEN + minutes(20)).pk
    assert free_absent(reservation=absent, by=staff, now=TEN + minutes(21)).status == Status.NO_SHOW
    assert history(absent).filter(kind=Deed.Kind.NO_SHOW).count() == 1


def test_desk_frees_nothing_while_they_may_still_come(absent, staff):
    with pytest.raises(WrongState, match="still_expected"):
        free_absent(reservation=absent, by=staff, now=TEN + minutes(14))


@OTHERS
def test_freeing_is_for_the_team_of_that_site_only(absent, site, who):
    with pytest.raises(OnlyForTheTeam):
        free_absent(reservation=absent, by=who(site), now=TEN + minutes(20))


def test_who_is_asked_whether_they_come_may_say_no_without_notice(site):
    machine = make_machine(site=site, category=make_category(cancel_notice=dt.timedelta(hours=5)))
    held = reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())
    with pytest.raises(ReservationRefused):
        cancel_reservation(reservation=held, by=held.holder, now=TEN - minutes(60))
    ask_where_they_are(TEN + minutes(5))
    held.refresh_from_db()

    assert cancel_reservation(reservation=held, by=held.holder, now=TEN + minutes(6)).status == Status.CANCELLED


def test_requests_are_those_of_the_persons_sites(site, staff):
    machine = make_machine(site=site, category=make_category(needs_approval=True))
    asked = reserve(machine=machine, start=TEN, end=ELEVEN, holder=make_person())

    assert list(waiting_requests(staff=staff, now=NOW)) == [asked]
    assert list(waiting_requests(staff=staff_elsewhere(site), now=NOW)) == []
    assert list(waiting_requests(staff=asked.holder, now=NOW)) == []
    assert list(waiting_requests(staff=staff, now=TEN)) == []


def test_request_is_looked_at_as_the_approval_will(site, staff):
    category = make_category(needs_approval=True, qualification=make_qualification())
    machine, holder = make_machine(site=site, category=category), make_person()
    given = grant(person=holder, qualification=category.qualification)
    asked = reserve(machine=machine, start=TEN, end=ELEVEN, holder=holder)
    before = look_now(asked)
    given.delete()

    look = look_now(asked)

    assert (before.denials, len(before.checked)) == ([], len(RULES))
    assert [line.name for line in look.checked if not line.is_kept] == [str(RULE_NAMES[Code.QUALIFICATION_MISSING])]
    with pytest.raises(ReservationRefused) as refused:
        approve(reservation=asked, by=staff, now=NOW)
    assert [d.code for d in refused.value.denials] == [d.code for d in look.denials]
    assert refused.value.may_be_set_aside is look.may_be_set_aside


def test_every_rule_and_every_deed_has_words():
    assert set(RULE_NAMES) == set(Code)
    assert set(WORDS) == set(Deed.Kind)
    assert names_of(["too_long", "qualification_level", "qualification_missing", "of another time"]) == [
        str(RULE_NAMES[code]) for code in (Code.TOO_LONG, Code.QUALIFICATION_LEVEL)
    ]  # fmt: skip


def test_history_names_the_team_to_the_team_and_not_to_the_holder(machine, site):
    anna, holder = make_staff(site=site, first_name="Anna"), make_person(first_name="Zoé")
    held = reserve(machine=machine, start=TEN, end=ELEVEN, holder=holder)
    move_reservation(reservation=held, start=TWELVE, end=at("14:00"), by=anna, now=NOW, set_aside=TOO_LONG)

    with translation.override("en"):
        theirs = deed_lines(history(held), reader=holder, is_team=False, zone=PARIS)
        teams = deed_lines(history(held), reader=make_staff(site=site), is_team=True, zone=PARIS)

    assert [(line.by, line.behalf_of) for line in theirs] == [("by you", ""), ("by the team", "")]
    assert (teams[1].by, teams[1].behalf_of) == (f"by {anna}, of the team", str(holder))
    assert teams[1].what == "Moved"
    assert teams[1].change == (
        "from Wednesday 11 March, 10:00\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}11:00 "
        "to Wednesday 11 March, 12:00\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}14:00"
    )
    assert (teams[1].why, teams[1].set_aside) == ("A long engraving", ["Longest time"])
