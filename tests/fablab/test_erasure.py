"""Erased is erased: in no table, in no file, on no page, and still so after a restore. What they did stays a count."""

import datetime as dt
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from people import erasure_ledger
from people.erasure import ErasureRefused, erase_person, obstacles_to_erasing, replay_erasures
from people.models import Erasure, Person, Role, RoleGrant, Team, TeamMembership, Visit
from printing.models import PrintFile, PrintJob
from reservations.models import Refusal, Reservation, Status
from tests.api.lab import Lab, make_lab
from tests.fablab.planted import GCODE, SURNAME, end_what_runs, places_in_files, places_in_tables, plant
from tests.factories import (
    NOW,
    give_role,
    make_machine,
    make_outage,
    make_person,
    make_site,
    make_staff,
    make_team,
    reserve,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def folders(settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def test_erased_person_is_in_no_table_and_in_no_file(
    lab: Lab, folders: Path, django_capture_on_commit_callbacks
) -> None:
    person, now = plant(lab), timezone.now()
    lab.client("holder").get("/me/")
    end_what_runs(lab, now)
    before = places_in_tables(SURNAME)
    assert len(before) >= 35
    assert len(places_in_files(SURNAME, folders)) == 2

    with django_capture_on_commit_callbacks(execute=True):
        erase_person(person=person, by=None, now=now)

    assert places_in_tables(SURNAME) == []
    assert places_in_tables("zq@private") + places_in_tables("99 88 77 66") + places_in_tables("CARD-ZQ-7781") == []
    assert places_in_files(SURNAME, folders) == []


def test_what_they_did_stays_a_count(lab: Lab) -> None:
    person, now = plant(lab), timezone.now()
    end_what_runs(lab, now)
    counts = [model.objects.count() for model in (Reservation, PrintJob, Visit, Refusal)]

    erase_person(person=person, by=None, now=now)

    lab.running.refresh_from_db()
    lab.coming.refresh_from_db()
    lab.session.refresh_from_db()
    visit = Visit.objects.get()
    assert [model.objects.count() for model in (Reservation, PrintJob, Visit, Refusal)] == counts
    assert (lab.running.holder, lab.running.note, lab.running.created_by) == (None, "", None)
    assert (lab.coming.status, lab.coming.cancelled_by) == (Status.CANCELLED, None)
    assert (lab.session.person, lab.session.energy_wh) == (None, 12.5)
    assert (visit.person, visit.age_band, visit.left_at is None) == (None, "quarante_cinquante_neuf", False)
    assert Refusal.objects.get().pseudonym == ""


def test_row_that_stays_tells_nothing_and_lets_nobody_in(lab: Lab) -> None:
    person, now = plant(lab), timezone.now()
    end_what_runs(lab, now)
    reference, client = person.reference, lab.client("holder")

    erase_person(person=person, by=None, now=now)

    person.refresh_from_db()
    assert (person.reference, str(person), person.erased_at) == (reference, reference, now)
    assert not person.is_active
    assert not person.has_usable_password()
    assert person.role_grants.count() == person.badges.count() == person.qualification_grants.count() == 0
    assert client.get("/me/").status_code == 302


def test_name_that_others_bear_is_left_in_what_others_wrote() -> None:
    site = make_site()
    person = make_person(first_name="Ada", last_name="Martin")
    make_person(first_name="Zoé", last_name="MARTIN")
    team = Team.objects.create(site=site, name="Martin and friends; ask Ada Martin or ada martin", slug="martin")

    erase_person(person=person, by=None, now=NOW)

    team.refresh_from_db()
    assert (team.name, team.slug) == ("Martin and friends; ask … or …", "martin")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("for Noël Bérénice", "for …"),
        ("for BERENICE NOEL", "for …"),
        ("noel_berenice, ring", "noel_berenice, ring"),
        ("noel-berenice ring.gcode", "… ring.gcode"),
        ("Berenice ring.gcode", "Berenice ring.gcode"),
        ("Noël is a feast", "Noël is a feast"),
    ],
    ids=["full name", "without accents", "written otherwise", "in a file's name", "name alone", "first name alone"],
)
def test_name_is_taken_out_of_texts(text: str, left: str) -> None:
    person = make_person(first_name="Noël", last_name="Bérénice")
    team = Team.objects.create(site=make_site(), name=text, slug="team")

    erase_person(person=person, by=None, now=NOW)

    team.refresh_from_db()
    assert team.name == left


@pytest.mark.parametrize(
    ("first_name", "last_name"),
    [("Ana", "Workshop"), ("3D", "printing"), ("", "3D printing"), ("of", "the")],
    ids=["a word", "two words", "one name of two words", "small words"],
)
def test_name_that_is_an_ordinary_word_stays_in_what_is_not_theirs(first_name: str, last_name: str) -> None:
    site, text = make_site(), "3D printing: Workshop of the owls"
    person = make_person(first_name=first_name, last_name=last_name)
    team = make_team(site=site, members=[person])
    Team.objects.filter(pk=team.pk).update(name=text, slug="workshop")
    outage = make_outage(machine=make_machine(site=site), start=NOW, reason=text)

    erase_person(person=person, by=None, now=NOW)

    team.refresh_from_db()
    outage.refresh_from_db()
    assert (team.name, team.slug, outage.reason) == (text, "workshop", text)


def test_name_alone_goes_from_their_own_rows() -> None:
    person = make_person(first_name="Ana", last_name="Bérénice")
    team = make_team(site=make_site())
    Team.objects.filter(pk=team.pk).update(name="Berenice, BÉRÉNICE, berenice and Berenices", slug="berenice")
    TeamMembership.objects.create(team=team, person=person, is_organiser=True, joined_at=NOW)

    erase_person(person=person, by=None, now=NOW)

    team.refresh_from_db()
    assert (team.name, team.slug) == ("…, …, berenice and Berenices", "berenice")


# --- what comes first ------------------------------------------------------------------------------------------


def codes(person: Person, now: dt.datetime = NOW) -> list[str]:
    return [obstacle.code for obstacle in obstacles_to_erasing(person, now=now)]


def test_running_reservation_and_print_come_first(lab: Lab) -> None:
    holder = lab.people["holder"]

    with pytest.raises(ErasureRefused) as refusal:
        erase_person(person=holder, by=None, now=timezone.now())

    assert {obstacle.code for obstacle in refusal.value.obstacles} == {"reservation_running", "print_running"}
    assert Person.objects.get(pk=holder.pk).last_name == SURNAME


def test_last_administrator_hands_over_first() -> None:
    site = make_site()
    boss = make_staff(site=site, role=Role.ADMINISTRATOR)
    alone = codes(boss)
    make_staff(site=site, role=Role.ADMINISTRATOR)

    assert alone == ["last_administrator"]
    assert codes(boss) == []


def test_last_superuser_hands_over_first_unless_each_site_has_an_administrator() -> None:
    site, boss = make_site(), make_person(is_superuser=True)
    alone = codes(boss)
    make_staff(site=site, role=Role.ADMINISTRATOR)

    assert alone == ["last_administrator"]
    assert codes(boss) == []


def test_responsible_adult_of_a_minor_is_replaced_first_and_of_an_adult_is_not() -> None:
    adult = make_person()
    child = make_person(birth_year=NOW.year - 9, guardian=adult)
    of_a_minor = codes(adult)
    later = NOW.replace(year=NOW.year + 10)

    erase_person(person=adult, by=None, now=later)

    child.refresh_from_db()
    assert of_a_minor == ["responsible_adult"]
    assert (child.guardian, child.guardian_name) == (None, "–")


# --- proof and replay ------------------------------------------------------------------------------------------


def ledger(folder: Path) -> list[str]:
    path = folder / "erasures.jsonl"
    return [json.loads(line)["reference"] for line in path.read_text().splitlines()] if path.exists() else []


def test_erasure_is_proved_without_a_name(folders: Path, django_capture_on_commit_callbacks) -> None:
    person = make_person()

    with django_capture_on_commit_callbacks(execute=True):
        erase_person(person=person, by=None, now=NOW)
        erase_person(person=person, by=None, now=NOW + dt.timedelta(days=1))

    assert [(e.reference, e.erased_at) for e in Erasure.objects.all()] == [(person.reference, NOW)]
    assert ledger(folders) == [person.reference]
    assert (folders / "erasures.jsonl").stat().st_mode & 0o777 == 0o600


def test_erasure_that_is_undone_leaves_no_line(folders: Path) -> None:
    erase_person(person=make_person(), by=None, now=NOW)

    assert ledger(folders) == []


def test_restored_person_is_erased_again_even_with_a_reservation_running(folders: Path) -> None:
    site = make_site()
    person = make_person(last_name=SURNAME)
    machine = make_machine(site=site)
    give_role(person=person, site=site)
    booked = reserve(machine=machine, start=NOW, end=NOW + dt.timedelta(hours=1), holder=person)
    Reservation.objects.filter(pk=booked.pk).update(status=Status.IN_USE)
    erasure_ledger.append(erasure_ledger.Entry(person.reference, NOW - dt.timedelta(days=3)))
    erasure_ledger.append(erasure_ledger.Entry("UNKNOWN234", NOW))

    count = replay_erasures(now=NOW)
    again = replay_erasures(now=NOW)

    person.refresh_from_db()
    assert (count, again) == (1, 0)
    assert (person.last_name, person.erased_at) == ("", NOW - dt.timedelta(days=3))
    assert places_in_tables(SURNAME) == []
    assert not RoleGrant.objects.filter(person=person).exists()


def test_replay_adds_the_lines_that_a_crash_kept_back_and_passes_over_a_broken_one(folders: Path) -> None:
    Erasure.objects.create(reference="ABC2345678", erased_at=NOW)
    (folders / "erasures.jsonl").write_text('{"reference": "HALF')

    replay_erasures(now=NOW)

    assert "ABC2345678" in (folders / "erasures.jsonl").read_text()


def test_file_that_two_people_sent_stays_for_the_other(folders: Path, django_capture_on_commit_callbacks) -> None:
    import io

    from printing.files import store_file, stored_path

    ada, bob = make_person(), make_person()
    of_ada = store_file(stream=io.BytesIO(GCODE), name="a.gcode", by=ada, now=NOW)
    of_bob = store_file(stream=io.BytesIO(GCODE), name="b.gcode", by=bob, now=NOW)

    with django_capture_on_commit_callbacks(execute=True):
        erase_person(person=ada, by=None, now=NOW)
    still_there = stored_path(of_bob).exists()
    with django_capture_on_commit_callbacks(execute=True):
        erase_person(person=bob, by=None, now=NOW)

    assert still_there
    assert not stored_path(of_bob).exists()
    assert not PrintFile.objects.filter(pk__in=[of_ada.pk, of_bob.pk]).exists()


def test_command_erases_by_card_code_and_says_what_comes_first(capsys: pytest.CaptureFixture) -> None:
    person, boss = make_person(card_code="CARD-1"), make_staff(site=make_site(), role=Role.ADMINISTRATOR)

    call_command("erase_person", "CARD-1", "--yes")

    person.refresh_from_db()
    assert person.erased_at
    assert person.reference in capsys.readouterr().out
    with pytest.raises(CommandError, match="administrat"):
        call_command("erase_person", boss.reference, "--yes")
    with pytest.raises(CommandError, match="Nobody"):
        call_command("erase_person", "CARD-1", "--yes")
