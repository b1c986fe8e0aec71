"""`Idempotency-Key`: the same request again is the same answer, and done once."""

import datetime as dt
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from people.idempotency import ABANDONED_AFTER
from people.models import IdempotentRequest
from printing.models import PrintJob
from reservations.models import Reservation
from tests.api.lab import Lab, slot

JSON = "application/json"
KEY = {"idempotency-key": "key-1"}


def wish(lab: Lab, hour: int = 10, **more: str) -> dict[str, str]:
    start, end = slot(3, hour)
    return {"machine": lab.laser.slug, "start": start, "end": end, "note": "once"} | more


def post(client: Client, data: dict[str, str], **headers: str):
    return client.post("/api/v1/reservations/", data, content_type=JSON, headers=headers or KEY)


def made() -> int:
    return Reservation.objects.filter(note="once").count()


def test_same_key_gives_the_same_answer_and_one_reservation(lab: Lab, program: Client) -> None:
    first, again = post(program, wish(lab)), post(program, wish(lab))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert made() == 1


def test_order_of_fields_does_not_make_another_request(lab: Lab, program: Client) -> None:
    data = wish(lab)
    first = post(program, data)

    again = post(program, dict(reversed(data.items())))

    assert again.json() == first.json()


def test_refusal_is_kept_too(lab: Lab, program: Client, rival: Client) -> None:
    post(rival, wish(lab))
    first = post(program, wish(lab))
    Reservation.objects.get(note="once").held_units.all().delete()

    again = post(program, wish(lab))

    assert (first.status_code, again.status_code) == (409, 409)
    assert first.json() == again.json()


def test_key_with_another_body_is_422(lab: Lab, program: Client) -> None:
    post(program, wish(lab))

    response = post(program, wish(lab, hour=14))

    assert (response.status_code, response.json()["code"]) == (422, "key_reused")
    assert made() == 1


def test_key_of_another_person_is_another_key(lab: Lab, program: Client, rival: Client) -> None:
    post(program, wish(lab))

    assert post(rival, wish(lab, hour=14)).status_code == 201


def test_nonsense_is_not_kept(lab: Lab, program: Client) -> None:
    response = post(program, wish(lab, end="soon"))

    assert response.status_code == 400
    assert post(program, wish(lab)).status_code == 201


def test_answer_500_is_not_kept(lab: Lab, program: Client, refused_by_database) -> None:
    program.raise_request_exception = False
    refused_by_database("reservations_reservation", "note = 'once'")
    failed = post(program, wish(lab))
    refused_by_database.lift()

    again = post(program, wish(lab))

    assert (failed.status_code, again.status_code) == (500, 201)


@pytest.fixture
def refused_by_database(db: None):
    """The database refuses such rows until `lift`: a failure that no code of ours expects."""
    from django.db import connection

    class Refuse:
        table = ""

        def __call__(self, table: str, condition: str) -> None:
            self.table = table
            self._run(f"ALTER TABLE {table} ADD CONSTRAINT refused_in_a_test CHECK (NOT ({condition}))")

        def lift(self) -> None:
            self._run(f"ALTER TABLE {self.table} DROP CONSTRAINT refused_in_a_test")

        @staticmethod
        def _run(statement: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute(statement)

    return Refuse()


def start_and_die(lab: Lab, program: Client, age: dt.timedelta) -> None:
    """As if the process had ended before it answered: nothing is removed, so what it made is put out of the way."""
    post(program, wish(lab))
    Reservation.objects.filter(note="once").update(note="", status="cancelled", cancelled_at=timezone.now())
    IdempotentRequest.objects.update(status_code=None, body=b"", created_at=timezone.now() - age)


def test_request_still_under_way_is_409(lab: Lab, program: Client) -> None:
    start_and_die(lab, program, dt.timedelta(seconds=5))

    response = post(program, wish(lab))

    assert (response.status_code, response.json()["code"]) == (409, "request_in_progress")
    assert made() == 0


def test_request_that_nobody_answers_any_more_is_done_by_the_next(lab: Lab, program: Client) -> None:
    start_and_die(lab, program, ABANDONED_AFTER + dt.timedelta(seconds=1))

    assert post(program, wish(lab)).status_code == 201
    assert made() == 1


def upload(client: Client, lab: Lab, text: str = "G28\nG1 X1 E1\n", **headers: str):
    file = SimpleUploadedFile("cube.gcode", text.encode())
    data = {"machine": lab.printer_machine.slug, "file": file}
    return client.post("/api/v1/print-jobs/", data, headers=headers)


def test_file_sent_twice_under_one_key_is_one_job(lab: Lab, program: Client) -> None:
    first, again = upload(program, lab, **KEY), upload(program, lab, **KEY)

    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert first.json() == again.json()
    assert PrintJob.objects.count() == 2  # the lab's own, and this one


def test_another_file_under_the_same_key_is_422(lab: Lab, program: Client) -> None:
    upload(program, lab, **KEY)

    assert upload(program, lab, "G28\nG1 X2 E1\n", **KEY).status_code == 422


def test_large_file_may_carry_a_key(lab: Lab, program: Client) -> None:
    text = "G1 X1 E1\n" * 300_000

    assert upload(program, lab, text, **KEY).status_code == 201


def test_file_sent_from_a_page_may_carry_a_key(lab: Lab) -> None:
    client = lab.client("holder")

    response = upload(client, lab, **KEY)

    assert response.status_code == 201, response.content


def test_kept_answer_is_json(lab: Lab, program: Client) -> None:
    post(program, wish(lab))

    again = post(program, wish(lab))

    assert again.headers["Content-Type"] == JSON
    assert json.loads(again.content)["note"] == "once"
