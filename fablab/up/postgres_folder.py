"""The database's folder: made once, checked each time, never trusted because of a number in a file."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from fablab.up.accounts import Account, barring_folder
from fablab.up.children import ChildSpec, last_words, start_child
from fablab.up.errors import CannotStart, FolderNotUsable, FolderOfAnotherVersion
from fablab.up.locks import not_writable
from fablab.up.postgres_binaries import Binaries
from fablab.up.stages import POLL_S, Pause

SUPERUSER = "fablab"
SYSTEM_DATA = Path("/var/lib/fablab")  # made by us when root; see fablab.lib.datadir
INITDB_TIMEOUT_S = 120
STALE_STOP_TIMEOUT_S = 20


def require_version(cluster: Path, binaries: Binaries) -> None:
    """Refuse a database folder of another major version.

    Raises:
        FolderOfAnotherVersion: with what to do about it.
    """
    file = cluster / "PG_VERSION"
    if not file.exists():
        return
    found = file.read_text().strip()
    if found != str(binaries.major):
        raise FolderOfAnotherVersion(
            f"{cluster} was made by PostgreSQL {found} and this is {binaries.major}: with the release that "
            f"ran {found}, write a backup (manage.py backup); move the folder away; start; restore it."
        )


def private_folder(folder: Path, account: Account | None) -> None:
    """Make the folder, or check it: mode 0700 and owned by the database's user.

    Raises:
        FolderNotUsable: it cannot be made, or belongs to somebody else.
    """
    owner_uid = account.uid if account else os.geteuid()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
        if account and status.st_uid == 0 and not folder.is_symlink():
            os.chown(folder, account.uid, account.gid)
        elif status.st_uid != owner_uid:
            raise FolderNotUsable(f"{folder} belongs to another user. Remove it, or choose another --data-dir.")
        folder.chmod(0o700)
    except OSError as error:
        raise not_writable(folder, error) from error


def let_enter(account: Account | None, data_dir: Path) -> None:
    """Let the database's user pass through the data folder, which is ours to open; never through a parent.

    Raises:
        FolderNotUsable: a folder on the way bars it.
    """
    if account is None:
        return
    ours = [data_dir, data_dir.parent] if data_dir.parent == SYSTEM_DATA else [data_dir]
    for folder in ours:
        folder.chmod(folder.stat().st_mode | 0o011)
    barred_by = barring_folder(account, data_dir.resolve())
    if barred_by:
        raise FolderNotUsable(
            f"PostgreSQL runs as user {account.name!r}, who may not enter {barred_by}: "
            f"choose a folder outside it with --data-dir, such as {SYSTEM_DATA / 'lab'}."
        )


def make_cluster(
    cluster: Path,
    binaries: Binaries,
    account: Account | None,
    *,
    password: str,
    log_file: Path,
    is_durable: bool = True,
) -> None:
    """Make the database's files with initdb; an interrupted attempt leaves nothing behind.

    Without `is_durable` it does not wait for the disk, for tests.

    Raises:
        CannotStart: initdb failed; the sentence has its last line.
    """
    draft = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    private_folder(draft, account)
    # initdb insists on an empty folder, so the password waits beside it and goes with it.
    files = draft / "files"
    private_folder(files, account)
    password_file = draft / f"password-{secrets.token_hex(4)}"
    _write_private(password_file, password, account)
    options = [*_initdb_options(binaries, password_file), *([] if is_durable else ["--no-sync"])]
    argv = (binaries.program("initdb"), "-D", str(files), *options)
    user = account.name if account else None
    _run(ChildSpec("initdb", argv, clean_environment(), cwd=Path("/"), user=user, log_file=log_file))
    files.rename(cluster)
    shutil.rmtree(draft)


def _run(spec: ChildSpec) -> None:
    initdb = start_child(spec)
    if not initdb.wait(INITDB_TIMEOUT_S):
        initdb.kill()
    if initdb.poll() != 0:
        words = last_words(spec.log_file)
        raise CannotStart(f"The database could not be made: {words} Its log: {spec.log_file}")


def _initdb_options(binaries: Binaries, password_file: Path) -> list[str]:
    options = [
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        "--no-instructions",
    ]
    if binaries.major >= 17:
        # Since 17 PostgreSQL knows upper and lower case of every letter by itself, on every system alike.
        return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*options, "--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]


def _write_private(file: Path, text: str, account: Account | None) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    if account:
        os.chown(file, account.uid, account.gid)


def clean_environment() -> dict[str, str]:
    """What PostgreSQL needs of the environment: no PGDATA, PGPORT or PGOPTIONS of the person's own."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def recorded_pid(cluster: Path) -> int | None:
    """The process id in postmaster.pid, which may by now be anybody's."""
    try:
        return abs(int((cluster / "postmaster.pid").read_text().split("\n", 1)[0]))
    except (FileNotFoundError, ValueError):
        return None


def is_postmaster_of(pid: int, cluster: Path) -> bool:
    """Whether that process is a PostgreSQL server working in this folder."""
    if sys.platform == "linux":
        process = Path("/proc") / str(pid)
        try:
            # A server's working folder is its data folder.
            return (process / "cwd").resolve(strict=True) == cluster.resolve() and (
                Path(os.readlink(process / "exe")).name.removesuffix(" (deleted)") == "postgres"
            )
        except OSError:
            return False
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "postgres" in answer.stdout and str(cluster) in answer.stdout


def clear_stale_server(cluster: Path, sockets: Path, pause: Pause = time.sleep) -> None:
    """Stop a server left behind in this folder; forget a recorded process that is not one.

    Call it holding the folder's lock: then no living supervisor can own that server.

    Raises:
        CannotStart: the server left behind does not stop.
    """
    pid = recorded_pid(cluster)
    if pid is None:
        return
    if not is_postmaster_of(pid, cluster):
        # PostgreSQL would refuse to start as long as *any* process has that number.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        for file in sockets.glob(".s.PGSQL.*"):
            file.unlink(missing_ok=True)
        return
    deadline_s = time.monotonic() + STALE_STOP_TIMEOUT_S
    _signal_quietly(pid, signal.SIGINT)
    while is_postmaster_of(pid, cluster):
        if time.monotonic() > deadline_s:
            raise CannotStart(f"A database left behind (process {pid}) does not stop: kill {pid}, then start again.")
        pause(POLL_S)


def _signal_quietly(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise CannotStart(f"A database left behind (process {pid}) belongs to another user: stop it first.") from error
