"""The backup of each night and the restore test of each week, by the worker."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min

from fablab.backup import ledger, places, rotation
from fablab.backup.archive import Say
from fablab.backup.make import make_backup
from fablab.backup.rehearsal import rehearse
from fablab.backup.status import backup_status


def back_up_when_due(*, now: dt.datetime, say: Say) -> bool:
    """Make the night's backup when it is due, and test it when a week passed; returns whether one was made.

    Side effects in order: the list of erasures beside the archives; the archive; its restore test.

    Raises:
        BackupProblem: it could not be made, or its restore test failed; noted in the status, too.
        OSError: the folder cannot be written.
    """
    if not places.is_nightly():
        return False
    folder = places.backup_dir()
    # Who was erased since the last archive must stay erased, even when this computer is lost today.
    ledger.merge_into(folder / ledger.NAME, ledger.read_lines(ledger.ledger_path()))
    status = backup_status(folder)
    is_due = rotation.is_backup_due(
        last_at=status.last_at,
        attempted_at=status.attempted_at,
        born_at=born_at(),
        now=now,
        zone=ZoneInfo(settings.TIME_ZONE),
    )
    if not is_due:
        return False
    backup = make_backup(folder=folder, now=now, say=say)
    if rotation.is_restore_test_due(tested_at=status.restore_tested_at, now=now):
        rehearse(path=backup.path, passphrase=places.passphrase(), now=now, say=say)
    return True


def born_at() -> dt.datetime | None:
    """When this database was made: its first migration."""
    return MigrationRecorder(connection).Migration.objects.aggregate(first=Min("applied"))["first"]
