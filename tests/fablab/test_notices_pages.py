"""What people were told on their own page, how they want to be told, and what the desk tells by telephone."""

import datetime as dt
import os
import stat
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fablab.today_sheets import make_sheets, sheets_folder
from people.erasure import erase_person
from people.exports import export_of
from people.models import Delivery, FileAccess, Notice, NoticePreference, Person
from people.notices import tell
from people.notices.inbox import pass_over, unread_count
from reservations.group import reserve_group
from reservations.models import Reservation
from tests.api.lab import Lab, make_lab
from tests.factories import make_machine, make_person, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CONSOLE = "django.core.mail.backends.console.EmailBackend"


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def told(
    lab: Lab, person: Person, kind: str = "reservation_cancelled", *, what: str = "Laser", days: float = 2
) -> Notice:
    now = timezone.now()
    start = now + dt.timedelta(days=days)
    params = {"what": what, "zone": "UTC", "start": start.isoformat(), "end": (start + minutes(60)).isoformat()}
    key = f"test:{Notice.objects.count()}"
    notice = tell(person=person, kind=kind, key=key, params=params, now=now, site=lab.site, link="/me/")
    assert notice is not None
    return notice


def page(client: Client, name: str) -> str:
    response = client.get(reverse(name))
    assert response.status_code == 200
    return response.content.decode()


def test_messages_are_read_by_being_shown(lab: Lab) -> None:
    holder, client = lab.people["holder"], lab.client("holder")
    told(lab, holder)

    before, first, second = page(client, "me"), page(client, "me-messages"), page(client, "me-messages")

    assert "1 new message<" in before
    assert "One message is new" in first
    assert "1 new message<" not in first
    assert "Nothing new" in second
    assert "Your reservation of Laser" in second


def test_nobody_reads_the_messages_of_another(lab: Lab) -> None:
    told(lab, lab.people["holder"])

    text = page(lab.client("other"), "me-messages")

    assert "Laser" not in text
    assert unread_count(person=lab.people["holder"], now=timezone.now()) == 1


def test_reminder_that_is_over_is_not_shown_and_not_counted(lab: Lab) -> None:
    holder = lab.people["holder"]
    told(lab, holder, "reminder_start", what="Router", days=-1)

    passed = pass_over(now=timezone.now())

    assert passed == 1
    assert unread_count(person=holder, now=timezone.now()) == 0
    assert "Router" not in page(lab.client("holder"), "me-messages")


def test_choice_is_kept_where_it_differs_from_the_usual(lab: Lab) -> None:
    client, url = lab.client("holder"), reverse("me-notices")

    client.post(url, {"email": ["reminder_end", "reminder_start"]})
    chosen = dict(NoticePreference.objects.values_list("kind", "is_wanted"))
    client.post(url, {"email": ["reminder_start"]})

    assert chosen["reminder_end"] is True
    assert chosen["reservation_moved"] is False
    assert "reminder_start" not in chosen
    assert not NoticePreference.objects.filter(kind="reminder_end").exists()
    assert "request_waiting" not in chosen


def test_lab_without_mail_says_so_and_keeps_no_choice(lab: Lab, settings) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    client = lab.client("holder")

    text = page(client, "me-notices")
    client.post(reverse("me-notices"), {})

    assert "This lab sends no e-mail." in text
    assert "Keep this choice" not in text
    assert not NoticePreference.objects.exists()


def test_who_gave_no_address_is_told_how_to(lab: Lab) -> None:
    assert "Give it to the team" in page(lab.client("other"), "me-notices")


def test_only_the_team_chooses_what_the_team_is_told(lab: Lab) -> None:
    word = "Requests that wait for your answer"

    assert word in page(lab.client("supervisor"), "me-notices")
    assert word not in page(lab.client("holder"), "me-notices")


# --- the desk ---------------------------------------------------------------------------------------------------


@pytest.fixture
def call(lab: Lab) -> Delivery:
    person = make_person(first_name="Odette", last_name="Brun", phone="02 99 11 22 33")
    return told(lab, person).deliveries.get(channel="call")


def test_desk_sees_whom_to_tell_what_and_that_is_noted(lab: Lab, call: Delivery) -> None:
    text = page(lab.client("mediator"), "desk-calls")

    assert "Odette Brun" in text
    assert "02 99 11 22 33" in text
    assert "Your reservation of Laser" in text
    assert FileAccess.objects.filter(person=call.notice.person, by=lab.people["mediator"]).exists()


def test_told_leaves_the_list_and_no_answer_stays(lab: Lab, call: Delivery) -> None:
    client = lab.client("mediator")

    client.post(reverse("desk-call", args=[call.pk, "not-reached"]))
    still = page(client, "desk-calls")
    answered = client.post(reverse("desk-call", args=[call.pk, "told"]), follow=True).content.decode()
    after = page(client, "desk-calls")

    call.refresh_from_db()
    assert "called once, no answer" in still
    assert "Odette Brun knows" in answered
    assert (call.status, call.done_by, call.attempts) == ("called", lab.people["mediator"], 2)
    assert "Odette" not in after


def test_other_sites_calls_are_not_there(lab: Lab, call: Delivery) -> None:
    client = lab.client("elsewhere")

    response = client.post(reverse("desk-call", args=[call.pk, "told"]))

    call.refresh_from_db()
    assert response.status_code == 404
    assert call.status == "to_call"
    assert "Odette" not in page(client, "desk-calls")


# --- today's sheet ----------------------------------------------------------------------------------------------


@pytest.fixture
def sheet_words(monkeypatch) -> list[dict]:
    """What reached typst, beside the real document."""
    from fablab.documents import today

    seen, real = [], today.typst_pdf

    def keep(template, data, **rest):
        seen.append(data)
        return real(template, data, **rest)

    monkeypatch.setattr(today, "typst_pdf", keep)
    return seen


def test_sheet_says_who_comes_when_and_their_number(lab: Lab, sheet_words: list[dict]) -> None:
    response = lab.client("mediator").get(reverse("desk-today"))

    parts = {part["name"]: part["rows"] for day in sheet_words[0]["days"] for part in day["parts"]}
    assert response.content.startswith(b"%PDF-")
    assert parts["Prusa"][0]["who"] == "Zorobabel Quillfeather"
    assert parts["Prusa"][0]["phone"] == "+33 6 99 88 77 66"
    assert sheet_words[0]["made"].startswith("Made on ")
    assert FileAccess.objects.filter(person=lab.people["holder"], by=lab.people["mediator"]).exists()


def test_sheet_gives_the_number_of_who_reserved_for_a_group(lab: Lab, sheet_words: list[dict]) -> None:
    manager, now = lab.people["manager"], timezone.now()
    Person.objects.filter(pk=manager.pk).update(phone="+33 7 77")
    unit = make_machine(site=lab.site).unit
    later = now + dt.timedelta(hours=1)
    reserve_group(site=lab.site, units=[unit], title="Visit", start=now, end=later, by=manager, now=now)

    lab.client("mediator").get(reverse("desk-today"))

    parts = {part["name"]: part["rows"] for part in sheet_words[0]["days"][0]["parts"]}
    assert parts["Groups and rooms"][0]["phone"] == f"+33 7 77 ({manager})"
    assert FileAccess.objects.filter(person=manager, by=lab.people["mediator"]).exists()


def test_sheet_names_what_nobody_reserved_and_what_waits(lab: Lab, sheet_words: list[dict]) -> None:
    Reservation.objects.filter(pk=lab.running.pk).update(
        status="pending", checked_in_at=None, expires_at=lab.running.end
    )

    lab.client("mediator").get(reverse("desk-today"))

    days = sheet_words[0]["days"]
    assert "Laser" in days[0]["idle"]
    assert "waits for the team’s yes" in days[0]["parts"][0]["rows"][0]["note"]


@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_sheets_are_kept_two_days_and_read_by_nobody_else(lab: Lab, folder: Path) -> None:
    now = timezone.now()

    counts = [make_sheets(now=now - dt.timedelta(hours=hours)) for hours in (49, 47, 0)]

    kept = sorted(sheets_folder().iterdir())
    # Two sites; the first two sheets of each were made far enough apart.
    assert counts == [2, 2, 2]
    assert len(kept) == 4
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in kept} == {0o600}
    assert stat.S_IMODE(os.stat(sheets_folder()).st_mode) == 0o700
    assert all(path.read_bytes().startswith(b"%PDF-") for path in kept)


# --- the person's rights ----------------------------------------------------------------------------------------


def test_export_holds_what_was_said_in_words(lab: Lab) -> None:
    told(lab, lab.people["other"])

    said = [row["words"] for row in export_of(lab.people["other"])["people.Notice"]]

    assert len(said) == 1
    assert "Laser" in said[0]


def test_erased_person_is_told_nothing_and_stands_on_no_sheet(lab: Lab, folder: Path) -> None:
    other, now = lab.people["other"], timezone.now()
    told(lab, other)
    NoticePreference.objects.create(person=other, kind="reminder_end", channel="email", is_wanted=True)
    make_sheets(now=now)

    erase_person(person=other, by=None, now=now)

    assert not Notice.objects.filter(person=other).exists()
    assert not NoticePreference.objects.filter(person=other).exists()
    assert list(sheets_folder().iterdir()) == []
