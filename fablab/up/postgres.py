"""Our own PostgreSQL: one direct child, on a Unix socket in a private folder, that dies with us."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from fablab.lib.datadir import socket_dir
from fablab.up import postgres_folder
from fablab.up.accounts import Account, unprivileged_account
from fablab.up.children import Child, ChildSpec, start_child
from fablab.up.errors import CannotStart
from fablab.up.locks import FolderLock, not_writable
from fablab.up.postgres_binaries import Binaries, usable_binaries
from fablab.up.stages import Pause, died_early, wait_until_ready

DATABASE = "fablab"
PORT = "5432"  # part of the socket's file name only: nothing listens on the network
DEFAULT_OPTIONS = {
    "max_connections": "200",
    # Compiling a query costs more than our short ones take.
    "jit": "off",
    # What a power cut leaves to be replayed before the lab can open again. Ours writes little.
    "max_wal_size": "256MB",
}
# What the server answers (SQLSTATE 57P03, which libpq does not hand on) until it has replayed its journal.
REPLAYS = ("the database system is starting up", "not yet accepting connections", "in recovery mode")
# Every start begins so.
REPAIR_TOLD_AFTER_S = 5.0
REPAIRING = (
    "The database is repairing itself after a power cut; this may take some minutes. Leave the lab running: "
    "to stop it now would begin the repair anew."
)


class EmbeddedPostgres:
    """PostgreSQL in `<data_dir>/postgres`, with database and superuser `fablab`."""

    name = "database"

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        password: str,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """`binaries` is a folder with `bin/postgres`; `options` are added to the server's settings."""
        self._data_dir = data_dir.absolute()
        self._binaries_root = binaries
        self._password = password
        self._options = {**DEFAULT_OPTIONS, **(options or {})}
        self._sockets = socket_dir(data_dir)
        self._log_file = data_dir / "logs" / "database.log"
        self.child: Child | None = None
        self.at_work = ""
        self.repairing_since_s: float | None = None
        self._lock = FolderLock(
            data_dir / "postgres.lock",
            f"The database in {data_dir} is in use by process {{pid}}. Stop that one, or choose another --data-dir.",
        )

    @property
    def cluster(self) -> Path:
        return self._data_dir / "postgres"

    @property
    def url(self) -> str:
        """postgresql:// with the socket's folder percent-encoded as host."""
        return self._url(DATABASE)

    def _url(self, database: str) -> str:
        host = quote(str(self._sockets), safe="")
        return f"postgresql://{postgres_folder.SUPERUSER}:{quote(self._password, safe='')}@{host}/{database}"

    def start(self, timeout_s: float = 60, pause: Pause = time.sleep) -> None:
        """Start it and return when the database `fablab` answers.

        Raises:
            CannotStart: with the reason and what to do.
        """
        try:
            self.launch()
            wait_until_ready([self], timeout_s, pause)
        except CannotStart:
            self.kill()
            raise

    def stop(self, timeout_s: float = 10) -> None:
        """Stop it, rolling back open transactions; killed when the time is over."""
        if self.child:
            self.child.request_stop()
            self.child.wait(timeout_s)
        self.kill()

    def launch(self) -> None:
        """Start the server process; the first time, make its files.

        Side effects in order: the folder's lock, a copy of the programs when the database's user cannot reach
        them, initdb, the end of a server left behind, the process.

        Raises:
            FolderInUse, FolderNotUsable, FolderOfAnotherVersion, CannotStart: in that order of checks.
        """
        self._lock.take()
        try:
            account = unprivileged_account(self.cluster)
            binaries = self._made_ready(account)
        except PermissionError as error:
            raise not_writable(self._data_dir, error) from error
        self.child = start_child(
            ChildSpec(
                name=self.name,
                argv=(binaries.program("postgres"), "-D", str(self.cluster), *self._arguments()),
                env=postgres_folder.clean_environment(),
                cwd=Path("/"),
                user=account.name if account else None,
                log_file=self._log_file,
                stop_signal=signal.SIGINT,  # "fast": ends the connections; SIGTERM would wait for them
                death_signal=signal.SIGQUIT,  # "immediate": SIGKILL would orphan its own children
            )
        )

    def _made_ready(self, account: Account | None) -> Binaries:
        postgres_folder.let_enter(account, self._data_dir)
        binaries = usable_binaries(account, self._data_dir.parent, self._binaries_root)
        postgres_folder.require_version(self.cluster, binaries)
        postgres_folder.private_folder(self._sockets, account)
        if not (self.cluster / "PG_VERSION").exists():
            is_durable = self._options.get("fsync") != "off"
            postgres_folder.make_cluster(
                self.cluster,
                binaries,
                account,
                password=self._password,
                log_file=self._log_file,
                is_durable=is_durable,
            )
        postgres_folder.clear_stale_server(self.cluster, self._sockets)
        return binaries

    def _arguments(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "port": PORT,
            "timezone": "UTC",
            **self._options,
        }
        return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]

    def is_ready(self) -> bool:
        """Whether it answers and the database exists, which is made when missing.

        Raises:
            CannotStart: the server ended, or refuses our password.
        """
        if self.child is None or self.child.poll() is not None:
            raise died_early("The database", self.child)
        try:
            self._make_database()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise CannotStart(
                    f"{self.cluster} was made with another password than {self._data_dir}/secrets.json has: "
                    "put the former secrets.json back, or move the database's folder away."
                ) from error
            self._note_repair(str(error))
            return False
        self._note_repair("")
        return True

    def _note_repair(self, refusal: str) -> None:
        is_repairing, now_s = any(words in refusal for words in REPLAYS), time.monotonic()
        since_s = (self.repairing_since_s or now_s) if is_repairing else None
        self.repairing_since_s = since_s
        self.at_work = REPAIRING if since_s is not None and now_s - since_s >= REPAIR_TOLD_AFTER_S else ""

    def _make_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=2) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def kill(self) -> None:
        """End it at once, as a power cut would, and let go of the folder; nothing when it has stopped."""
        if self.child:
            self.child.kill()
        self._lock.release()
