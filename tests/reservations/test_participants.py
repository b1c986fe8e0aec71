"""Who comes, of a team's reservation: named, changed, asked of the rules, told; and what each of them may do."""

import pytest
from django.utils.translation import override

from people.models import Notice, TeamMembership
from reservations.deed_words import deed_lines
from reservations.deeds import history
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.life import approve, check_in, finish_reservation, refuse
from reservations.models import Deed, Participant, Quota, Refusal, Reservation, Status
from reservations.no_show import ask_where_they_are
from reservations.participants import leave_reservation, set_participants
from reservations.services import cancel_reservation, move_reservation
from tests.factories import (
    NOW,
    PARIS,
    at,
    grant,
    make_category,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    make_team,
    minutes,
    reserve,
    suspend,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("2026-03-14 10:00"), at("2026-03-14 11:00")


class Lab:
    """A team of three that reserved a machine: Ana holds it and comes with Bo; Cleo is at home."""

    def __init__(self, **category):
        self.site = make_site()
        self.ana, self.bo, self.cleo = (make_person(first_name=name) for name in ("Ana", "Bo", "Cleo"))
        self.team = make_team(site=self.site, members=[self.ana, self.bo, self.cleo])
        self.machine = make_machine(site=self.site, category=make_category(**category))
        if qualification := category.get("qualification"):
            grant(person=self.ana, qualification=qualification)
        self.booked = self.reserve()

    def reserve(self, **fields):
        return reserve(
            **({"machine": self.machine, "start": TEN, "end": ELEVEN, "holder": self.ana, "team": self.team,
                "companions": [self.bo]} | fields)
        )  # fmt: skip

    def set(self, *people, holder=True, by=None, now=NOW):
        return set_participants(
            reservation=self.booked, people=people, holder_takes_part=holder, by=by or self.ana, now=now
        )

    def others(self):
        return list(Participant.objects.filter(reservation=self.booked).values_list("person__first_name", flat=True))


@pytest.fixture
def lab():
    return Lab()


def told(person):
    rows = Notice.objects.filter(person=person).exclude(kind__startswith="reminder").exclude(kind__endswith="reminder")
    return list(rows.order_by("pk").values_list("kind", flat=True))


def codes(refused):
    return [str(denial.code) for denial in refused.value.denials]


# --- who may be named -------------------------------------------------------------------------------------------


def test_stranger_is_refused_when_reserving_and_later(lab):
    stranger = make_person()

    with pytest.raises(NotOfTheTeam):
        lab.reserve(start=at("2026-03-15 10:00"), end=at("2026-03-15 11:00"), companions=[stranger])
    with pytest.raises(NotOfTheTeam):
        lab.set(lab.bo, stranger)

    assert lab.others() == ["Bo"]


def test_somebody_has_to_come(lab):
    with pytest.raises(WrongState, match="nobody_comes"):
        lab.reserve(start=at("2026-03-15 10:00"), end=at("2026-03-15 11:00"), companions=[], holder_takes_part=False)
    with pytest.raises(WrongState, match="nobody_comes"):
        lab.set(holder=False)

    assert Reservation.objects.get().holder_takes_part


def test_who_left_the_team_stays_until_unticked_and_does_not_come_back(lab):
    TeamMembership.objects.filter(person=lab.bo).delete()

    lab.set(lab.bo, lab.cleo)
    lab.set(lab.cleo)
    with pytest.raises(NotOfTheTeam):
        lab.set(lab.bo, lab.cleo)

    assert lab.others() == ["Cleo"]


def test_others_come_in_the_holders_place(lab):
    changed = lab.set(lab.cleo, holder=False)

    assert (lab.others(), changed.holder_takes_part) == (["Cleo"], False)
    # She is free for something else then.
    reserve(machine=make_machine(site=lab.site), start=TEN, end=ELEVEN, holder=lab.ana)


def test_holder_named_among_the_others_and_names_twice_are_taken_once(lab):
    lab.set(lab.ana, lab.cleo, lab.cleo)

    assert lab.others() == ["Cleo"]


def test_same_people_again_is_nothing(lab):
    lab.set(lab.bo)

    assert [deed.kind for deed in history(lab.booked)] == ["made"]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW])
def test_what_is_over_is_not_changed(lab, status):
    Reservation.objects.update(status=status, cancelled_at=NOW if status == Status.CANCELLED else None)

    with pytest.raises(WrongState, match="not_open"):
        lab.set(lab.cleo)


def test_offer_is_answered_first(lab):
    Reservation.objects.update(status=Status.HELD, expires_at=TEN)

    with pytest.raises(WrongState, match="answer_the_offer_first"):
        lab.set(lab.cleo)


# --- the rules --------------------------------------------------------------------------------------------------


def test_rules_are_asked_of_everybody_who_is_new_and_all_answers_are_kept(lab):
    dan = make_person(first_name="Dan")
    TeamMembership.objects.create(team=lab.team, person=dan)
    for person in (lab.cleo, dan):
        reserve(machine=make_machine(site=lab.site), start=TEN, end=ELEVEN, holder=person)
    Quota.objects.create(measure="count", period="to_come", most=1)

    with pytest.raises(ReservationRefused) as refused:
        lab.set(lab.bo, lab.cleo, dan)

    assert codes(refused) == ["person_busy", "person_busy", "too_many_open", "too_many_open"]
    assert [denial.params["who"] for denial in refused.value.denials] == ["Cleo", "Dan", "Cleo", "Dan"]
    assert lab.others() == ["Bo"]
    assert [row.codes for row in Refusal.objects.all()] == [codes(refused)]


def test_those_who_came_already_are_not_asked_again(lab):
    Quota.objects.create(measure="count", period="to_come", most=1)

    lab.set(lab.bo, lab.cleo)

    assert lab.others() == ["Bo", "Cleo"]


def test_holder_who_comes_back_is_asked(lab):
    lab.set(lab.bo, holder=False)
    reserve(machine=make_machine(site=lab.site), start=TEN, end=ELEVEN, holder=lab.ana)

    with pytest.raises(ReservationRefused) as refused:
        lab.set(lab.bo)

    assert codes(refused) == ["person_busy"]


def test_buddy_that_a_risky_machine_wants_does_not_leave_alone():
    lab = Lab(risk_level=2)
    lab.site.opening_hours.update(is_staffed=False)

    with pytest.raises(ReservationRefused) as refused:
        lab.set()
    lab.set(lab.cleo)
    # The team knows whom it leaves alone.
    lab.set(by=make_staff(site=lab.site))

    assert codes(refused) == ["supervision_required"]
    assert lab.others() == []


def test_one_alone_is_no_buddy_for_themselves():
    lab = Lab(risk_level=2)
    lab.site.opening_hours.update(is_staffed=False)

    with pytest.raises(ReservationRefused) as holder_leaves:
        lab.set(lab.bo, holder=False)
    with pytest.raises(ReservationRefused) as booked_for_one:
        lab.reserve(machine=make_machine(site=lab.site, category=lab.machine.category), holder_takes_part=False)
    lab.set(lab.bo, lab.cleo, holder=False)
    # The holder comes back as one of the two goes.
    lab.set(lab.bo)

    assert codes(holder_leaves) == ["supervision_required"]
    assert "supervision_required" in codes(booked_for_one)
    assert lab.others() == ["Bo"]


def test_one_alone_does_not_begin_at_a_risky_machine():
    lab = Lab(risk_level=2)
    lab.site.opening_hours.update(is_staffed=False)
    # The team knew whom it left alone at booking; at the start it is asked anew.
    lab.set(lab.bo, holder=False, by=make_staff(site=lab.site))

    with pytest.raises(ReservationRefused) as refused:
        check_in(reservation=lab.booked, now=TEN, by=lab.bo)

    assert codes(refused) == ["supervision_required"]


def test_move_asks_those_who_were_named_since_the_page_was_made(lab):
    stale = Reservation.objects.get(pk=lab.booked.pk)
    lab.set(lab.bo, lab.cleo)
    later = at("2026-03-14 15:00")
    reserve(machine=make_machine(site=lab.site), start=later, end=later + minutes(60), holder=lab.cleo)

    with pytest.raises(ReservationRefused) as refused:
        move_reservation(reservation=stale, start=later, end=later + minutes(60), by=lab.ana, now=NOW)

    assert codes(refused) == ["person_busy"]


# --- checking in ------------------------------------------------------------------------------------------------


def test_qualified_participant_checks_in_and_finishes():
    wanted = make_qualification()
    lab = Lab(qualification=wanted)
    grant(person=lab.bo, qualification=wanted)

    running = check_in(reservation=lab.booked, now=TEN, by=lab.bo)
    done = finish_reservation(reservation=running, now=TEN + minutes(30), by=lab.bo)

    assert done.status == Status.COMPLETED
    assert list(history(done).values_list("kind", "by__first_name"))[1:] == [("checked_in", "Bo"), ("finished", "Bo")]


def test_participant_without_the_qualification_is_refused():
    lab = Lab(qualification=make_qualification())

    with pytest.raises(ReservationRefused) as refused:
        check_in(reservation=lab.booked, now=TEN, by=lab.bo)

    assert codes(refused) == ["qualification_missing"]
    assert check_in(reservation=lab.booked, now=TEN, by=lab.ana).status == Status.IN_USE


def test_suspended_participant_is_refused(lab):
    suspend(person=lab.bo)

    with pytest.raises(ReservationRefused) as refused:
        check_in(reservation=lab.booked, now=TEN, by=lab.bo)

    assert codes(refused) == ["suspended"]


@pytest.mark.parametrize(
    ("name", "may_change", "may_take_part"),
    [("ana", True, True), ("bo", False, True), ("cleo", False, False), ("organiser", True, True), ("staff", True, True),
     ("stranger", False, False)],
)  # fmt: skip
def test_who_sees_it_and_what_they_may(lab, name, may_change, may_take_part):
    if name == "organiser":
        lab.team.memberships.filter(person=lab.cleo).update(is_organiser=True)
    person = {
        "organiser": lab.cleo, "staff": make_staff(site=lab.site), "stranger": make_person()
    }.get(name) or getattr(lab, name)  # fmt: skip

    found = (
        person.has_perm("reservations.change", lab.booked),
        person.has_perm("reservations.take_part", lab.booked),
        Reservation.objects.known_to(person).filter(reference=lab.booked.reference).exists(),
    )

    assert found == (may_change, may_take_part, may_take_part)


def test_archived_or_other_teams_organiser_sees_nothing_of_it(lab):
    other = make_team(site=lab.site, members=[lab.cleo])
    other.memberships.update(is_organiser=True)

    assert not Reservation.objects.known_to(lab.cleo).exists()


# --- words and letters ------------------------------------------------------------------------------------------


def test_companions_are_told_that_they_are_counted_in_and_what_becomes_of_it(lab):
    lab.set(lab.bo, lab.cleo)
    move_reservation(reservation=lab.booked, start=TEN, end=ELEVEN + minutes(30), by=lab.ana, now=NOW)
    lab.set(lab.bo)
    cancel_reservation(reservation=lab.booked, by=lab.ana, now=NOW)

    assert told(lab.bo) == ["taking_part", "taking_part_moved", "taking_part_cancelled"]
    assert told(lab.cleo) == ["taking_part", "taking_part_moved", "taking_part_over"]
    assert told(lab.ana) == []


def test_who_names_themselves_is_not_told(lab):
    lab.team.memberships.filter(person=lab.cleo).update(is_organiser=True)

    lab.set(lab.bo, lab.cleo, by=lab.cleo)

    assert told(lab.cleo) == []


def test_of_a_request_companions_hear_nothing_before_the_yes():
    lab = Lab(needs_approval=True)
    staff = make_staff(site=lab.site)
    other = lab.reserve(start=at("2026-03-15 10:00"), end=at("2026-03-15 11:00"))

    refuse(reservation=other, by=staff, now=NOW, decision="Away")
    before = told(lab.bo)
    approve(reservation=lab.booked, by=staff, now=NOW)

    assert (before, told(lab.bo)) == ([], ["taking_part"])


def test_companions_are_asked_where_they_are(lab):
    ask_where_they_are(TEN + minutes(6))

    assert told(lab.bo) == ["taking_part", "taking_part_nobody_came"]


def test_reminders_follow_those_who_come(lab):
    lab.set(lab.cleo, holder=False)

    open_ones = Notice.objects.unread().filter(kind__in=["reminder_start", "reminder_end", "taking_part_reminder"])
    assert sorted(open_ones.values_list("person__first_name", "kind", "due_at")) == [
        ("Cleo", "reminder_end", ELEVEN - minutes(10)),
        ("Cleo", "taking_part_reminder", TEN - minutes(24 * 60)),
    ]


def test_who_cannot_come_says_so_and_the_holder_hears_of_it(lab):
    leave_reservation(reservation=lab.booked, person=lab.bo, now=NOW)

    assert lab.others() == []
    assert told(lab.ana) == ["companion_left"]
    assert told(lab.bo) == ["taking_part"]


def test_last_one_does_not_leave(lab):
    lab.set(lab.bo, holder=False)

    with pytest.raises(WrongState, match="nobody_comes"):
        leave_reservation(reservation=lab.booked, person=lab.bo, now=NOW)


def test_letters_name_nobody(lab):
    lab.set(lab.cleo)

    for notice in Notice.objects.all():
        assert not {"Ana", "Bo", "Cleo"} & set(str(notice.params).replace("'", " ").split())


def test_history_says_that_it_was_changed_and_keeps_no_name(lab):
    lab.set(lab.bo, lab.cleo)
    move_reservation(reservation=lab.booked, start=TEN, end=ELEVEN + minutes(30), by=lab.ana, now=NOW)

    with override("en"):
        lines = deed_lines(history(lab.booked), reader=lab.ana, is_team=False, zone=PARIS)

    assert [line.what for line in lines] == ["Reserved", "Who comes was changed", "Moved"]
    assert Deed.objects.get(kind="changed").before == {"people": 2}
