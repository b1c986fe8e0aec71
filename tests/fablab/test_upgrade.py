"""An update of the database: a copy first, then all of it or nothing."""

import json
import signal
import textwrap
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader

from fablab.up.enum_values import Addition, additions, with_all_values
from fablab.up.news import entries, news
from fablab.up.upgrade import in_words
from tests.fablab.backup_runs import Lab, drop_database, make_database, own_server_url

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Reservations of machines,
  kept apart.
- A board.
"""
_number = count(1)


# --- pure parts -------------------------------------------------------------------------------------------------


def test_no_migration_stands_outside_a_transaction():
    loader = MigrationLoader(None, ignore_no_migrations=True)

    outside = [key for key, migration in loader.disk_migrations.items() if not migration.atomic]

    assert outside == []


def test_entries_are_list_items_in_one_line():
    assert entries(CHANGELOG) == ["- Reservations of machines, kept apart.", "- A board."]


def test_news_are_what_was_not_there_before():
    present = CHANGELOG.replace("- A board.\n", "- A desk,\n  for tablets.\n- A board.\n\nNot an item.\n")

    assert news(CHANGELOG, present) == ["- A desk, for tablets."]
    assert news(present, present) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("0004_site_of_each_reservation", "site of each reservation"), ("initial", "initial"), ("0001", "0001")],
)
def test_migration_in_words(name, words):
    assert in_words(name) == words


def test_additions_to_a_type_are_read_from_sql():
    sql = "ALTER TYPE mood ADD VALUE 'sad';\nalter type mood add value if not exists 'ok' before 'sad';"

    assert additions(sql) == [Addition("mood", "sad"), Addition("mood", "ok", "before", "sad")]


@pytest.mark.parametrize(
    ("sql", "whole"),
    [
        ("CREATE TYPE mood AS ENUM ('glad', 'mad');", "CREATE TYPE mood AS ENUM ('glad', 'ok', 'mad', 'sad');"),
        ("CREATE TYPE colour AS ENUM ('red');", "CREATE TYPE colour AS ENUM ('red');"),
        ("ALTER TYPE mood ADD VALUE 'sad'; SELECT 1;", " SELECT 1;"),
    ],
    ids=["its own values in their places", "another type", "added already"],
)
def test_type_is_made_with_all_its_values(sql, whole):
    to_come = [Addition("mood", "sad"), Addition("mood", "ok", "after", "glad")]

    assert with_all_values(sql, to_come) == whole


# --- real databases ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Iterator[Lab]:
    """A lab as this version makes it, with one site."""
    lab = Lab(make_database(own_server_url(), "upgrade_source"), tmp_path_factory.mktemp("upgrade"))
    lab.shell("from django.utils import timezone; from fablab.up.upgrade import upgrade_database, say_news;"
              "upgrade_database(now=timezone.now(), say=print); say_news(print);"
              "from tests.factories import make_site; make_site(name='Our lab')")  # fmt: skip
    yield lab
    drop_database(own_server_url(), "upgrade_source")


@pytest.fixture
def lab(prepared: Lab, tmp_path: Path) -> Iterator[Lab]:
    name = f"upgrade_copy_{next(_number)}"
    yield Lab(make_database(own_server_url(), name, template="upgrade_source"), tmp_path / "data")
    drop_database(own_server_url(), name)


UPGRADE = (
    "from django.utils import timezone; from fablab.up.upgrade import upgrade_database;"
    "upgrade_database(now=timezone.now(), say=lambda line: print(line, flush=True))"
)


def later_version(folder: Path, *statements: str) -> dict[str, str]:
    """The environment of a version of the lab that has one migration more for each statement."""
    migrations = folder / "later" / "migrations"
    migrations.mkdir(parents=True)
    for path in (folder / "later", migrations):
        (path / "__init__.py").touch()
    (folder / "later_settings.py").write_text(
        "from fablab.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'later']\n"
    )
    for number, statement in enumerate(statements, start=1):
        before = [("later", f"{number - 1:04}_step")] if number > 1 else [("people", "0001_initial")]
        (migrations / f"{number:04}_step.py").write_text(
            textwrap.dedent(f"""
                from django.db import migrations

                class Migration(migrations.Migration):
                    dependencies = {before!r}
                    operations = [migrations.RunSQL({statement!r})]
            """)
        )
    return {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "later_settings"}


GROWS = "ALTER TABLE people_site ADD COLUMN shoe_size integer"


def columns(lab: Lab) -> object:
    return lab.value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'shoe_size'")


@pytest.mark.serial
def test_upgrade_backs_up_first_and_says_what_changed(lab, tmp_path):
    environment = later_version(tmp_path, GROWS, "UPDATE people_site SET shoe_size = 42")

    code, said = lab.run("manage.py", "shell", "--no-imports", "-c", UPGRADE, **environment)

    archives = list((lab.folder / "backups").glob("fablab-*.tar"))
    assert code == 0, said
    assert lab.value("SELECT shoe_size FROM people_site") == 42
    assert len(archives) == 1
    assert said.index(f"backup: {archives[0]}") < said.index("What changed in the database:\n  later: step\n")


@pytest.mark.serial
def test_upgrade_that_fails_leaves_all_as_it_was_and_says_how_to_go_back(lab, tmp_path):
    before = lab.rows()
    environment = later_version(tmp_path, GROWS, "UPDATE people_site SET shoe_size = 1 / 0")

    code, said = lab.run("manage.py", "shell", "--no-imports", "-c", UPGRADE, **environment)

    assert code != 0
    assert "The update failed (division by zero). Nothing was changed: the lab is as it was, and a backup is in" in said
    assert "Go on with the earlier version" in said
    assert columns(lab) == 0
    assert lab.rows() == before


@pytest.mark.serial
def test_preparation_that_fails_is_told_in_one_sentence(lab, tmp_path):
    environment = later_version(tmp_path, "SELECT 1 / 0")

    code, said = lab.run("-m", "fablab.up.prepare", **environment)

    assert code == 1
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("The update failed (division by zero).")


@pytest.mark.serial
def test_upgrade_killed_half_way_leaves_all_as_it_was(lab, tmp_path):
    before = lab.rows()
    environment = later_version(tmp_path, GROWS, "SELECT pg_notify('half_way', ''), pg_sleep(60)")
    process = lab.start("manage.py", "shell", "--no-imports", "-c", UPGRADE, **environment)
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'"
    while not lab.value(sleeping):
        assert process.poll() is None

    process.send_signal(signal.SIGKILL)

    process.communicate()
    end_sessions(lab)
    assert columns(lab) == 0
    assert lab.rows() == before


def end_sessions(lab: Lab) -> None:
    """A sleeping session does not notice that its client is gone; a restart of the server would end it, too."""
    with psycopg.connect(lab.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.serial
def test_upgrade_without_room_for_a_backup_does_not_begin(lab, tmp_path):
    environment = later_version(tmp_path, GROWS)
    (tmp_path / "file").touch()

    code, said = lab.run(
        "manage.py", "shell", "--no-imports", "-c", UPGRADE,
        **environment, FABLAB_BACKUP_DIR=str(tmp_path / "file" / "backups"),
    )  # fmt: skip

    assert code != 0
    assert "The update did not begin, because no backup could be made" in said
    assert columns(lab) == 0


@pytest.mark.serial
def test_value_added_to_a_type_can_be_used_by_the_next_migration(lab, tmp_path):
    environment = later_version(
        tmp_path,
        "ALTER TYPE procrastinate_job_status ADD VALUE 'dreaming'",
        "CREATE INDEX dreams ON procrastinate_jobs (id) WHERE status = 'dreaming'",
    )

    code, said = lab.run("manage.py", "shell", "--no-imports", "-c", UPGRADE, **environment)

    assert code == 0, said
    assert lab.value("SELECT count(*) FROM pg_indexes WHERE indexname = 'dreams'") == 1


@pytest.mark.serial
def test_first_start_makes_no_backup(prepared):
    assert not (prepared.folder / "backups").exists()


@pytest.mark.serial
def test_start_without_change_makes_no_backup_and_says_nothing(lab):
    said = lab.shell(UPGRADE)

    assert said == ""
    assert not (lab.folder / "backups").exists()


@pytest.mark.serial
def test_database_of_postgresql_15_is_made_whole_or_not_at_all(postgres_server, tmp_path):
    server = postgres_server("15")
    server.start()
    lab = Lab(server.url, tmp_path / "data")
    environment = later_version(tmp_path, "SELECT 1 / 0")

    code, said = lab.run("manage.py", "shell", "--no-imports", "-c", UPGRADE, **environment)
    tables = lab.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    lab.shell(UPGRADE)

    labels = "SELECT json_agg(enumlabel ORDER BY enumsortorder)::text FROM pg_enum WHERE enumtypid = '{}'::regtype"
    statuses = ["todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted"]
    assert code != 0
    assert "The database could not be made ready (division by zero). Nothing was changed." in said
    assert tables == 0
    assert json.loads(str(lab.value(labels.format("procrastinate_job_status")))) == statuses
