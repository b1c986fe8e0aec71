"""Brings the database to this version: a copy first, then all migrations or none."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from fablab.backup.errors import BackupProblem
from fablab.backup.make import Backup, make_backup
from fablab.backup.version import commit
from fablab.up.enum_values import additions_of, types_made_whole
from fablab.up.errors import CannotStart
from fablab.up.news import news

SEEN = "changelog-seen.md"
COMMIT_SEEN = "commit-seen"
Say = Callable[[str], None]


class UpgradeFailed(CannotStart):
    """The database is as it was; the text says where the copy is and how to go back."""


def upgrade_database(*, now: dt.datetime, say: Say) -> None:
    """Apply what is missing.

    Side effects in order, on a database in use: a backup; values of types that cannot join a transaction; in one
    transaction all migrations and the cache's table. On an empty database: the same without a backup.

    Raises:
        UpgradeFailed: nothing was changed.
    """
    pending = pending_migrations()
    if not pending:
        _in_one_transaction()
        return
    is_new = not MigrationRecorder(connection).applied_migrations()
    backup = None if is_new else _backed_up(len(pending), now, say)
    try:
        if is_new:
            with types_made_whole():
                _in_one_transaction()
        else:
            _add_type_values(pending)
            _in_one_transaction()
    except Exception as error:  # A migration may run any code, so that it may fail in any way.
        raise UpgradeFailed(_failure(error, backup)) from error
    if backup:
        _say_what_changed(pending, backup, say)


def pending_migrations() -> list[Migration]:
    """What this version has and the database has not, in the order of application."""
    executor = MigrationExecutor(connection)
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def _backed_up(count: int, now: dt.datetime, say: Say) -> Backup:
    say(f"  this version changes the database in {count} steps: archiving it first …")
    try:
        backup = make_backup(now=now, say=say)
    except BackupProblem as problem:
        raise UpgradeFailed(
            f"The update did not begin, because no backup could be made: {problem} Nothing was changed."
        ) from problem
    say(f"  backup: {backup.path}")
    return backup


def _in_one_transaction() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A reference that is looked at only at the end would forbid the next migration to change its table.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        call_command("createcachetable", verbosity=0)


def _add_type_values(pending: list[Migration]) -> None:
    # They cannot be used in the transaction that adds them. An earlier version does not mind a value it never uses.
    for migration in pending:
        if additions_of(migration):
            with transaction.atomic():
                MigrationExecutor(connection).migrate([(migration.app_label, migration.name)])


def _failure(error: Exception, backup: Backup | None) -> str:
    cause = error.__cause__ if isinstance(error, DatabaseError) and error.__cause__ else error
    first = (str(cause).strip() or type(cause).__name__).split("\n")[0]
    if backup is None:
        return f"The database could not be made ready ({first}). Nothing was changed."
    seen = _read(COMMIT_SEEN).strip()
    way_back = f"git checkout {seen[:12]}" if seen else "git checkout with the commit that ran before"
    return (
        f"The update failed ({first}). Nothing was changed: the lab is as it was, and a backup is in {backup.path}. "
        f"Go on with the earlier version ({way_back}, then open it the way you always do), and report this line."
    )


def _say_what_changed(pending: list[Migration], backup: Backup, say: Say) -> None:
    say("What changed in the database:")
    for migration in pending:
        say(f"  {migration.app_label}: {in_words(migration.name)}")
    say(f"The lab as it was before: {backup.path}")


def in_words(name: str) -> str:
    """A migration's name as words: `0004_site_of_each_reservation` is “site of each reservation”."""
    number, _, words = name.partition("_")
    return words.replace("_", " ") if number.isdigit() and words else name.replace("_", " ")


def say_news(say: Say) -> None:
    """Say what CHANGELOG.md has gained since this data folder last saw it, and remember that it did."""
    changelog = Path(settings.BASE_DIR) / "CHANGELOG.md"
    if not changelog.exists():
        return
    if former := _read(SEEN):
        gained = news(former, changelog.read_text(encoding="utf-8"))
        if gained:
            say("New in this version:")
            for line in gained:
                say(f"  {line}")
    shutil.copyfile(changelog, Path(settings.DATA_DIR) / SEEN)
    (Path(settings.DATA_DIR) / COMMIT_SEEN).write_text(f"{commit()}\n")


def _read(name: str) -> str:
    try:
        return (Path(settings.DATA_DIR) / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
