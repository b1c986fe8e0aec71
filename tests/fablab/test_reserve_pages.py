"""What a page offers is what is booked, to the instant; a look that is refused counts and helps like a refusal."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from machines.models import Attendance
from reservations.models import Refusal, Reservation
from tests.factories import make_category, make_machine, make_person, make_site, reserve

pytestmark = pytest.mark.django_db
PARIS = ZoneInfo("Europe/Paris")
BACKEND = "people.sign_in_backends.PersonBackend"


def signed_in(client: Client):
    person = make_person()
    client.force_login(person, backend=BACKEND)
    return person


def unattended(**settings):
    category = make_category(attendance=Attendance.START, longest=dt.timedelta(hours=48), **settings)
    return make_machine(site=make_site(), category=category)


@pytest.mark.parametrize(
    ("now", "day", "minutes"),
    [
        pytest.param("2026-10-24 12:00", "2026-10-24", 480, id="over the autumn change"),
        pytest.param("2026-03-28 12:00", "2026-03-28", 480, id="over the spring change"),
        pytest.param("2026-06-10 12:00", "2026-06-10", 2880, id="two days"),
        pytest.param("2026-06-10 12:00", "2026-06-10", 1440, id="one whole day"),
    ],
)
def test_offered_length_is_the_length_that_is_booked(client: Client, now: str, day: str, minutes: int):
    machine = unattended()
    with time_machine.travel(dt.datetime.fromisoformat(now).replace(tzinfo=PARIS), tick=False):
        signed_in(client)
        page = client.get(f"/reserve/?machine={machine.slug}&minutes={minutes}&day={day}&all=1")
        offered = page.context["starts"][len(page.context["starts"]) // 2].interval
        link = next(
            line.split('href="')[1].split('"')[0].replace("&amp;", "&")
            for line in page.content.decode().split("<a ")
            if f"start_at={offered.start:%Y-%m-%dT%H:%M:%SZ}" in line
        )
        confirm = client.get(link)
        form = {"machine": machine.slug, "day": day, "start": "00:00", "end": "00:00"}
        instants = {"start_at": f"{confirm.context['start']:%Y-%m-%dT%H:%M:%SZ}",
                    "end_at": f"{confirm.context['end']:%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip

        client.post("/reserve/confirm/", form | instants)

    booked = Reservation.objects.get()
    assert (booked.start, booked.end - booked.start) == (offered.start, dt.timedelta(minutes=minutes))


def test_refused_look_is_recorded_once_and_offers_alternatives(client: Client):
    machine = unattended()
    day = dt.datetime.now(PARIS).date() + dt.timedelta(days=1)
    start = dt.datetime.combine(day, dt.time(10), PARIS)
    reserve(machine=machine, start=start, end=start + dt.timedelta(hours=1), holder=make_person(), now=start)
    signed_in(client)
    address = f"/reserve/confirm/?machine={machine.slug}&day={day}&start=10:00&end=11:00"

    answers = [client.get(address) for _look in range(2)]

    assert [row.codes for row in Refusal.objects.all()] == [["taken"]]
    assert len(answers[0].context["alternatives"]) == 3


def test_year_beyond_the_calendar_is_a_mistake_of_the_form(client: Client):
    machine = unattended()
    signed_in(client)

    answer = client.get(
        f"/reserve/confirm/?machine={machine.slug}&day=2026-06-10&start=10:00&end=11:00"
        "&start_at=9999-12-31T10:00:00Z&end_at=9999-12-31T11:00:00Z"
    )

    assert answer.status_code == 400


def test_expired_session_keeps_what_was_chosen(client: Client):
    machine = unattended()
    chosen = {"machine": machine.slug, "day": "2026-06-10", "start": "10:00", "end": "11:00"}

    answer = client.post("/reserve/confirm/", chosen)

    assert answer.url.startswith("/accounts/login/?next=/reserve/confirm/%3F")
    assert all(word in answer.url for word in (machine.slug, "2026-06-10", "10%253A00"))


def test_confirm_without_a_machine_leads_to_the_machines(client: Client):
    make_site()

    assert client.get("/reserve/confirm/").url == "/reserve/"


@pytest.mark.parametrize(
    ("attendance", "end", "status"),
    [
        pytest.param(Attendance.THROUGHOUT, "09:00", 400, id="an end before the start is a slip"),
        pytest.param(Attendance.START, "09:00", 200, id="a machine that runs alone may run over night"),
        pytest.param(Attendance.START, "10:00", 400, id="an end that is the start"),
    ],
)
def test_end_before_start(client: Client, attendance: str, end: str, status: int):
    category = make_category(attendance=attendance, longest=dt.timedelta(hours=48))
    machine = make_machine(site=make_site(), category=category)
    day = dt.datetime.now(PARIS).date() + dt.timedelta(days=1)
    signed_in(client)

    answer = client.get(f"/reserve/confirm/?machine={machine.slug}&day={day}&start=10:00&end={end}")

    assert answer.status_code == status


def test_live_part_is_never_taken_for_the_page(client: Client):
    machine = unattended()

    page = client.get(f"/machines/{machine.slug}/")
    part = client.get(f"/machines/{machine.slug}/", HTTP_HX_REQUEST="true")

    assert ("HX-Request" in page["Vary"], part["Cache-Control"]) == (True, "no-store")


def test_expired_form_says_so_in_our_own_words():
    client = Client(enforce_csrf_checks=True)

    answer = client.post("/language/", {"language": "en"}, HTTP_ACCEPT_LANGUAGE="en")

    assert answer.status_code == 403
    assert b"This page has expired" in answer.content


def test_running_reservation_may_be_extended_from_its_page(client: Client):
    machine = unattended()
    now = dt.datetime.now(dt.UTC)
    start = now.replace(minute=0, second=0, microsecond=0)
    person = signed_in(client)
    found = reserve(machine=machine, start=start, end=start + dt.timedelta(hours=2), holder=person, now=start)
    client.post(f"/reservations/{found.reference}/check-in/")
    page = client.get(f"/reservations/{found.reference}/")
    longer = page.context["longer"]
    form = {"machine": machine.slug, "moving": found.reference, "day": "2026-06-10", "start": "00:00", "end": "00:30"}
    instants = {"start_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end_at": f"{longer:%Y-%m-%dT%H:%M:%SZ}"}

    client.post("/reserve/confirm/", form | instants)

    found.refresh_from_db()
    assert found.end == start + dt.timedelta(hours=2, minutes=30)


def test_part_that_leads_to_the_sign_in_asks_for_the_whole_page(client: Client) -> None:
    make_site()
    part = client.get("/me/", headers={"HX-Request": "true"})

    assert (part.status_code, part.headers["HX-Refresh"], part.content) == (401, "true", b"")
    assert client.get("/me/").status_code == 302
