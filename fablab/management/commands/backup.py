import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from fablab.backup import places
from fablab.backup.errors import BackupProblem
from fablab.backup.make import make_backup
from fablab.backup.rehearsal import rehearse
from fablab.backup.server import database_running


class Command(BaseCommand):
    help = "Archive the lab: database and files, in one file. The lab may be open or closed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, help="folder for the archive (default: FABLAB_BACKUP_DIR)")
        parser.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")
        parser.add_argument(
            "--verify", action="store_true", help="then restore it for trial into a database that is thrown away"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._is_quiet = options["quiet"]
        folder = options["to"].expanduser().resolve() if options["to"] else None
        try:
            with database_running(may_make=False):
                self._say("Archiving …")
                backup = make_backup(folder=folder, now=timezone.now(), say=self._say)
                self._say(f"{backup.path} ({backup.size_bytes / 1e6:.1f} MB)")
                if options["verify"]:
                    self._say("Restoring it for trial …")
                    how = rehearse(path=backup.path, passphrase=places.passphrase(), now=timezone.now(), say=self._say)
                    self._say(f"The archive is good ({how}).")
        except BackupProblem as problem:
            sys.exit(str(problem))

    def _say(self, line: str) -> None:
        if not self._is_quiet:
            self.stdout.write(line)
            self.stdout.flush()
