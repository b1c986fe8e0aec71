"""Brings database, translations and static files up to date; does nothing when nothing changed.

Run as a program (`python -m fablab.up.prepare`) it does the work; the supervisor asks `is_prepared` first.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import psycopg

STAMP = "prepared.json"
# Of a restore that was killed at its very end: see fablab/backup/key_swap.py.
KEYS_WAITING = "secrets.json.restored"
WATCHED = (
    "*/migrations/*.py",
    "*/static/**/*",
    "*/locale/**/*.po",
    "requirements.txt",
    "*/settings.py",
    "CHANGELOG.md",
)


def is_prepared(root: Path, data_dir: Path, database_url: str) -> bool:
    """Whether the last preparation saw these very files and this very database."""
    stamp = data_dir / STAMP
    if (data_dir / KEYS_WAITING).exists():
        return False
    if not stamp.exists() or not (data_dir / "staticfiles").exists():
        return False
    compiled = [source.with_suffix(".mo") for source in root.glob("*/locale/*/LC_MESSAGES/*.po")]
    if not all(path.exists() for path in compiled):
        return False
    return stamp.read_text() == _stamp(root, database_url)


def note_prepared(root: Path, data_dir: Path, database_url: str) -> None:
    """Remember what has just been prepared."""
    (data_dir / STAMP).write_text(_stamp(root, database_url))


def _stamp(root: Path, database_url: str) -> str:
    return json.dumps({"files": _files_mark(root), "database": _database_mark(database_url)})


def _files_mark(root: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for pattern in WATCHED:
        for path in sorted(root.glob(pattern)):
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _database_mark(database_url: str) -> str:
    """What tells this database from another, or from one that an older backup was restored into."""
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT d.oid, s.system_identifier, (SELECT count(*) FROM django_migrations),"
                " (SELECT max(id) FROM django_migrations), to_regclass('django_cache')::text"
                " FROM pg_database d, pg_control_system() s WHERE d.datname = current_database()"
            ).fetchone()
    except psycopg.Error:
        return "unknown"
    return repr(row)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command

    from fablab.up.errors import CannotStart
    from fablab.up.messages import compile_messages
    from fablab.up.supervisor import say_line

    root = Path(settings.BASE_DIR)
    if compile_messages(root):
        say_line("  translations compiled")
    django.setup()
    # After the setup: it needs the models.
    from django.utils import timezone

    from fablab.backup import key_swap
    from fablab.up.upgrade import say_news, upgrade_database

    if key_swap.finish(is_alone=True):
        say_line("  the last restore was cut short: its keys are in secrets.json now")
    try:
        upgrade_database(now=timezone.now(), say=say_line)
    except CannotStart as error:
        sys.exit(str(error))
    say_line("  database up to date")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    say_line("  static files gathered")
    note_prepared(root, settings.DATA_DIR, os.environ["DATABASE_URL"])
    say_news(say_line)


if __name__ == "__main__":
    main()
