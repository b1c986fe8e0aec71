import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from fablab.backup import key_swap, places
from fablab.backup.errors import BackupProblem
from fablab.backup.make import make_backup
from fablab.backup.restore import Restored, holds_a_lab, restore_archive
from fablab.backup.server import database_running, lab_closed


class Command(BaseCommand):
    help = "Put an archive of `backup` back, onto an empty database. The lab must be closed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument("--passphrase-file", type=Path, help="file with the passphrase of a sealed archive")
        parser.add_argument("--replace", action="store_true", help="give up the lab that is there")
        parser.add_argument("--rehearse", action="store_true", help="the database only: no files, keys or erasures")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with ExitStack() as held:
                held.enter_context(lab_closed())
                held.enter_context(database_running(may_make=True))
                if not options["rehearse"]:
                    # Of an earlier restore that was killed: what is archived now goes with the keys that fit it.
                    key_swap.finish(is_alone=True)
                if options["replace"] and holds_a_lab():
                    self._keep_what_is_there()
                restored = restore_archive(
                    path=options["file"].expanduser().resolve(),
                    passphrase=_passphrase(options["passphrase_file"]),
                    is_replacing=options["replace"],
                    is_rehearsal=options["rehearse"],
                    now=timezone.now(),
                    say=self._say,
                )
        except BackupProblem as problem:
            sys.exit(str(problem))
        except OSError as error:
            sys.exit(f"{error.filename or settings.DATA_DIR}: {error.strerror}. The database is as it was.")
        self._say(_summary(restored))

    def _keep_what_is_there(self) -> None:
        # The archive to be restored may itself be past its time: nothing is removed now.
        self._say("Archiving what is there, before it goes …")
        backup = make_backup(now=timezone.now(), say=self._say, is_clearing_up=False)
        self._say(f"{backup.path}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _passphrase(file: Path | None) -> str:
    if file is None:
        return places.passphrase()
    try:
        return file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupProblem(f"--passphrase-file {file} cannot be read ({error}).") from error


def _summary(restored: Restored) -> str:
    manifest = restored.manifest
    lines = [
        f"The lab is back as it was at {manifest.created_at:%Y-%m-%d %H:%M} UTC: {manifest.row_count} rows in "
        f"{len(manifest.tables)} tables and {len(manifest.files)} files, each compared."
    ]
    if restored.are_keys_missing:
        lines.append(
            f"The keys were not in the archive: copy the former secrets.json to {settings.DATA_DIR} (keep this one's "
            "database_password), or set FABLAB_FIELD_KEYS and SECRET_KEY; else enter printers' keys and badges anew."
        )
    lines.append("Open it the way you always do: make run ARGS=--no-demo, or with LAN=1 and your --data-dir.")
    return "\n".join(lines)
