"""Access at a machine, for those who run it: what it asks for, who had it, and whom it refused."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from iot.forms_access import access_words
from iot.models import AccessAttempt, AccessSession, MachineAccess
from machines.models import Machine
from people.models import FileAccess
from tests.api.lab import Lab, make_lab
from tests.factories import make_person, minutes

pytestmark = pytest.mark.django_db
FORM = {
    "walk_up_0": "30", "walk_up_1": "min", "needs_button": "on", "warn_before_0": "5", "warn_before_1": "min",
    "idle_off_after_0": "20", "idle_off_after_1": "min",
}  # fmt: skip


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def settings_of(lab: Lab) -> str:
    return reverse("settings-access", args=[lab.laser.slug])


def test_what_a_machine_asks_for_is_saved(lab: Lab) -> None:
    lab.client("manager").post(settings_of(lab), FORM)

    access = MachineAccess.objects.get(machine=lab.laser)
    assert (access.walk_up, access.needs_button, access.idle_off_after) == (minutes(30), True, minutes(20))
    assert not access.may_start_offline


def test_walk_up_of_nothing_is_kept_as_nothing(lab: Lab) -> None:
    lab.client("manager").post(settings_of(lab), FORM | {"walk_up_0": "0"})

    assert MachineAccess.objects.get(machine=lab.laser).walk_up == dt.timedelta(0)


def test_preview_says_what_it_would_mean_and_saves_nothing(lab: Lab) -> None:
    response = lab.client("manager").post(settings_of(lab), FORM | {"preview": "1"})

    shown = response.content.decode()
    assert "not saved yet" in shown
    assert "Power comes once the button beside it is pressed" in shown
    assert not MachineAccess.objects.exists()


def test_form_that_makes_no_sense_comes_back(lab: Lab) -> None:
    response = lab.client("manager").post(settings_of(lab), FORM | {"idle_off_after_0": "0"})

    assert response.status_code == 400
    assert not MachineAccess.objects.exists()


WORDS = {
    "as it comes": ({}, 0, "up to 1 h"),
    "only with a reservation": ({"walk_up": dt.timedelta(0)}, 0, "Without a reservation nobody is let in."),
    "at once": ({}, 0, "Then power comes at once."),
    "two people": ({"needs_two_people": True}, 0, "a second person"),
    "never goes off by itself": ({}, 0, "It stays on until the end"),
    "off when idle": ({"idle_off_after": minutes(20)}, 0, "idle for 20 min"),
    "checked": ({"is_checked_after": True}, 0, "until somebody of the team has looked at it"),
    "out of reach": ({}, 0, "those with a reservation are let in for a day"),
    "out of reach, as set": ({"may_start_offline": False}, 0, "While the lab is out of reach nobody is let in."),
    "out of reach, two people": ({"needs_two_people": True}, 0, "While the lab is out of reach nobody is let in."),
    "out of reach, dangerous": ({}, 2, "too dangerous for that"),
}


@pytest.mark.parametrize(("fields", "risk", "sentence"), WORDS.values(), ids=WORDS)
def test_every_setting_is_told_as_what_happens(lab: Lab, fields: dict[str, Any], risk: int, sentence: str) -> None:
    lab.laser.risk_level = risk

    with translation.override("en"):
        told = " ".join(access_words(MachineAccess(machine=lab.laser, **fields), lab.laser))

    assert sentence in told.replace("\u00a0", " ")


def had_it(machine: Machine, person: Any, start_min: float, **fields: Any) -> AccessSession:
    start = timezone.now() - minutes(start_min)
    made: dict[str, Any] = {
        "state": "ended", "ended_at": start + minutes(30), "stop_reason": "normal", "until": start + minutes(60),
    }  # fmt: skip
    return AccessSession.objects.create(machine=machine, person=person, allowed_at=start, **(made | fields))


def list_of(lab: Lab, query: str = "", role: str = "supervisor") -> str:
    return lab.client(role).get(reverse("manage-access", args=[lab.laser.slug]) + query).content.decode()


def test_list_says_who_had_it_why_it_ended_and_who_took_over(lab: Lab) -> None:
    ana, ben = make_person(first_name="Ana"), make_person(first_name="Ben")
    before = had_it(lab.laser, ana, 300, stop_reason="takeover")
    had_it(lab.laser, ben, 270, took_over=before, stop_reason="booking_end")
    had_it(lab.laser, lab.people["supervisor"], 100, overridden=["closed"])

    shown = list_of(lab)

    assert f"Took it over from {ana}" in shown
    assert "end of the reservation" in shown
    assert "of the team, although: closed then" in shown


def test_search_finds_either_of_two_people(lab: Lab) -> None:
    ana, ben = make_person(first_name="Ana", last_name="Diaz"), make_person(first_name="Ben", last_name="Okoye")
    had_it(lab.laser, ana, 300, second_person=ben)
    had_it(lab.laser, make_person(), 100)

    found = lab.client("supervisor").get(reverse("manage-access", args=[lab.laser.slug]) + "?q=okoye").context["page"]

    assert [row.person for row in found] == [ana]


def test_refused_are_listed_with_the_reason_in_words(lab: Lab) -> None:
    AccessAttempt.objects.create(
        device=lab.device, request_id="r", kind="badge", at=timezone.now(), person=lab.people["holder"],
        codes=["qualification_missing"],
    )  # fmt: skip
    url = reverse("manage-access", args=[lab.printer_machine.slug])

    shown = lab.client("supervisor").get(url + "?refused=1").content.decode()

    assert "Quillfeather" in shown
    assert "not qualified" in shown


def test_table_has_no_cell_that_a_spreadsheet_runs_and_is_noted_in_the_files(lab: Lab) -> None:
    mallory = make_person(first_name="=HYPERLINK(1)", last_name="X")
    had_it(lab.laser, mallory, 60)

    response = lab.client("manager").get(reverse("manage-access-csv", args=[lab.laser.slug]))

    assert "'=HYPERLINK(1) X" in response.content.decode()
    assert ";=" not in response.content.decode()
    noted = FileAccess.objects.filter(person=mallory, by=lab.people["manager"])
    assert [row.deed for row in noted] == [FileAccess.Deed.EXPORTED]


def test_machine_page_names_who_has_it_for_the_team_only(lab: Lab) -> None:
    had_it(lab.laser, lab.people["holder"], 10, state="active", ended_at=None, stop_reason="")
    url = reverse("machine", args=[lab.laser.slug])

    assert "Quillfeather opened it at" in lab.client("supervisor").get(url).content.decode()
    assert "Quillfeather" not in lab.client("other").get(url).content.decode()
    assert "Quillfeather" not in lab.client("anonymous").get("/board/").content.decode()


def test_settings_of_the_machine_lead_to_its_access(lab: Lab) -> None:
    shown = lab.client("manager").get(reverse("settings-machine", args=[lab.laser.slug])).content.decode()

    assert settings_of(lab) in shown


@pytest.mark.parametrize("query", ["", "?refused=1"], ids=["who had it", "refused"])
def test_list_asks_as_much_for_many_as_for_one(lab: Lab, query: str) -> None:
    client, url = lab.client("manager"), reverse("manage-access", args=[lab.printer_machine.slug]) + query
    client.get(url)
    counts = []
    for part in (1, 30):
        for n in range(part):
            before = had_it(lab.printer_machine, make_person(), 60 * (n + 1), second_person=make_person())
            had_it(lab.printer_machine, make_person(), 60 * n + 30, took_over=before)
            AccessAttempt.objects.create(
                device=lab.device, request_id=f"{part}-{n}", kind="badge", at=timezone.now(), person=make_person()
            )
        with CaptureQueriesContext(connection) as asked:
            client.get(url)
        counts.append(len(asked))

    assert counts[0] == counts[1]
