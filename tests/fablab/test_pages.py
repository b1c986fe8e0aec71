"""What pages do: reserve in three taps, refuse with a way out, answer in the reader's language, let no script in."""

import pytest
from django.urls import reverse

from iot.models import EnrolmentCode
from printing.models import JobState, Printer
from reservations.models import Reservation, Status
from tests.api.lab import Lab, make_lab, slot
from tests.factories import PARIS

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def wish(lab: Lab, **more: str) -> dict[str, str]:
    return {"machine": lab.laser.slug, "day": slot()[0][:10], "start": "10:00", "end": "11:00"} | more


def test_visitor_reserves_and_sees_it_under_me(lab: Lab) -> None:
    client = lab.client("visitor")

    response = client.post("/reserve/confirm/", wish(lab, note="a lamp"), follow=True)

    made = Reservation.objects.get(note="a lamp")
    assert response.redirect_chain == [(made.get_absolute_url(), 302)]
    assert made.reference in client.get("/me/").content.decode()


def test_refused_page_is_409_with_the_reason_and_other_times(lab: Lab) -> None:
    lab.client("holder").post("/reserve/confirm/", wish(lab))

    response = lab.client("other").post("/reserve/confirm/", wish(lab))

    assert response.status_code == 409
    assert [str(denial.code) for denial in response.context["denials"]] == ["taken"]
    assert len(response.context["alternatives"]) == 3
    assert response.context["denials"][0].message in response.content.decode()


def test_last_look_warns_before_anything_is_written(lab: Lab) -> None:
    lab.client("holder").post("/reserve/confirm/", wish(lab))

    response = lab.client("other").get("/reserve/confirm/", wish(lab))

    assert response.status_code == 200
    assert [str(denial.code) for denial in response.context["denials"]] == ["taken"]
    assert Reservation.objects.count() == 3


def test_move_keeps_one_reservation(lab: Lab) -> None:
    client, before = lab.client("holder"), Reservation.objects.count()

    response = client.post("/reserve/confirm/", wish(lab, moving=lab.coming.reference))

    start = lab.coming.start
    lab.coming.refresh_from_db()
    assert response.status_code == 302
    assert lab.coming.start != start
    assert Reservation.objects.count() == before


def test_refused_move_keeps_the_old_time(lab: Lab) -> None:
    lab.client("other").post("/reserve/confirm/", wish(lab))
    start = lab.coming.start

    response = lab.client("holder").post("/reserve/confirm/", wish(lab, moving=lab.coming.reference))

    lab.coming.refresh_from_db()
    assert (response.status_code, lab.coming.start) == (409, start)


@pytest.mark.parametrize(
    ("reservation", "action", "status"),
    [("coming", "cancel", Status.CANCELLED), ("running", "finish", Status.COMPLETED),
     ("coming", "check-in", Status.CONFIRMED), ("running", "cancel", Status.IN_USE)],
    ids=["cancel", "finish", "too early to check in", "too late to cancel"],
)  # fmt: skip
def test_button_does_what_the_state_allows(lab: Lab, reservation: str, action: str, status: Status) -> None:
    row = getattr(lab, reservation)

    response = lab.client("holder").post(reverse("reservation-action", args=[row.reference, action]), follow=True)

    row.refresh_from_db()
    assert response.status_code == 200
    assert row.status == status


def test_buttons_shown_are_those_that_work(lab: Lab) -> None:
    client = lab.client("holder")

    running = client.get(lab.running.get_absolute_url()).context["may"]
    coming = client.get(lab.coming.get_absolute_url()).context["may"]

    assert {name for name, may in running.items() if may} == {"extend", "finish", "print"}
    assert {name for name, may in coming.items() if may} == {"cancel", "move", "print"}


@pytest.mark.parametrize("path", ["/machines/{machine}/", "/reservations/{reservation}/", "/prints/{job}/"])
def test_htmx_is_sent_the_live_part_only(lab: Lab, path: str) -> None:
    url = path.format(
        machine=lab.printer_machine.slug, reservation=lab.running.reference, job=lab.job.reference
    )  # fmt: skip

    part = lab.client("holder").get(url, headers={"hx-request": "true"})

    assert part.status_code == 200
    assert b"<html" not in part.content


@pytest.mark.parametrize(
    ("accept", "cookie", "language"),
    [("fr", "", "fr"), ("en", "", "en"), ("de", "", "fr"), ("en", "fr", "fr"), ("fr", "xx", "fr")],
    ids=["French browser", "English browser", "German browser", "chosen French", "unknown cookie"],
)
def test_page_speaks_the_readers_language(lab: Lab, accept: str, cookie: str, language: str) -> None:
    client = lab.client("anonymous")
    client.cookies["fablab_language"] = cookie

    response = client.get("/", headers={"accept-language": accept})

    assert response.headers["Content-Language"] == language
    assert f'lang="{language}"' in response.content.decode()
    assert {"Accept-Language", "Cookie"} <= set(response.headers["Vary"].split(", "))


@pytest.mark.parametrize("path", ["/", "/machines/", "/board/", "/api/docs/", "/accounts/login/", "/no-such-page"])
def test_no_foreign_or_inline_script_may_run(lab: Lab, path: str) -> None:
    response = lab.client("anonymous").get(path)

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert b" onclick=" not in response.content
    assert b" style=" not in response.content


def test_form_from_another_site_is_refused(lab: Lab) -> None:
    client = lab.client("holder")
    client.handler.enforce_csrf_checks = True

    response = client.post(reverse("reservation-action", args=[lab.coming.reference, "cancel"]))

    lab.coming.refresh_from_db()
    assert (response.status_code, lab.coming.status) == (403, Status.CONFIRMED)


def test_sign_in_never_sends_people_elsewhere(lab: Lab) -> None:
    response = lab.client("anonymous").post("/language/", {"language": "en", "next": "https://evil.example/"})

    assert response.headers["Location"] == "/"


def test_enrolment_code_is_shown_once(lab: Lab) -> None:
    client, url = lab.client("manager"), reverse("manage-device", args=[lab.device.slug])

    shown = client.post(reverse("manage-device-code", args=[lab.device.slug]), follow=True).context["code"]

    assert len(shown) == 11
    assert shown not in client.get(url).content.decode()
    assert EnrolmentCode.objects.get().created_by == lab.people["manager"]


def test_supervisor_sees_what_waits_and_clears_the_bed(lab: Lab) -> None:
    lab.job.state = JobState.FINISHED
    lab.job.save()
    client = lab.client("supervisor")

    titles = [need.title for need in client.get("/manage/").context["needs"]]
    client.post(reverse("manage-bed-clear", args=[lab.printer_machine.slug]))

    assert titles == ["Prusa: a print waits on the bed"]
    assert Printer.objects.get().is_bed_clear


def test_overview_counts_the_week(lab: Lab) -> None:
    week = lab.client("manager").get("/manage/").context["week"]

    assert (week.busy_h, week.reserved_h, week.refused, week.energy_kwh) == (2, 1, 0, 0.0125)


def test_manager_reads_any_day(lab: Lab) -> None:
    day = lab.coming.start.astimezone(PARIS).date().isoformat()

    rows = lab.client("manager").get(f"/manage/reservations/?day={day}").context["rows"]

    assert rows == [lab.coming]
