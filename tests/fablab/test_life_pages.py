"""Requests, the waiting list, who did not come, rules set aside, and the history, as people meet them on pages."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from people.models import Role
from reservations import evidence
from reservations.evidence import Use
from reservations.models import Deed, Reservation, Status, WaitingEntry
from reservations.no_show import ask_where_they_are
from reservations.services import cancel_reservation
from reservations.waiting import join_waiting
from tests.factories import (
    NOW,
    at,
    give_role,
    grant,
    make_category,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    minutes,
    reserve,
)

pytestmark = pytest.mark.django_db

TEN, ELEVEN = at("10:00"), at("11:00")
BACKEND = "people.sign_in_backends.PersonBackend"
DAY = "2026-03-11"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site():
    return make_site()


def browser(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend=BACKEND)
    return client


def member(site, **fields):
    person = make_person(**fields)
    give_role(person=person, site=site, role=Role.MEMBER)
    return person


@pytest.fixture
def holder(site):
    return member(site, first_name="Zoé", last_name="Élan")


@pytest.fixture
def manager(site):
    return make_staff(site=site, role=Role.FAB_MANAGER, first_name="Anna", last_name="Berg")


def confirm(machine, start="10:00", end="11:00", **more):
    return {"machine": machine.slug, "day": DAY, "start": start, "end": end} | more


# Requests


@pytest.fixture
def asked(site, holder):
    qualification = make_qualification(name_en="Sewing")
    category = make_category(needs_approval=True, qualification=qualification)
    grant(person=holder, qualification=qualification)
    return reserve(machine=make_machine(site=site, category=category), start=TEN, end=ELEVEN, holder=holder, note="Hem")


def test_request_shows_what_who_when_note_and_each_rule(asked, manager):
    text = browser(manager).get("/manage/requests/").content.decode()

    for words in (asked.machine.name, "Zoé Élan", "Wednesday 11 March, 10:00 – 11:00", "Hem", "All rules are kept"):
        assert words in text
    assert text.count('class="is-kept"') > 15
    assert 'class="is-broken"' not in text


def test_requests_are_counted_in_the_menu_and_on_the_first_page(asked, manager):
    text = browser(manager).get("/manage/").content.decode()

    assert "A request waits for your answer" in text
    assert '<span aria-hidden="true">1</span>' in text


def test_yes_and_no_are_said_with_words(asked, manager, holder):
    client = browser(manager)
    silent = client.post(reverse("manage-request", args=[asked.reference, "refuse"]), {"decision": " "})
    client.post(reverse("manage-request", args=[asked.reference, "refuse"]), {"decision": "We are away"})

    asked.refresh_from_db()
    assert silent.status_code == 400
    assert "Say why: the person will read it." in silent.content.decode()
    assert asked.status == Status.REFUSED
    assert "We are away" in browser(holder).get(asked.get_absolute_url()).content.decode()
    again = client.post(reverse("manage-request", args=[asked.reference, "approve"]), follow=True)
    assert "has been answered already" in again.content.decode()


def test_yes_all_the_same_names_the_rule_and_says_why(asked, manager, holder):
    holder.qualification_grants.all().delete()
    client, url = browser(manager), reverse("manage-request", args=[asked.reference, "approve"])
    text = client.get("/manage/requests/").content.decode()

    client.post(url, {})
    asked.refresh_from_db()
    before = asked.status
    wordless = client.post(url, {"all_the_same": "1", "aside": "qualification_missing", "decision": ""})
    client.post(url, {"all_the_same": "1", "aside": "qualification_missing", "decision": "I sit beside you"})

    asked.refresh_from_db()
    deed = Deed.objects.get(kind=Deed.Kind.APPROVED)
    assert "Say yes all the same" in text
    assert 'class="is-broken"' in text
    assert (before, wordless.status_code, asked.status) == (Status.PENDING, 400, Status.CONFIRMED)
    assert (deed.overridden, deed.why) == (["qualification_missing"], "I sit beside you")


# The waiting list


@pytest.fixture
def taken(site):
    return reserve(machine=make_machine(site=site, model_name="MK4"), start=TEN, end=ELEVEN, holder=member(site))


def test_refusal_of_a_taken_time_offers_to_wait_and_the_offer_is_taken_without_javascript(
    taken, holder, django_capture_on_commit_callbacks
):
    client, machine = browser(holder), taken.machine
    refused = client.post("/reserve/confirm/", confirm(machine))
    form = {"machine": machine.slug, "start_at": "2026-03-11T09:00:00Z", "end_at": "2026-03-11T10:00:00Z"}
    client.post("/reserve/wait/", form | {"how": "offer", "any_of_model": "on"})
    waits = client.get("/me/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        cancel_reservation(reservation=taken, by=taken.holder, now=NOW)
    offer = Reservation.objects.get(status=Status.HELD)
    offered = client.get("/me/").content.decode()
    client.post(reverse("reservation-action", args=[offer.reference, "accept"]))

    offer.refresh_from_db()
    assert refused.status_code == 409
    assert "Put me on the waiting list" in refused.content.decode()
    assert "Another one of the same model will do" in refused.content.decode()
    assert "Where I wait" in waits
    assert "is free for you" in offered
    assert "Say so before" in offered
    assert offer.status == Status.CONFIRMED


@pytest.mark.parametrize(
    ("how", "fields"),
    [("offer", (False, False)), ("at-once", (False, True)), ("tell", (True, False))],
)
def test_each_way_of_waiting_is_kept(taken, holder, how, fields):
    form = {"machine": taken.machine.slug, "start_at": "2026-03-11T09:00:00Z", "end_at": "2026-03-11T10:00:00Z"}

    browser(holder).post("/reserve/wait/", form | {"how": how})

    entry = WaitingEntry.objects.get()
    assert (entry.is_notice_only, entry.accepts_at_once) == fields
    assert (entry.start, entry.end, entry.person) == (TEN, ELEVEN, holder)


@pytest.mark.parametrize(
    "wrong",
    [{"how": "shout"}, {"start_at": "soon"}, {"start_at": "0001-01-01T00:00:00Z"}, {"end_at": "2026-03-11T08:00:00Z"},
     {"start_at": "2026-03-10T09:00:00Z"}],
    ids=["no such way", "no instant", "another century", "ends first", "yesterday"],
)  # fmt: skip
def test_what_nobody_can_wait_for_is_said(taken, holder, wrong):
    form = {"machine": taken.machine.slug, "start_at": "2026-03-11T09:00:00Z", "end_at": "2026-03-11T10:00:00Z"}

    response = browser(holder).post("/reserve/wait/", form | {"how": "offer"} | wrong, follow=True)

    assert response.status_code == 200
    assert "notice-error" in response.content.decode()
    assert not WaitingEntry.objects.exists()


def test_place_is_given_up(taken, holder):
    entry = join_waiting(machine=taken.machine, person=holder, start=TEN, end=ELEVEN, by=holder, now=NOW)

    browser(holder).post(reverse("waiting-leave", args=[entry.reference]))

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.LEFT
    assert "Where I wait" not in browser(holder).get("/me/").content.decode()


def test_nobody_waits_for_what_another_reason_refuses(site, holder):
    qualification, qualified = make_qualification(), member(site)
    grant(person=qualified, qualification=qualification)
    taken = make_machine(site=site, category=make_category(qualification=qualification))
    reserve(machine=taken, start=TEN, end=ELEVEN, holder=qualified)

    refused = browser(holder).post("/reserve/confirm/", confirm(taken))

    assert refused.status_code == 409
    assert "Put me on the waiting list" not in refused.content.decode()


# Who did not come


@pytest.fixture
def absent(site, holder, monkeypatch):
    monkeypatch.setattr(evidence, "_witnesses", [lambda machine, start, end: Use.UNKNOWN])
    category = make_category(cancel_notice=dt.timedelta(hours=9))
    held = reserve(machine=make_machine(site=site, category=category), start=TEN, end=ELEVEN, holder=holder)
    ask_where_they_are(TEN + minutes(5))
    return held


def test_holder_says_they_are_coming_or_gives_it_back(absent, holder):
    with time_machine.travel(TEN + minutes(6), tick=False):
        client = browser(holder)
        asks = [client.get(url).content.decode() for url in ("/me/", absent.get_absolute_url())]
        client.post(reverse("reservation-action", args=[absent.reference, "coming"]))
        kept = client.get("/me/").content.decode()
        absent.refresh_from_db()
        until = absent.grace_until
        client.post(reverse("reservation-action", args=[absent.reference, "cancel"]))

    absent.refresh_from_db()
    assert all("are you coming?" in text for text in asks)
    assert "It is kept for you until 10:16." in kept
    assert (until, absent.status) == (TEN + minutes(16), Status.CANCELLED)


@pytest.mark.parametrize(("action", "status"), [("check-in", Status.IN_USE), ("free", Status.NO_SHOW)])
def test_desk_answers_for_whom_nobody_knows(absent, manager, action, status):
    with time_machine.travel(TEN + minutes(5), tick=False):
        early = browser(manager).get("/desk/").content.decode()
    with time_machine.travel(TEN + minutes(20), tick=False):
        client = browser(manager)
        text = client.get("/desk/").content.decode()
        client.post(reverse("desk-reservation", args=[absent.reference, action]))
        after = client.get("/desk/").content.decode()

    absent.refresh_from_db()
    assert ["Nobody checked in: are they here?" in page for page in (early, text, after)] == [False, True, False]
    assert absent.status == status


def test_cancelling_too_late_says_so_and_whom_to_call(site, holder):
    category = make_category(cancel_notice=dt.timedelta(hours=9))
    held = reserve(machine=make_machine(site=site, category=category), start=TEN, end=ELEVEN, holder=holder)

    response = browser(holder).post(reverse("reservation-action", args=[held.reference, "cancel"]), follow=True)

    text = response.content.decode()
    assert response.redirect_chain == [(held.get_absolute_url(), 302)]
    assert "Cancelling wants 9 h of notice here. Call the team: they can do it." in text


# Rules set aside


@pytest.fixture
def short(site):
    return make_machine(site=site, category=make_category(longest=minutes(60)))


def test_team_is_offered_to_reserve_all_the_same_and_members_are_not(short, holder, manager):
    form = confirm(short, end="12:00")

    theirs = browser(holder).post("/reserve/confirm/", form).content.decode()
    teams = browser(manager).post("/reserve/confirm/", form | {"for": holder.reference}).content.decode()

    assert "Reserve all the same" not in theirs
    assert "Reserve all the same" in teams
    assert 'name="aside" value="too_long"' in teams


def test_all_the_same_wants_a_reason_and_keeps_it(short, holder, manager):
    client = browser(manager)
    form = confirm(short, end="12:00", all_the_same="1", aside="too_long", **{"for": holder.reference})

    wordless = client.post("/reserve/confirm/", form | {"why": " "})
    client.post("/reserve/confirm/", form | {"why": "A long engraving"})

    made = Reservation.objects.get()
    assert wordless.status_code == 400
    assert "Say why: whoever reads the history wants to know." in wordless.content.decode()
    assert (made.holder, made.end) == (holder, at("12:00"))
    team_reads = client.get(made.get_absolute_url()).content.decode()
    holder_reads = browser(holder).get(made.get_absolute_url()).content.decode()
    for text in (team_reads, holder_reads):
        assert "Reason: “A long engraving”" in text
        assert "Set aside for once: Longest time" in text
    assert "by the team" in holder_reads
    assert "Anna Berg" not in holder_reads


def test_rules_that_came_up_since_are_told_first(short, holder, manager):
    form = confirm(short, start="10:05", end="12:05", all_the_same="1", aside="too_long", why="Long")

    refused = browser(manager).post("/reserve/confirm/", form)

    assert refused.status_code == 409
    assert {'value="off_grid"' in refused.content.decode(), 'value="too_long"' in refused.content.decode()} == {True}
    assert not Reservation.objects.exists()


def test_member_who_forges_the_form_is_turned_away(short, holder):
    form = confirm(short, end="12:00", all_the_same="1", aside="too_long", why="Because")

    response = browser(holder).post("/reserve/confirm/", form)

    assert response.status_code == 403
    assert not Reservation.objects.exists()


def test_moving_all_the_same(short, holder, manager):
    held = reserve(machine=short, start=TEN, end=ELEVEN, holder=holder)
    form = confirm(short, end="12:00", moving=held.reference)
    client = browser(manager)

    refused = client.post("/reserve/confirm/", form)
    client.post("/reserve/confirm/", form | {"all_the_same": "1", "aside": "too_long", "why": "Long"})

    held.refresh_from_db()
    assert "Move it all the same" in refused.content.decode()
    assert held.end == at("12:00")


# States in words


@pytest.mark.parametrize(
    ("status", "fields", "words"),
    [
        (Status.HELD, {"expires_at": TEN}, "offered, waits for a yes"),
        (Status.PENDING, {"expires_at": TEN}, "waiting for approval"),
        (Status.REFUSED, {"decided_at": NOW}, "refused"),
        (Status.EXPIRED, {}, "ran out without an answer"),
        (Status.NO_SHOW, {}, "nobody came"),
    ],
)
def test_state_is_a_word_and_a_shape(site, holder, status, fields, words):
    held = reserve(machine=make_machine(site=site), start=TEN, end=ELEVEN, holder=holder)
    Reservation.objects.filter(pk=held.pk).update(status=status, **fields)

    text = browser(holder).get(held.get_absolute_url()).content.decode()

    assert f"<span>{words}</span>" in text


# At the machine


@pytest.mark.parametrize(
    ("minutes_before", "says"),
    [
        pytest.param(15, False, id="too early"),
        pytest.param(10, True, id="it may be started"),
        pytest.param(-30, True, id="begun"),
        pytest.param(-60, False, id="over"),
    ],
)
def test_square_on_the_machine_leads_to_checking_in(site, holder, minutes_before, says):
    machine = make_machine(site=site)
    mine = reserve(machine=machine, start=TEN, end=ELEVEN, holder=holder)
    address, button = f"/machines/{machine.slug}/", f"/reservations/{mine.reference}/check-in/"

    with time_machine.travel(TEN - minutes(minutes_before), tick=False):
        own = browser(holder).get(address).content.decode()
        others = browser(member(site)).get(address).content.decode()

    assert (button in own, button in others) == (says, False)
