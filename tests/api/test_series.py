"""Many dates by API: made, rehearsed, moved, cancelled; what is refused is told date by date."""

import datetime as dt

import pytest
from django.test import Client

from machines.models import Machine
from reservations.models import Reservation, Status
from tests.api.lab import Lab, slot

JSON = "application/json"
URL = "/api/v1/series/"


@pytest.fixture(autouse=True)
def _long_window(lab: Lab) -> None:
    Machine.objects.filter(pk=lab.laser.pk).update(window=dt.timedelta(days=90))


def wish(lab: Lab, **more: object) -> dict[str, object]:
    start, end = slot(3, 10)
    return {"machine": lab.laser.slug, "start": start, "end": end, "rule": "FREQ=WEEKLY;COUNT=3"} | more


def post(client: Client, data: object, url: str = URL, **headers: str):
    return client.post(url, data, content_type=JSON, headers=headers)


def take(lab: Lab, rival: Client, days: int) -> None:
    start, end = slot(days, 10)
    made = post(rival, {"machine": lab.laser.slug, "start": start, "end": end}, "/api/v1/reservations/")
    assert made.status_code == 201


def test_series_is_made_once_for_one_key(lab: Lab, program: Client) -> None:
    answers = [post(program, wish(lab), **{"idempotency-key": "weekly-1"}) for _again in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(answers[0].json()["made"]) == 3
    assert Reservation.objects.filter(series__isnull=False).count() == 3


def test_conflict_refuses_all_or_is_left_out(lab: Lab, program: Client, rival: Client) -> None:
    take(lab, rival, 10)

    refused = post(program, wish(lab))
    skipped = post(program, wish(lab, on_conflict="skip_conflicts"))

    assert (refused.status_code, refused.json()["made"]) == (409, [])
    assert [reason["code"] for reason in refused.json()["refused"][0]["denials"]] == ["taken"]
    assert (skipped.status_code, len(skipped.json()["made"]), len(skipped.json()["refused"])) == (201, 2, 1)


def test_rehearsal_makes_nothing(lab: Lab, program: Client) -> None:
    answer = post(program, wish(lab, is_rehearsal=True))

    assert (answer.status_code, answer.json()["series"], len(answer.json()["made"])) == (200, None, 3)
    assert {date["reference"] for date in answer.json()["made"]} == {""}
    assert not Reservation.objects.filter(series__isnull=False).exists()


@pytest.mark.parametrize(
    "rule",
    ["FREQ=WEEKLY", "FREQ=SECONDLY;COUNT=3", "FREQ=DAILY;COUNT=61", "FREQ=DAILY;INTERVAL=0;COUNT=3", "often",
     "FREQ=MONTHLY;BYMONTHDAY=99;COUNT=2", "FREQ=WEEKLY;UNTIL=never", "FREQ=DAILY;COUNT=99999999999"],
)  # fmt: skip
def test_rule_that_makes_no_sense_is_a_field_error(lab: Lab, program: Client, rule: str) -> None:
    answer = post(program, wish(lab, rule=rule))

    assert answer.status_code == 400
    assert "rule" in answer.json()


def test_following_dates_are_moved_and_cancelled(lab: Lab, program: Client) -> None:
    made = post(program, wish(lab)).json()["made"]
    start, end = slot(10, 13)

    moved = post(program, {"scope": "following", "start": start, "end": end},
                 f"/api/v1/reservations/{made[1]['reference']}/move-dates/")  # fmt: skip
    cancelled = post(program, {"scope": "all"}, f"/api/v1/reservations/{made[2]['reference']}/cancel-dates/")

    assert (moved.status_code, len(moved.json()["made"])) == (200, 2)
    assert (cancelled.status_code, len(cancelled.json()["made"])) == (200, 2)
    assert Reservation.objects.filter(series__isnull=False, status=Status.CONFIRMED).count() == 1
