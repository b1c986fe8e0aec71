"""What is past its time goes, what is not stays, and the proof names nobody."""

import datetime as dt
import io
import json
import os
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db.models import Model
from django.utils import timezone

from fablab.lib import retention
from fablab.personal.inactive import due, send_notices, to_tell
from fablab.personal.purge import last_purge, purge
from iot.models import StopReason, UsageSession
from machines.models import Outage
from people.models import (
    AccessCode,
    FileAccess,
    Household,
    IdempotentRequest,
    ImportRun,
    Person,
    Suspension,
    Visit,
)
from printing.file_removal import GONE_NAME, GONE_SHA256
from printing.files import store_file, stored_path
from printing.models import JobState, PrintFile, PrintJob
from reservations.models import Refusal, Reservation
from tests.api.lab import hold
from tests.factories import NOW, give_role, make_machine, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
GCODE = b"; author Quillfeather\nG28\nG1 X10 F600\n"


@pytest.fixture(autouse=True)
def folders(settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path


def months(number: float) -> dt.timedelta:
    return dt.timedelta(days=round(number * 365.2425 / 12))


def old_rows(at: dt.datetime, person: Person) -> list[Model]:
    """One row of every table with a clock of its own, from that time."""
    site = make_site()
    machine = make_machine(site=site)
    booked = hold(machine, person, at - DAY, at)
    used = UsageSession.objects.create(
        machine=machine, person=person, start=at, end=at, last_busy_at=at, stop_reason=StopReason.NORMAL
    )
    return [
        booked, used,
        Visit.objects.create(site=site, person=person, arrived_at=at, left_at=at, recorded_by=person),
        FileAccess.objects.create(person=person, by=person, deed="read", at=at),
        Suspension.objects.create(person=person, reason="Noise", start=at - DAY, end=at),
        IdempotentRequest.objects.create(person=person, key=str(at), fingerprint="f", created_at=at),
        AccessCode.objects.create(person=person, digest="a" * 64, created_at=at - DAY, expires_at=at),
        ImportRun.objects.create(site=site, file_name="x.csv", created_at=at),
        Outage.objects.create(machine=machine, reason="Belt", start=at, end=at + DAY, reported_by=person),
        Refusal.objects.create(machine=machine, start=at, end=at + DAY, codes=["taken"], origin="page", at=at),
    ]  # fmt: skip


def active(**fields: object) -> Person:
    """Somebody who was here yesterday: their file is not due."""
    return make_person(last_seen_at=NOW - DAY, birth_year=1950, **fields)


def shown(row: Model) -> object:
    """What is left of the row: gone, or who is still named on it."""
    fresh = type(row)._default_manager.filter(pk=row.pk).first()
    if fresh is None:
        return "gone"
    names = ("holder", "person", "by", "reported_by", "recorded_by", "created_by")
    return sorted(name for name in names if getattr(fresh, f"{name}_id", None))


def fates(age: dt.timedelta) -> dict[str, object]:
    rows = old_rows(NOW - age, active())
    purge(now=NOW)
    return {type(row).__name__: shown(row) for row in rows}


def test_nothing_goes_before_its_time() -> None:
    assert fates(dt.timedelta(hours=1)) == {
        "Reservation": ["created_by", "holder"], "UsageSession": ["person"], "Visit": ["person", "recorded_by"],
        "FileAccess": ["by", "person"], "Suspension": ["person"], "IdempotentRequest": ["person"],
        "AccessCode": ["person"], "ImportRun": [], "Outage": ["reported_by"], "Refusal": [],
    }  # fmt: skip


def test_after_thirteen_months_visits_lose_the_person_and_accesses_who_looked() -> None:
    assert fates(months(13) + DAY) == {
        "Reservation": ["created_by", "holder"], "UsageSession": ["person"], "Visit": [], "FileAccess": ["person"],
        "Suspension": "gone", "IdempotentRequest": "gone", "AccessCode": "gone", "ImportRun": "gone",
        "Outage": ["reported_by"], "Refusal": "gone",
    }  # fmt: skip


def test_after_two_years_bookings_and_use_lose_the_person_and_stay() -> None:
    found = fates(months(24) + DAY)

    reservation = Reservation.objects.get()
    assert (found["Reservation"], found["UsageSession"], found["Outage"]) == ([], [], [])
    assert (reservation.holder, reservation.note, reservation.status) == (None, "", "confirmed")
    assert Visit.objects.get().age_band == "soixante_dix_plus"


def test_after_five_years_the_trace_of_accesses_is_gone() -> None:
    assert fates(months(60) + DAY)["FileAccess"] == "gone"


def test_dry_run_counts_the_same_and_changes_nothing(capsys: pytest.CaptureFixture, folders: Path) -> None:
    rows = old_rows(timezone.now() - months(61), make_person(last_seen_at=timezone.now(), birth_year=1950))
    before = [shown(row) for row in rows]

    call_command("purge", "--dry-run")
    dry = capsys.readouterr().out
    after = [shown(row) for row in rows]
    call_command("purge")
    real = capsys.readouterr().out

    assert after == before
    assert "reservations.Reservation" in dry
    assert [line.split("  ", 1)[0] for line in dry.splitlines()[:-1]] == [
        line.split("  ", 1)[0] for line in real.splitlines()[:-1]
    ]


def test_second_purge_finds_nothing() -> None:
    old_rows(NOW - months(61), active())
    purge(now=NOW)

    assert purge(now=NOW).counts == {}


def test_proof_holds_counts_and_no_names(folders: Path) -> None:
    old_rows(NOW - months(61), active(last_name="Quillfeather"))

    purge(now=NOW)
    purge(now=NOW, is_dry=True)

    lines = (folders / "purge.log").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["counts"]["reservations.Reservation"] == 1
    assert "Quillfeather" not in lines[0]
    assert last_purge().at == NOW


def test_more_rows_than_a_batch_all_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("people.forgetting.BATCH", 3)
    person, site = active(), make_site()
    Visit.objects.bulk_create(
        Visit(site=site, person=person, arrived_at=NOW - months(20) - n * DAY, left_at=NOW - months(20))
        for n in range(10)
    )

    purge(now=NOW)

    assert Visit.objects.filter(person__isnull=False).count() == 0


def test_ended_sessions_and_empty_households_go() -> None:
    Session.objects.create(session_key="old", session_data="", expire_date=NOW - DAY)
    Session.objects.create(session_key="new", session_data="", expire_date=NOW + DAY)
    Household.objects.create(name="Nobody", created_at=NOW - 2 * DAY)
    household = Household.objects.create(name="Somebody", created_at=NOW - 2 * DAY)
    active(household=household)

    purge(now=NOW)

    assert [s.session_key for s in Session.objects.all()] == ["new"]
    assert [h.name for h in Household.objects.all()] == ["Somebody"]


# --- files of people who do not come any more --------------------------------------------------------------------


def came(months_ago: float, **fields: object) -> Person:
    person = make_person(**fields)
    Person.objects.filter(pk=person.pk).update(joined_at=NOW - months(60), last_seen_at=NOW - months(months_ago) - DAY)
    return person


def test_file_is_due_a_year_after_the_last_visit_and_an_account_after_two() -> None:
    file, fresh = came(12), came(11)
    account, old_account = came(23, password="long enough 1"), came(24, password="long enough 1")

    assert list(due(NOW)) == [old_account, file]
    assert fresh not in due(NOW)
    assert account not in due(NOW)


@pytest.mark.parametrize("sign", ["sign-in", "visit", "reservation", "use"])
def test_any_sign_of_life_keeps_the_file(sign: str) -> None:
    person, recent = came(30), NOW - months(3)
    site = make_site()
    machine = make_machine(site=site)
    if sign == "sign-in":
        Person.objects.filter(pk=person.pk).update(last_login=recent)
    elif sign == "visit":
        Visit.objects.create(site=site, person=person, arrived_at=recent, left_at=recent)
    elif sign == "reservation":
        hold(machine, person, recent - DAY, recent)
    else:
        UsageSession.objects.create(
            machine=machine, person=person, start=recent, end=recent, last_busy_at=recent, stop_reason="normal"
        )

    assert list(due(NOW)) == []


def test_responsible_adult_of_somebody_on_file_stays() -> None:
    adult = came(30)
    make_person(birth_year=2015, guardian=adult, last_seen_at=NOW)

    assert list(due(NOW)) == []


def test_purge_makes_old_files_anonymous_and_counts_who_must_stay() -> None:
    person, boss = came(13, last_name="Quillfeather"), came(30, is_superuser=True)
    make_site()

    result = purge(now=NOW)

    person.refresh_from_db()
    boss.refresh_from_db()
    assert (person.erased_at, person.last_name, boss.erased_at) == (NOW, "", None)
    assert result.counts["people.Person"] == 1
    assert result.counts["files due that must stay for now"] == 1


def test_account_is_told_once_a_month_before_and_erased_then() -> None:
    person = came(23.5, password="long enough 1", language="en", first_name="Zoro")
    EmailAddress.objects.create(user=person, email="zoro@lab.example", verified=True)

    first, second = send_notices(NOW, is_dry=False), send_notices(NOW + DAY, is_dry=False)
    purge(now=NOW + 5 * DAY)
    early = Person.objects.get(pk=person.pk).erased_at
    purge(now=NOW + 31 * DAY)

    assert (first, second) == (1, 0)
    assert mail.outbox[0].to == ["zoro@lab.example"]
    assert "Hello Zoro" in mail.outbox[0].body
    assert "/me/data/" in mail.outbox[0].body
    assert early is None
    assert Person.objects.get(pk=person.pk).erased_at == NOW + 31 * DAY


def test_nobody_with_an_address_is_erased_unannounced() -> None:
    person = came(40, contact_email="zoro@lab.example")

    purge(now=NOW)
    same_night = Person.objects.get(pk=person.pk).erased_at
    purge(now=NOW + retention.NOTICE)

    assert same_night is None
    assert len(mail.outbox) == 1
    assert Person.objects.get(pk=person.pk).erased_at


def test_who_has_no_address_is_on_the_list_of_their_own_desk() -> None:
    here, there = make_site(), make_site()
    person = came(11.5)
    came(11.5, contact_email="zoro@lab.example")
    give_role(person=person, site=here)

    assert to_tell(NOW, make_staff(site=here)) == [person]
    assert to_tell(NOW, make_staff(site=there)) == []


@pytest.mark.parametrize("kind", ["console", "dummy"])
def test_where_mail_goes_nowhere_nobody_counts_as_told_and_the_desk_tells_all(settings, kind: str) -> None:
    site = make_site()
    person = came(11.5, contact_email="a@b.example")
    give_role(person=person, site=site)
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{kind}.EmailBackend"

    count = send_notices(NOW, is_dry=False)

    assert count == 0
    assert to_tell(NOW, make_staff(site=site)) == [person]


# --- print files -------------------------------------------------------------------------------------------------


def make_file(at: dt.datetime, state: JobState | None = JobState.FINISHED) -> PrintFile:
    person = active()
    file = store_file(stream=io.BytesIO(GCODE + str(at).encode()), name="ring.gcode", by=person, now=at)
    if state is not None:
        PrintJob.objects.create(
            machine=make_machine(), file=file, person=person, state=state, created_at=at,
            ended_at=at if state == JobState.FINISHED else None,
        )  # fmt: skip
    return file


def test_content_goes_ninety_days_after_the_last_use_and_the_print_stays(django_capture_on_commit_callbacks) -> None:
    old, fresh, waiting = make_file(NOW - 91 * DAY), make_file(NOW - 80 * DAY), make_file(NOW - 92 * DAY, JobState.LOST)
    alone = make_file(NOW - 93 * DAY, None)
    paths = [stored_path(file) for file in (old, fresh, waiting, alone)]

    with django_capture_on_commit_callbacks(execute=True):
        purge(now=NOW)

    old.refresh_from_db()
    assert [path.exists() for path in paths] == [False, True, True, False]
    assert (old.sha256, old.name, old.has_thumbnail) == (GONE_SHA256, "ring.gcode", False)
    assert PrintJob.objects.filter(file=old).exists()
    assert not PrintFile.objects.filter(pk=alone.pk).exists()


def test_name_of_a_file_goes_with_the_person_of_its_print() -> None:
    old = make_file(NOW - months(24) - 2 * DAY)

    purge(now=NOW)
    purge(now=NOW)

    old.refresh_from_db()
    assert (old.name, old.uploaded_by) == (GONE_NAME, None)


def test_content_that_no_row_names_is_removed_once_it_is_old(folders: Path) -> None:
    kept = stored_path(make_file(NOW))
    orphan, upload = kept.with_name("f" * 64 + ".gcode"), kept.parent.parent / "tmp123.part"
    for path in (orphan, upload):
        path.write_bytes(GCODE)
    os.utime(orphan, (0, 0))

    purge(now=NOW)

    assert [path.exists() for path in (kept, orphan, upload)] == [True, False, True]
