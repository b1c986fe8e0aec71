"""Reserving by API: what a refusal says, what nonsense is answered, in which language, page by page."""

import pytest
from django.test import Client

from machines.models import Category, Machine
from reservations.models import Reservation
from tests.api.lab import Lab, api_client, make_token, slot
from tests.factories import make_machine, make_qualification, suspend

JSON = "application/json"
URL = "/api/v1/reservations/"


def wish(lab: Lab, days: int = 3, hour: int = 10, **more: object) -> dict[str, object]:
    start, end = slot(days, hour)
    return {"machine": lab.laser.slug, "start": start, "end": end} | more


def post(client: Client, data: object, **headers: str):
    return client.post(URL, data, content_type=JSON, headers=headers)


def test_reservation_is_answered_whole(lab: Lab, program: Client) -> None:
    response = post(program, wish(lab, note="a lamp"))

    made = Reservation.objects.get(note="a lamp")
    holder = lab.people["holder"]
    assert response.status_code == 201
    assert response.json() | {"start": "", "end": ""} == {
        "reference": made.reference, "machine": lab.laser.slug, "title": "", "start": "", "end": "",
        "status": "confirmed", "note": "a lamp", "project": None,
        "holder": {"reference": holder.reference, "name": str(holder)},
        "participants": [{"reference": holder.reference, "name": holder.first_name}],
        "checked_in_at": None, "finished_at": None,
    }  # fmt: skip
    assert made.origin == "api"


def test_any_of_a_model_takes_the_next_one(lab: Lab, program: Client, rival: Client) -> None:
    twin = make_machine(site=lab.site, category=lab.laser.category, model_name="L60", used_s=60)
    Machine.objects.filter(pk=lab.laser.pk).update(model_name="L60")

    made = [post(client, wish(lab, any_of_model=True)).json()["machine"] for client in (program, rival)]

    assert made == [lab.laser.slug, twin.slug]


def test_taken_time_is_refused_with_code_sentence_and_alternatives(lab: Lab, program: Client, rival: Client) -> None:
    post(program, wish(lab))

    response = post(rival, wish(lab))

    refusal = response.json()
    assert response.status_code == 409
    assert [denial["code"] for denial in refusal["denials"]] == ["taken"]
    assert all(denial["message"] for denial in refusal["denials"])
    assert len(refusal["alternatives"]) == 3
    assert {frozenset(a) for a in refusal["alternatives"]} == {frozenset({"machine", "start", "end"})}


def test_every_alternative_can_be_reserved(lab: Lab, program: Client, rival: Client) -> None:
    post(program, wish(lab))
    alternatives = post(rival, wish(lab)).json()["alternatives"]

    statuses = []
    for alternative in alternatives:
        made = post(rival, alternative)
        statuses.append(made.status_code)
        rival.post(f"{URL}{made.json()['reference']}/cancel/")

    assert statuses == [201, 201, 201]


def test_refusal_tells_every_reason_and_its_next_step(lab: Lab, program: Client) -> None:
    Category.objects.filter(pk=lab.laser.category_id).update(qualification=make_qualification())
    suspend(person=lab.people["holder"])

    refusal = post(program, wish(lab)).json()

    assert {denial["code"] for denial in refusal["denials"]} == {"qualification_missing", "suspended"}
    assert all(denial["next_step"] for denial in refusal["denials"])
    assert refusal["alternatives"] == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_refusal_is_told_in_the_readers_language(lab: Lab, program: Client, language: str) -> None:
    post(program, wish(lab))
    key = make_token(lab.people["other"], "reserve")[1]

    response = post(api_client(key, language), wish(lab))

    assert response.headers["Content-Language"] == language
    assert response.json()["denials"][0]["code"] == "taken"


START, END = slot()
NONSENSE = {
    "nothing": ({}, {"machine", "start", "end"}),
    "a list": ([1, 2], set()),
    "no instant": ({"start": "tomorrow", "end": END}, {"start"}),
    "year 1": ({"start": "0001-01-01T00:00:00Z", "end": END}, {"start"}),
    "year 1, east of Greenwich": ({"start": "0001-01-01T00:00:00+14:00", "end": END}, {"start"}),
    "year 9999": ({"start": START, "end": "9999-12-31T23:59:59-14:00"}, {"end"}),
    "year 9999, a week before the end": ({"start": "9999-12-20T00:00:00Z", "end": "9999-12-24T00:00:00Z"},
                                         {"start", "end"}),
    "a number": ({"start": 1e30, "end": 10**40}, {"start", "end"}),
    "end before start": ({"start": END, "end": START}, {"end"}),
    "no time at all": ({"start": START, "end": START}, {"end"}),
    "long note": ({"start": START, "end": END, "note": "x" * 201}, {"note"}),
    "NUL": ({"start": START, "end": END, "note": "a\x00b"}, {"note"}),
    "lone surrogate": ({"start": START, "end": END, "note": "\ud800"}, {"note"}),
    "somebody unknown": ({"start": START, "end": END, "project": "no-such-team"}, {"project"}),
}  # fmt: skip


@pytest.mark.parametrize(("data", "fields"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_answered_400_by_field(lab: Lab, program: Client, data: object, fields: set[str]) -> None:
    if isinstance(data, dict) and data:
        data = {"machine": lab.laser.slug} | data

    response = post(program, data)

    problem = response.json()
    assert (response.status_code, set(problem)) == (400, fields or {"non_field_errors"})
    assert all(sentences for sentences in problem.values())


@pytest.mark.parametrize(
    "query",
    [
        "start=0001-01-01T00:00:00Z", "end=9999-12-31T23:59:59Z", "start=yesterday",
        "start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z", "start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z",
    ],
    ids=["year 1", "year 9999", "a word", "a year long", "backwards"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["reservations/", "calendar/", "availability/"])
def test_impossible_window_is_answered_400(program: Client, path: str, query: str) -> None:
    response = program.get(f"/api/v1/{path}?{query}")

    assert response.status_code == 400


@pytest.mark.parametrize("duration", ["P99999999999999D", "PT0S", "-PT1H", "soon", "PT1E9H", "9" * 400])
def test_impossible_length_is_answered_400(program: Client, duration: str) -> None:
    response = program.get("/api/v1/availability/", {"duration": duration})

    assert (response.status_code, set(response.json())) == (400, {"duration"})


@pytest.mark.parametrize(
    "path",
    [
        "reservations/?machine=%00", "reservations/?status=%00", "machines/?category=%00",
        "usage-sessions/?machine=%00",
        "availability/?category=%00", "machines/?page_size=-1", "machines/?page_size=99999999999999999999",
        "machines/?page_size=x",
    ],
)  # fmt: skip
def test_odd_filter_finds_nothing_or_everything_but_never_fails(program: Client, path: str) -> None:
    assert program.get(f"/api/v1/{path}").status_code == 200


@pytest.mark.parametrize("path", ["/?q=%00", "/machines/?q=%00&category=%00", "/manage/reservations/?day=0001-01-01",
                                  "/manage/reservations/?day=9999-12-31", "/manage/devices/?machine=%00",
                                  "/reserve/?machine=%00"])  # fmt: skip
def test_odd_address_of_a_page_never_fails(lab: Lab, path: str) -> None:
    assert lab.client("manager").get(path).status_code in (200, 404)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1999-12-31", "2201-01-01"])
def test_confirming_an_impossible_day_is_answered_400(lab: Lab, day: str) -> None:
    query = {"machine": lab.laser.slug, "day": day, "start": "23:00", "end": "01:00"}

    assert lab.client("holder").get("/reserve/confirm/", query).status_code == 400


def test_pages_by_cursor_give_each_reservation_once(lab: Lab, program: Client) -> None:
    for hour in range(8, 20, 2):
        post(program, wish(lab, hour=hour))
    references, url = [], f"{URL}?page_size=3"

    while url:
        page = program.get(url).json()
        references += [row["reference"] for row in page["results"]]
        url = page["next"]

    mine = Reservation.objects.filter(holder=lab.people["holder"]).order_by("start")
    assert references == [row.reference for row in mine]
    assert len(references) == 8


# “p=not a date”, a position in a list that is sorted by dates; then bytes that are no cursor at all.
@pytest.mark.parametrize("cursor", ["cD1ub3QgYSBkYXRl", "%FF%FE", "x"], ids=["foreign place", "bytes", "short"])
def test_cursor_that_is_none_of_ours_never_fails(program: Client, cursor: str) -> None:
    assert program.get(f"{URL}?cursor={cursor}").status_code in (200, 404)


def test_moving_to_taken_time_is_refused_and_keeps_the_old(lab: Lab, program: Client, rival: Client) -> None:
    post(rival, wish(lab))
    start, end = slot()

    response = program.patch(f"{URL}{lab.coming.reference}/", {"start": start, "end": end}, content_type=JSON)

    lab.coming.refresh_from_db()
    assert (response.status_code, response.json()["denials"][0]["code"]) == (409, "taken")
    assert lab.coming.start.isoformat() != start


def test_acting_in_the_wrong_state_is_refused_with_its_code(lab: Lab, program: Client) -> None:
    response = program.post(f"{URL}{lab.coming.reference}/check-in/")

    (denial,) = response.json()["denials"]
    assert (response.status_code, denial["code"], bool(denial["message"])) == (409, "too_early", True)
