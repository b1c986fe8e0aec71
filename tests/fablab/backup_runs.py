"""Databases, folders and processes for the tests of backups."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from fablab.backup import tables

EMPTY = "template0"
ROOT = Path(__file__).resolve().parent.parent.parent
# A restore of all migrations takes half a minute, on a busy machine many times that.
WITHIN_S = 600


def own_server_url() -> str:
    """Of the server that the whole run uses."""
    return os.environ["DATABASE_URL"]


def database_url(server_url: str, name: str) -> str:
    parts = urlsplit(server_url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def make_database(server_url: str, name: str, *, template: str = EMPTY) -> str:
    """A new database, in place of one of that name; its address."""
    drop_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return database_url(server_url, name)


def drop_database(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Lab:
    """A database with its data folder, and the commands that work on both."""

    url: str
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("FABLAB_")}
        return known | {"DATABASE_URL": self.url, "FABLAB_DATA_DIR": str(self.folder)} | more

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: object, **environment: str) -> tuple[int, str]:
        """The exit code and all that was said."""
        process = self.start(*arguments, **environment)
        try:
            said, _ = process.communicate(timeout=WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return process.returncode, said

    def start_in_shell(self, code: str) -> subprocess.Popen[str]:
        return self.start("manage.py", "shell", "--no-imports", "-c", code)

    def shell(self, code: str) -> str:
        """What the code printed."""
        exit_code, said = self.manage("shell", "--no-imports", "-c", code)
        assert exit_code == 0, said
        return said

    def manage(self, *arguments: object, **environment: str) -> tuple[int, str]:
        return self.run("manage.py", *arguments, **environment)

    def back_up(self, to: Path, **environment: str) -> Path:
        """The archive that `backup` made."""
        code, said = self.manage("backup", "--to", to, **environment)
        assert code == 0, said
        return max(to.glob("fablab-*.tar*"))

    def rows(self) -> dict[str, tuple[int, str]]:
        """Count and checksum of every table."""
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            tables.fix_form(cursor)
            read = [tables.read_table(cursor, table) for table in tables.tables(cursor)]
        return {table.name: (table.rows, table.sha256) for table in read}

    def files(self) -> dict[str, bytes]:
        root = self.folder / "files"
        found = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".part")
        return {str(path.relative_to(root)): path.read_bytes() for path in found}

    def value(self, query: str) -> object:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]
