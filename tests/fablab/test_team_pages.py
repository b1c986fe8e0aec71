"""A team's reservations on pages: choosing who comes, changing it, checking in, and what the team's own page says."""

import datetime as dt
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from fablab.comers import choices_of
from people.models import TeamMembership
from people.visits import arrive
from reservations.models import Participant, Reservation, Status
from reservations.services import create_reservation
from tests.fablab.settings_pages import signed_in
from tests.factories import (
    grant,
    make_category,
    make_machine,
    make_person,
    make_qualification,
    make_site,
    make_staff,
    make_team,
    minutes,
)

pytestmark = pytest.mark.django_db
PARIS = ZoneInfo("Europe/Paris")


class Lab:
    """Ana and Bo are in a team, Cleo too; Dora is not. Ana is signed in."""

    def __init__(self):
        self.site = make_site()
        self.machine = make_machine(site=self.site, name="Laser")
        self.ana, self.bo, self.cleo, self.dora = (
            make_person(first_name=name, language="en") for name in ("Ana", "Bo", "Cleo", "Dora")
        )
        self.team = make_team(site=self.site, members=[self.ana, self.bo, self.cleo])
        self.client = signed_in(self.ana)
        self.day = dt.datetime.now(PARIS).date() + dt.timedelta(days=1)
        self.asked = {"machine": self.machine.slug, "day": str(self.day), "start": "10:00", "end": "11:00",
                      "team": self.team.slug}  # fmt: skip

    @property
    def field(self):
        return f"comes-{self.team.slug}"

    def boxes(self, *people):
        return {"asked": self.team.slug, self.field: [person.reference for person in people]}

    def post(self, *people, **more):
        return self.client.post(reverse("reserve-confirm"), self.asked | self.boxes(*people) | more)

    def look(self, *people):
        return self.client.get(f"/reserve/confirm/?{urlencode(self.asked | self.boxes(*people), doseq=True)}")

    def book(self, *people, start=None, machine=None, holder_takes_part=True, length=60, note=""):
        start = start or dt.datetime.combine(self.day, dt.time(10), PARIS)
        return create_reservation(
            machine=machine or self.machine, start=start, end=start + minutes(length), holder=self.ana, by=self.ana,
            now=min(timezone.now(), start), team=self.team, companions=list(people), note=note,
            holder_takes_part=holder_takes_part,
        )  # fmt: skip


@pytest.fixture
def lab():
    return Lab()


def text_of(answer):
    return " ".join(answer.content.decode().split())


def come(reservation):
    rows = Participant.objects.filter(reservation=reservation).order_by("pk")
    return list(rows.values_list("person__first_name", flat=True))


# --- reserving --------------------------------------------------------------------------------------------------


def test_who_comes_is_asked_of_each_team_that_has_others(lab):
    alone = make_team(site=lab.site, members=[lab.ana])

    page = lab.client.get(f"/reserve/confirm/?{urlencode(lab.asked)}").content.decode()

    assert page.count(f'name="{lab.field}"') == 3
    assert f'value="{lab.ana.reference}" id="{lab.field}-1" checked' in " ".join(page.split())
    assert page.count("checked") == 1
    assert f"comes-{alone.slug}" not in page
    assert lab.dora.reference not in page


def test_those_who_were_ticked_come(lab):
    answer = lab.post(lab.bo, lab.cleo)

    made = Reservation.objects.get()
    assert answer.status_code == 302
    assert (come(made), made.holder, made.holder_takes_part) == (["Bo", "Cleo"], lab.ana, False)


def test_nothing_asked_is_the_one_who_books(lab):
    lab.client.post(reverse("reserve-confirm"), lab.asked)

    made = Reservation.objects.get()
    assert (come(made), made.holder_takes_part) == ([], True)


@pytest.mark.parametrize(
    ("who", "sentence"),
    [((), "Somebody has to come"), (("dora",), "Somebody of those is no longer in this team")],
    ids=["nobody", "somebody else"],
)
def test_answer_that_cannot_be_is_said_beside_the_question(lab, who, sentence):
    answer = lab.post(*(getattr(lab, name) for name in who))

    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert f'name="{lab.field}"' in text_of(answer)
    assert not Reservation.objects.exists()


def test_companion_who_is_busy_is_named_and_can_be_left_out(lab):
    ten = dt.datetime.combine(lab.day, dt.time(10), PARIS)
    create_reservation(
        machine=make_machine(site=lab.site, name="Secret lathe"), start=ten, end=ten + minutes(60), holder=lab.bo,
        by=lab.bo, now=timezone.now(),
    )  # fmt: skip

    looked, posted = lab.look(lab.ana, lab.bo), lab.post(lab.ana, lab.bo)

    for answer in (looked, posted):
        assert "Bo already has something else then." in text_of(answer)
        assert "Secret lathe" not in text_of(answer)
        assert "Ask again with these" in text_of(answer)
    assert (looked.status_code, posted.status_code) == (200, 409)
    assert lab.look(lab.ana, lab.cleo).status_code == 200
    assert "Reserve this?" in text_of(lab.look(lab.ana, lab.cleo))


def test_who_comes_is_carried_through_the_sign_in_and_to_the_alternatives(lab):
    lab.book(start=dt.datetime.combine(lab.day, dt.time(10), PARIS))
    other = signed_in(lab.bo)
    refused = other.post(reverse("reserve-confirm"), lab.asked | lab.boxes(lab.bo, lab.cleo))
    lab.client.logout()

    sent_away = lab.post(lab.ana, lab.bo)
    lab.client.force_login(lab.ana, backend="people.sign_in_backends.PersonBackend")
    later = lab.asked | {"who": lab.cleo.reference, "start": "14:00", "end": "15:00"}
    back = lab.client.get(f"/reserve/confirm/?{urlencode(later)}")

    assert refused.status_code == 409
    assert f"&amp;who={lab.bo.reference},{lab.cleo.reference}" in refused.content.decode()
    assert f"who%3D{lab.ana.reference}%252C{lab.bo.reference}" in sent_away.url
    assert " ".join(back.content.decode().split()).count("checked") == 1


def test_two_of_one_first_name_are_told_apart(lab):
    twin = make_person(first_name="Bo")
    joined = dt.datetime(2026, 3, 2, 12, tzinfo=PARIS)
    TeamMembership.objects.create(team=lab.team, person=twin, joined_at=joined)
    rows = list(lab.team.memberships.select_related("person", "team__site").order_by("pk"))

    names = [choice.name for choice in choices_of(rows, lab.ana, [lab.ana])]

    assert names[0].startswith("Ana (")
    assert names[1:3] == ["Bo", "Cleo"]
    assert names[3].startswith("Bo, ")


# --- the reservation's page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("ana", 200, ["Who comes: you, Bo", "Change who comes", "Yes, cancel it"]),
     ("bo", 200, ["Who comes: Ana, you", "I cannot come"]), ("cleo", 404, []), ("dora", 404, [])],
)  # fmt: skip
def test_who_comes_sees_the_page_and_only_whoever_answers_for_it_changes_it(lab, name, status, words):
    made = lab.book(lab.bo)

    answer = signed_in(getattr(lab, name)).get(made.get_absolute_url())

    assert answer.status_code == status
    assert [word for word in words if word not in text_of(answer)] == []
    if name == "bo":
        assert "Yes, cancel it" not in text_of(answer)
        assert lab.ana.last_name not in text_of(answer)


def test_participant_cannot_cancel_or_move(lab):
    made, bo = lab.book(lab.bo), signed_in(lab.bo)

    answers = [
        bo.post(reverse("reservation-action", args=[made.reference, "cancel"])),
        bo.get(f"/reserve/confirm/?{urlencode(lab.asked | {'moving': made.reference})}"),
        bo.get(reverse("team-people", args=[made.reference])),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_participant_checks_in_and_finishes(lab):
    start = five_minutes_ago()
    made, bo = lab.book(lab.bo, start=start, machine=fine_machine(lab)), signed_in(lab.bo)

    for action in ("check-in", "finish"):
        assert bo.post(reverse("reservation-action", args=[made.reference, action])).status_code == 302

    made.refresh_from_db()
    assert made.status == Status.COMPLETED


def test_participant_without_the_qualification_is_told_what_is_missing(lab):
    wanted = make_qualification()
    grant(person=lab.ana, qualification=wanted)
    start = five_minutes_ago()
    made, bo = lab.book(lab.bo, start=start, machine=fine_machine(lab, qualification=wanted)), signed_in(lab.bo)

    answer = bo.post(reverse("reservation-action", args=[made.reference, "check-in"]), follow=True)

    made.refresh_from_db()
    assert made.status == Status.CONFIRMED
    assert "This machine needs the qualification “Laser cutting”." in text_of(answer)


def fine_machine(lab, **category):
    """A machine on which every fifth minute is a start."""
    return make_machine(site=lab.site, category=make_category(grid_min=5, **category))


def five_minutes_ago():
    """Or up to five more: on the grid of `fine_machine`."""
    now = timezone.now().replace(second=0, microsecond=0)
    return now - minutes(now.minute % 5 + 5)


def test_people_are_changed_on_a_page_of_their_own(lab):
    made = lab.book(lab.bo)
    url = reverse("team-people", args=[made.reference])

    page = lab.client.get(url)
    answer = lab.client.post(url, {"comes": [lab.bo.reference, lab.cleo.reference, lab.dora.reference]})

    made.refresh_from_db()
    assert text_of(page).count(" checked") == 2
    assert answer.status_code == 302
    assert (come(made), made.holder_takes_part) == (["Bo", "Cleo"], False)


def test_nobody_ticked_is_refused_in_words(lab):
    made = lab.book(lab.bo)

    answer = lab.client.post(reverse("team-people", args=[made.reference]), {})

    assert answer.status_code == 409
    assert "Somebody has to come" in text_of(answer)


def test_who_cannot_come_says_so(lab):
    made, bo = lab.book(lab.bo), signed_in(lab.bo)
    url = reverse("team-people-leave", args=[made.reference])

    answer, again = bo.post(url), bo.post(url)

    assert (answer.status_code, again.status_code) == (302, 404)
    assert come(made) == []
    assert bo.get(made.get_absolute_url()).status_code == 404


def test_own_page_and_kiosk_list_those_in_which_one_takes_part(lab):
    lab.book(lab.bo)

    own, others = (signed_in(person).get("/me/").content.decode() for person in (lab.bo, lab.cleo))

    assert "Laser" in own
    assert "you take part" in own
    assert "Laser" not in others
    assert "you take part" not in lab.client.get("/me/").content.decode()


def test_desk_finds_what_somebody_takes_part_in(lab):
    start = five_minutes_ago()
    lab.book(lab.bo, start=start, machine=fine_machine(lab), holder_takes_part=False, length=30)
    staff = make_staff(site=lab.site, language="en")
    arrive(site=lab.site, person=lab.bo, by=staff, now=timezone.now())

    page = text_of(signed_in(staff).get(reverse("desk-person", args=[lab.bo.reference])))

    assert "check-in" in page
