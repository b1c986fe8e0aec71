"""An import from the file to the people: what is new, changed, left alone; killed, repeated, raced."""

import datetime as dt
import random
import threading

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection, connections
from procrastinate.contrib.django.models import ProcrastinateJob

from people.errors import WrongState
from people.imports import run as run_module
from people.imports.run import (
    BATCH_ROWS,
    TASK,
    check_file,
    forget_imports,
    imports_to_resume,
    run_import,
    start_import,
    stop_import,
)
from people.imports.words import header_of, notices_of, problems_of
from people.models import FileAccess, ImportRun, Person, Role, RoleGrant
from people.visits import arrive
from tests.factories import NOW, give_role, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db

HEADER = "Prénom;Nom;Année de naissance;Ville;Téléphone;E-mail;Responsable;Téléphone du responsable"


@pytest.fixture
def site():
    return make_site()


@pytest.fixture
def manager(site):
    return make_staff(site=site, role=Role.FAB_MANAGER)


def check(site, manager, *rows, header=HEADER):
    raw = "\n".join([header, *rows]).encode()
    return check_file(site=site, file_name="people.csv", raw=raw, by=manager, now=NOW)


def imported(site, manager, *rows, header=HEADER):
    """The run once it is over."""
    run = check(site, manager, *rows, header=header)
    start_import(run=run, by=manager, now=NOW)
    run_import(reference=run.reference, clock=lambda: NOW)
    run.refresh_from_db()
    return run


def counts(run):
    return run.created_count, run.changed_count, run.unchanged_count, len(problems_of(run.errors))


def many(number, begin=0):
    return [f"Camille;Martin {n};{1940 + n % 60};Nantes;;;;" for n in range(begin, begin + number)]


class TestImporting:
    def test_people_are_made_as_the_list_says(self, site, manager):
        run = imported(site, manager, "Zoé;Élan;1990;Nantes;06 12 34 56 78;zoe@example.org;;")

        person = Person.objects.get(last_name="Élan")
        assert counts(run) == (1, 0, 0, 0)
        assert (person.first_name, person.birth_year, person.town) == ("Zoé", 1990, "Nantes")
        assert (person.phone, person.contact_email, person.sort_name) == (
            "06 12 34 56 78",
            "zoe@example.org",
            "elan zoe",
        )
        assert (person.registered_by, person.joined_at) == (manager, NOW)
        assert not person.has_usable_password()
        assert list(person.role_grants.values_list("site", "role", "granted_by")) == [
            (site.pk, Role.MEMBER, manager.pk)
        ]

    def test_same_list_twice_changes_nothing(self, site, manager):
        rows = [*many(600), "Zoé;Élan;;Nantes;06 12 34 56 78;zoe@example.org;;", "Ali;Ben;2015;;;;Anne Ben;0612345678"]
        first = imported(site, manager, *rows)
        before = list(Person.objects.order_by("pk").values())

        second = imported(site, manager, *rows)

        assert counts(first) == (602, 0, 0, 0)
        assert counts(second) == (0, 0, 602, 0)
        assert list(Person.objects.order_by("pk").values()) == before
        assert RoleGrant.objects.filter(role=Role.MEMBER).count() == 602

    def test_only_what_the_list_gives_is_changed(self, site, manager):
        person = make_person(first_name="Zoé", last_name="Élan", birth_year=1990, town="Nantes", phone="0240000000")
        give_role(person=person, site=site)

        run = imported(site, manager, "ZOE;elan;1990;;06 12 34 56 78;zoe@example.org;;")

        person.refresh_from_db()
        assert counts(run) == (0, 1, 0, 0)
        assert (person.first_name, person.last_name, person.town) == ("Zoé", "Élan", "Nantes")
        assert (person.phone, person.contact_email) == ("06 12 34 56 78", "zoe@example.org")
        assert list(FileAccess.objects.values_list("person", "by", "deed")) == [(person.pk, manager.pk, "changed")]

    def test_missing_birth_year_is_filled_when_the_email_tells_who_it_is(self, site, manager):
        person = make_person(first_name="Zoé", last_name="Élan", contact_email="zoe@example.org")
        give_role(person=person, site=site)

        imported(site, manager, "Zoé;Élan;1990;;;ZOE@example.org;;")

        person.refresh_from_db()
        assert (person.birth_year, person.contact_email) == (1990, "zoe@example.org")

    def test_namesake_of_another_year_is_somebody_else_and_is_pointed_at(self, site, manager):
        give_role(person=make_person(first_name="Zoé", last_name="Élan", birth_year=1950), site=site)

        run = check(site, manager, "Zoé;Élan;1990;;;;;")

        assert counts(run) == (1, 0, 0, 0)
        assert [notice.row for notice in notices_of(run.errors)] == [2]

    def test_person_known_by_a_visit_becomes_a_member(self, site, manager):
        person = make_person(first_name="Zoé", last_name="Élan", birth_year=1950)
        arrive(site=site, person=person, by=manager, now=NOW)

        run = imported(site, manager, "Zoé;Élan;1950;;;;;")

        assert counts(run) == (0, 1, 0, 0)
        assert person.role_grants.get().role == Role.MEMBER

    def test_person_of_another_site_is_neither_seen_nor_changed(self, site, manager):
        stranger = make_person(first_name="Zoé", last_name="Élan", birth_year=1950)
        give_role(person=stranger, site=make_site())

        run = imported(site, manager, "Zoé;Élan;1950;Nantes;;;;")

        stranger.refresh_from_db()
        assert counts(run) == (1, 0, 0, 0)
        assert (stranger.town, notices_of(run.errors)) == ("", [])

    @pytest.mark.parametrize("make", ["staff", "superuser", "by e-mail"])
    def test_access_of_others_cannot_be_taken_by_a_list(self, site, manager, make):
        person = make_person(
            first_name="Zoé", last_name="Élan", birth_year=1950, contact_email="zoe@example.org",
            is_superuser=make == "superuser",
        )  # fmt: skip
        give_role(person=person, site=site)
        if make == "staff":
            give_role(person=person, site=make_site(), role=Role.ADMINISTRATOR)
        if make == "by e-mail":
            EmailAddress.objects.create(user=person, email="zoe@example.org")

        run = imported(site, manager, "Zoé;Élan;1950;;;mine@example.org;;", "Ali;Ben;1980;;;;;")

        person.refresh_from_db()
        assert person.contact_email == "zoe@example.org"
        assert counts(run) == (1, 0, 0, 1)

    def test_minor_without_a_responsible_adult_is_left_out(self, site, manager):
        run = imported(site, manager, "Ali;Ben;2015;;;;;", "Léa;Ben;2015;;;;Anne Ben;06 12 34 56 78")

        problems = problems_of(run.errors)
        assert [(p.row, p.column, p.cells[:2]) for p in problems] == [(2, "Responsable", ["Ali", "Ben"])]
        assert Person.objects.filter(last_name="Ben").get().guardian_name == "Anne Ben"

    def test_row_that_the_database_refuses_is_left_out_and_no_other(self, site, manager):
        rows = [(2, "Ben", 1980), (3, "Young", 1800), (4, "Durand", 1980)]
        entries = [{"row": row, "last_name": name, "birth_year": year} for row, name, year in rows]
        run = ImportRun.objects.create(
            site=site, file_name="x", rows=entries, row_count=3, created_at=NOW, state="waiting"
        )

        run_import(reference=run.reference, clock=lambda: NOW)

        run.refresh_from_db()
        assert (run.state, run.created_count, [p.row for p in problems_of(run.errors)]) == ("done", 2, [3])
        assert set(Person.objects.filter(birth_year=1980).values_list("last_name", flat=True)) == {"Ben", "Durand"}

    def test_columns_are_told(self, site, manager):
        run = check(site, manager, "Durand;42", header="Nom;Pointure")

        assert header_of(run.errors) == [("Nom", "last_name"), ("Pointure", "")]


class TestLife:
    def test_checking_writes_nobody(self, site, manager):
        run = check(site, manager, *many(3))

        assert (run.state, counts(run), run.row_count) == ("checked", (3, 0, 0, 0), 3)
        assert not Person.objects.filter(first_name="Camille", last_name__startswith="Martin 0").exists()

    def test_yes_is_said_once(self, site, manager):
        run = check(site, manager, *many(3))

        start_import(run=run, by=manager, now=NOW)
        start_import(run=run, by=manager, now=NOW)

        jobs = ProcrastinateJob.objects.filter(task_name=TASK)
        assert (run.state, [job.args for job in jobs]) == ("waiting", [{"reference": run.reference}])

    def test_list_without_a_good_row_is_not_begun(self, site, manager):
        run = check(site, manager, ";;1990;;;;;")

        with pytest.raises(WrongState):
            start_import(run=run, by=manager, now=NOW)

    def test_rows_are_not_kept_once_it_is_over(self, site, manager):
        run = imported(site, manager, *many(3))

        assert (run.state, run.rows, run.done_count, run.finished_at) == ("done", [], 3, NOW)

    def test_nothing_is_imported_without_a_yes(self, site, manager):
        run = check(site, manager, *many(3))

        run_import(reference=run.reference, clock=lambda: NOW)

        assert ImportRun.objects.get().done_count == 0
        assert imports_to_resume() == []

    def test_killed_import_goes_on_where_it_was(self, site, manager):
        run = check(site, manager, *many(2 * BATCH_ROWS + 10))
        start_import(run=run, by=manager, now=NOW)
        times = iter([NOW, NOW])

        with pytest.raises(StopIteration):
            run_import(reference=run.reference, clock=lambda: next(times))
        run.refresh_from_db()
        stood_at, to_resume = run.done_count, imports_to_resume()
        run_import(reference=run.reference, clock=lambda: NOW)

        run.refresh_from_db()
        assert (stood_at, to_resume) == (2 * BATCH_ROWS, [run.reference])
        assert counts(run) == (2 * BATCH_ROWS + 10, 0, 0, 0)
        assert Person.objects.filter(first_name="Camille", town="Nantes").count() == 2 * BATCH_ROWS + 10

    def test_killed_within_a_batch_nothing_of_it_is_kept(self, site, manager, monkeypatch):
        run = check(site, manager, *many(10))
        start_import(run=run, by=manager, now=NOW)

        def killed(*_args, **_kwargs):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(ImportRun, "save", killed)
            with pytest.raises(KeyboardInterrupt):
                run_import(reference=run.reference, clock=lambda: NOW)

        assert not Person.objects.filter(town="Nantes").exists()
        run_import(reference=run.reference, clock=lambda: NOW)
        assert Person.objects.filter(town="Nantes").count() == 10

    def test_no_forgets_the_list(self, site, manager):
        run = check(site, manager, *many(3))

        stop_import(run=run, now=NOW)

        assert not ImportRun.objects.exists()

    def test_stopped_import_goes_no_further(self, site, manager):
        run = check(site, manager, *many(3))
        start_import(run=run, by=manager, now=NOW)

        stop_import(run=run, now=NOW)
        run_import(reference=run.reference, clock=lambda: NOW)

        run.refresh_from_db()
        assert (run.state, run.rows, run.done_count) == ("failed", [], 0)

    def test_old_lists_are_forgotten(self, site, manager):
        check(site, manager, *many(3))
        done = imported(site, manager, ";;1990;;;;;", *many(3, begin=5))

        forgotten = [forget_imports(now=NOW + dt.timedelta(days=days)) for days in (0, 2, 29, 31)]

        done.refresh_from_db()
        assert (forgotten, done.errors) == ([0, 1, 0, 1], [])


def random_row(rng):
    year = rng.choice(["", "1980", "1981", "1982"])
    email = rng.choice(["", "", "a@example.org", "b@example.org", "c@example.org"])
    return f"{rng.choice(['Ali', 'Léa'])};Ben;{year};{rng.choice(['', 'Nantes', 'Rezé'])};;{email};;"


@pytest.mark.parametrize("seed", range(40))
def test_any_list_twice_changes_nothing(site, manager, seed):
    rng = random.Random(seed)
    for _ in range(rng.randrange(5)):
        person = make_person(
            first_name=rng.choice(["Ali", "Léa"]), last_name="Ben", birth_year=rng.choice([None, 1980, 1981]),
            contact_email=rng.choice(["", "a@example.org", "b@example.org"]),
        )  # fmt: skip
        give_role(person=person, site=site)
    rows = [random_row(rng) for _ in range(rng.randint(1, 8))]
    foreseen = counts(check(site, manager, *rows))
    first = imported(site, manager, *rows)
    before = list(Person.objects.order_by("pk").values())

    second = imported(site, manager, *rows)

    assert counts(first) == foreseen
    assert counts(second) == (0, 0, first.row_count, counts(first)[3])
    assert list(Person.objects.order_by("pk").values()) == before


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
def test_two_workers_and_two_lists_at_once_make_nobody_twice(monkeypatch):
    monkeypatch.setattr(run_module, "BATCH_ROWS", 20)
    site = make_site()
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    runs = [check(site, manager, *many(200)) for _ in range(2)]
    for run in runs:
        start_import(run=run, by=manager, now=NOW)
    begin = threading.Barrier(4)

    def work(reference):
        begin.wait()
        try:
            run_import(reference=reference, clock=lambda: NOW)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=[run.reference]) for run in runs for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # Whoever met the other's lock left the rest to the sweep.
    for reference in imports_to_resume():
        run_import(reference=reference, clock=lambda: NOW)

    assert Person.objects.filter(town="Nantes").count() == 200
    assert [(run.state, run.done_count) for run in ImportRun.objects.all()] == [("done", 200)] * 2
    assert sum(run.created_count for run in ImportRun.objects.all()) == 200
    assert connection.connection is not None
