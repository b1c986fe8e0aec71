"""A team's reservations by API: who comes is named by reference, members only, and nobody else is ever listed."""

import pytest
from django.test import Client
from django.utils import timezone

from people.models import Person, TeamMembership
from reservations.models import Participant, Reservation
from reservations.services import create_reservation
from tests.api.lab import ALL_SCOPES, Lab, api_client, make_token, slot
from tests.factories import make_person, make_team

JSON = "application/json"
URL = "/api/v1/reservations/"


class Team:
    """The holder's team, with Bo and Cleo; the other member of the lab is not in it."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.holder, self.stranger = lab, lab.people["holder"], lab.people["other"]
        Person.objects.filter(pk=self.holder.pk).update(last_name="Hidden")
        self.holder.refresh_from_db()
        self.bo, self.cleo = (make_person(first_name=name, last_name="Hidden") for name in ("Bo", "Cleo"))
        self.team = make_team(site=lab.site, members=[self.holder, self.bo, self.cleo])
        self.client = self.client_of(self.holder)

    def client_of(self, person: Person) -> Client:
        return api_client(make_token(person, *ALL_SCOPES)[1])

    def post(self, *people: Person, client: Client | None = None, hour: int = 10, **more: object):
        start, end = slot(3, hour)
        asked = {"machine": self.lab.laser.slug, "start": start, "end": end, "project": self.team.slug}
        asked["participants"] = [person.reference for person in people]
        return (client or self.client).post(URL, asked | more, content_type=JSON)

    def put(self, reference: str, *people: Person, client: Client | None = None):
        named = {"participants": [person.reference for person in people]}
        return (client or self.client).put(f"{URL}{reference}/participants/", named, content_type=JSON)


@pytest.fixture
def team(lab: Lab) -> Team:
    return Team(lab)


def shown(*people: Person) -> list[dict[str, str]]:
    return [{"reference": person.reference, "name": person.first_name} for person in people]


def test_those_named_come(team: Team) -> None:
    answer = team.post(team.bo, team.cleo)

    assert (answer.status_code, answer.json()["participants"]) == (201, shown(team.bo, team.cleo))
    assert not Reservation.objects.get(reference=answer.json()["reference"]).holder_takes_part


def test_left_out_it_is_whoever_reserves(team: Team) -> None:
    start, end = slot(3, 10)
    asked = {"machine": team.lab.laser.slug, "start": start, "end": end, "project": team.team.slug}

    answer = team.client.post(URL, asked, content_type=JSON)

    assert answer.json()["participants"] == shown(team.holder)


@pytest.mark.parametrize("is_change", [False, True], ids=["reserving", "changing"])
def test_stranger_and_nobody_at_all_get_the_same_answer(team: Team, is_change: bool) -> None:
    made = team.post(team.holder).json()["reference"]
    nobody = Person(reference="NOSUCHREF1")

    answers = [
        team.put(made, person) if is_change else team.post(person, hour=14) for person in (team.stranger, nobody)
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json() == {"participants": ["Name members of the team only."]}


def test_without_a_team_nobody_is_named(team: Team) -> None:
    start, end = slot(3, 10)
    asked = {"machine": team.lab.laser.slug, "start": start, "end": end, "participants": [team.bo.reference]}

    answer = team.client.post(URL, asked, content_type=JSON)

    assert (answer.status_code, list(answer.json())) == (400, ["participants"])


def test_somebody_has_to_come(team: Team) -> None:
    made = team.post(team.holder).json()["reference"]

    assert [answer.status_code for answer in (team.post(hour=14), team.put(made))] == [400, 400]


def test_people_are_changed_by_the_holder_and_not_by_whoever_comes(team: Team) -> None:
    made = team.post(team.holder, team.bo).json()["reference"]

    changed = team.put(made, team.bo, team.cleo)
    by_companion = team.put(made, team.bo, client=team.client_of(team.bo))
    by_member = team.put(made, team.bo, client=team.client_of(team.stranger))

    assert (changed.status_code, changed.json()["participants"]) == (200, shown(team.bo, team.cleo))
    assert (by_companion.status_code, by_member.status_code) == (403, 404)


def test_refusal_names_the_rules_and_says_nothing_of_what_they_do(team: Team) -> None:
    made = team.post(team.holder).json()["reference"]
    start, end = Reservation.objects.values_list("start", "end").get(reference=made)
    create_reservation(
        machine=team.lab.printer_machine, start=start, end=end, holder=team.bo, by=team.bo, now=timezone.now()
    )

    answer = team.put(made, team.holder, team.bo)

    assert (answer.status_code, [denial["code"] for denial in answer.json()["denials"]]) == (409, ["person_busy"])
    assert team.lab.printer_machine.name not in answer.content.decode()
    assert not Participant.objects.exists()


def test_whoever_comes_reads_it_and_lists_it_by_a_way_of_its_own(team: Team) -> None:
    made = team.post(team.holder, team.bo).json()["reference"]
    bo = team.client_of(team.bo)

    one = bo.get(f"{URL}{made}/")
    lists = [bo.get(URL, query) for query in ({}, {"takes_part": "true"})]
    own, taking_part = ([row["reference"] for row in answer.json()["results"]] for answer in lists)

    assert one.json()["participants"] == shown(team.holder, team.bo)
    assert one.json()["holder"] == {"reference": team.holder.reference, "name": team.holder.first_name}
    assert (own, taking_part) == ([], [made])
    for answer in (one, *lists):
        assert "Hidden" not in answer.content.decode()


def test_holder_and_the_team_of_the_place_read_the_whole_name(team: Team) -> None:
    made = team.post(team.holder, team.bo).json()["reference"]
    readers = [team.holder, team.lab.people["mediator"], team.lab.people["elsewhere"]]
    TeamMembership.objects.create(team=team.team, person=readers[-1], is_organiser=True)

    names = [team.client_of(reader).get(f"{URL}{made}/").json()["holder"]["name"] for reader in readers]

    assert names == [str(team.holder), str(team.holder), team.holder.first_name]


def test_whoever_comes_neither_cancels_nor_moves(team: Team) -> None:
    made = team.post(team.holder, team.bo).json()["reference"]
    bo, (start, end) = team.client_of(team.bo), slot(4, 10)

    answers = [
        bo.post(f"{URL}{made}/cancel/"),
        bo.patch(f"{URL}{made}/", {"start": start, "end": end}, content_type=JSON),
        bo.post(f"{URL}{made}/check-in/"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 409]
