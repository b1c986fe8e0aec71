"""Who is told what of each deed: one table, by what was done and who did it."""

import pytest

from people.models import Channel, Delivery, Notice, Role
from people.notices import kinds
from reservations.deeds import note_deed
from reservations.models import Deed, Origin, Status
from reservations.notices import ANSWERS_REQUESTS, TOLD_ALWAYS, TOLD_OF_OTHERS, tell_free
from reservations.notices_of_companions import OF_SERIES
from reservations.waiting import join_waiting
from tests.factories import NOW, at, give_role, make_machine, make_person, make_site, make_staff, minutes, reserve

pytestmark = pytest.mark.django_db

Kind = Deed.Kind
TEN, ELEVEN = at("2026-03-14 10:00"), at("2026-03-14 11:00")
# What was done, what the holder is told when they did it themselves, the team did it, or the clock.
TABLE = [
    (Kind.MADE, None, "reservation_made", "reservation_made"),
    (Kind.ASKED, None, None, None),
    (Kind.OFFERED, "reservation_offered", "reservation_offered", "reservation_offered"),
    (Kind.ACCEPTED, None, None, None),
    (Kind.APPROVED, "reservation_approved", "reservation_approved", "reservation_approved"),
    (Kind.REFUSED, "reservation_refused", "reservation_refused", "reservation_refused"),
    (Kind.MOVED, None, "reservation_moved", "reservation_moved"),
    (Kind.CHANGED, None, None, None),
    (Kind.CHECKED_IN, None, None, None),
    (Kind.ASKED_WHERE, "reservation_nobody_came", "reservation_nobody_came", "reservation_nobody_came"),
    (Kind.ANSWERED, None, None, None),
    (Kind.STAYS, None, None, None),
    (Kind.NO_SHOW, "reservation_given_away", "reservation_given_away", "reservation_given_away"),
    (Kind.FINISHED, None, None, None),
    (Kind.CANCELLED, None, "reservation_cancelled", "reservation_cancelled"),
    (Kind.EXPIRED, "reservation_expired", "reservation_expired", "reservation_expired"),
]


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def booked(site):
    """Long ago, so that only what the test does is told."""
    made = reserve(machine=make_machine(site=site), start=TEN, end=ELEVEN, holder=make_person())
    Notice.objects.all().delete()
    return made


def told(person):
    return list(
        Notice.objects.filter(person=person).exclude(kind__startswith="reminder").values_list("kind", flat=True)
    )


@pytest.mark.parametrize("who", ["holder", "team", "clock"])
@pytest.mark.parametrize("row", TABLE, ids=[row[0].value for row in TABLE])
def test_holder_is_told_what_others_did(booked, site, row, who):
    kind, *expected = row
    by = {"holder": booked.holder, "team": make_staff(site=site), "clock": None}[who]

    note_deed(booked, kind, by=by, now=NOW)

    wanted = expected[["holder", "team", "clock"].index(who)]
    assert told(booked.holder) == ([wanted] if wanted else [])


@pytest.mark.parametrize("kind", [Kind.MADE, Kind.MOVED, Kind.CANCELLED, Kind.APPROVED, Kind.REFUSED])
def test_date_of_a_series_is_told_with_the_others(booked, site, kind):
    note_deed(booked, kind, by=make_staff(site=site), now=NOW, origin=Origin.SERIES)

    assert told(booked.holder) == []


def test_table_names_every_deed():
    assert [row[0] for row in TABLE] == list(Kind)


def test_every_kind_that_is_told_is_registered():
    known = {kind.code for kind in kinds()}

    assert {*TOLD_ALWAYS.values(), *TOLD_OF_OTHERS.values(), *OF_SERIES, *OF_SERIES.values()} <= known


def test_waiting_list_that_reserves_at_once_says_so(booked):
    note_deed(booked, Kind.MADE, by=None, now=NOW, origin=Origin.WAITING)

    assert told(booked.holder) == ["reservation_from_waiting"]


def test_who_asked_to_be_told_is_told(site):
    person = make_person()
    entry = join_waiting(
        machine=make_machine(site=site), person=person, start=TEN, end=ELEVEN, by=person, now=NOW, is_notice_only=True
    )

    tell_free(entry, NOW)
    tell_free(entry, NOW)

    assert told(person) == ["waiting_free"]


# --- those who answer -------------------------------------------------------------------------------------------


@pytest.fixture
def team(site):
    return {role: make_staff(site=site, role=role) for role in Role if role not in (Role.VISITOR, Role.MEMBER)}


@pytest.fixture
def request_(booked):
    booked.status, booked.expires_at = Status.PENDING, booked.start
    booked.save()
    note_deed(booked, Kind.ASKED, by=booked.holder, now=NOW)
    return booked


def test_request_is_told_to_those_who_may_answer(team, request_):
    answering = {role for role, person in team.items() if told(person) == ["request_waiting"]}

    assert answering == ANSWERS_REQUESTS
    assert told(request_.holder) == []


def test_request_is_not_told_at_another_site(request_):
    elsewhere = make_staff(site=make_site(), role=Role.FAB_MANAGER)

    assert told(elsewhere) == []


def test_who_asks_does_not_answer_themselves(site, booked):
    give_role(person=booked.holder, site=site, role=Role.SUPERVISOR)
    booked.status, booked.expires_at = Status.PENDING, booked.start
    booked.save()

    note_deed(booked, Kind.ASKED, by=booked.holder, now=NOW)

    assert told(booked.holder) == []


@pytest.mark.parametrize("kind", [Kind.APPROVED, Kind.REFUSED, Kind.CANCELLED, Kind.EXPIRED])
def test_answered_request_waits_for_nobody(team, request_, kind):
    # As the service does before it writes the deed down.
    request_.status = Status.CONFIRMED

    note_deed(request_, kind, by=None, now=NOW + minutes(5))

    assert not Notice.objects.unread().filter(kind="request_waiting").exists()


def test_channels_of_the_team_are_written_to_once(team, booked, monkeypatch):
    monkeypatch.setenv("FABLAB_APPRISE_URLS", "json://localhost")
    booked.status, booked.expires_at = Status.PENDING, booked.start
    booked.save()

    note_deed(booked, Kind.ASKED, by=booked.holder, now=NOW)

    channel = Delivery.objects.filter(channel=Channel.APPRISE)
    assert channel.count() == 1
    assert str(booked.holder) not in str(channel.get().notice.params)


# --- reminders --------------------------------------------------------------------------------------------------


def test_reminders_are_due_a_day_before_and_ten_minutes_before_the_end(booked):
    note_deed(booked, Kind.MOVED, by=booked.holder, now=NOW)

    due = dict(Notice.objects.values_list("kind", "due_at"))
    assert due == {"reminder_start": TEN - minutes(24 * 60), "reminder_end": ELEVEN - minutes(10)}


@pytest.mark.parametrize("kind", [Kind.CANCELLED, Kind.NO_SHOW, Kind.FINISHED])
def test_reminders_are_taken_back(booked, kind):
    note_deed(booked, Kind.MADE, by=booked.holder, now=NOW)
    booked.status = Status.CANCELLED

    note_deed(booked, kind, by=booked.holder, now=NOW + minutes(5))

    reminders = Notice.objects.filter(kind__startswith="reminder")
    assert reminders.count() == 2
    assert not reminders.unread().exists()
