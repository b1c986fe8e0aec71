"""An archive's keys count from the moment its rows do: killed at whatever moment, a restore leaves a pair that fits.

Before the rows are written for good the keys wait in a file beside `secrets.json`, and a mark in the database, of the
same transaction as the rows, says that they belong to these. Afterwards they take their place. Whoever comes after a
kill in between finds file and mark, and does the rest.
"""

import json
import secrets
from pathlib import Path

from django.conf import settings
from django.db import connection

from fablab.backup.keys import merged_with, take_into_process, take_secrets, write_private

NAME = "secrets.json.restored"
# On a table that every lab has. A comment goes with its table when another archive takes the database's place.
MARK = "SELECT obj_description(to_regclass('public.django_migrations'), 'pg_class')"
PREFIX = "keys of "


def waiting_file() -> Path:
    return Path(settings.DATA_DIR) / NAME


def prepare(text: bytes) -> None:
    """Let the archive's keys wait, inside the transaction that writes its rows. This process goes on with them.

    Raises:
        OSError: the file cannot be written.
    """
    mark = f"{PREFIX}{secrets.token_hex(16)}"
    waiting = json.dumps({"mark": mark, "secrets": json.loads(text)}).encode()
    write_private(waiting_file(), waiting)
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE public.django_migrations IS %s", [mark])
    take_into_process(merged_with(text))


def finish(*, is_alone: bool) -> bool:
    """Take keys that wait, when their rows are there; returns whether that changed something.

    Those whose rows are not go when one `is_alone`: otherwise their restore may be under way.

    Raises:
        OSError: a file cannot be written.
    """
    file = waiting_file()
    try:
        waiting = json.loads(file.read_text())
    except FileNotFoundError:
        return False
    with connection.cursor() as cursor:
        cursor.execute(MARK)
        row = cursor.fetchone()
    is_theirs = row is not None and row[0] == waiting["mark"]
    has_changed = is_theirs and take_secrets(json.dumps(waiting["secrets"]).encode())
    if is_theirs or is_alone:
        file.unlink(missing_ok=True)
    return has_changed
