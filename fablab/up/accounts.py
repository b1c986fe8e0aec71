"""Whom to become instead of root, and which folder would bar the way."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from fablab.up.errors import CannotStart

CANDIDATES = ("fablab", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine with its main group."""

    name: str
    uid: int
    gid: int


def named_account(name: str) -> Account:
    """The account of that name.

    Raises:
        CannotStart: this machine has no such user.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise CannotStart(f"This machine has no user {name!r}. Create it, or start without root.") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def unprivileged_account(owned: Path | None = None) -> Account | None:
    """The account to become when we are root, None when we are not.

    The owner of an existing folder `owned` comes first: a user created later must not lock the data out.

    Raises:
        CannotStart: none of the candidates exists.
    """
    if os.geteuid() != 0:
        return None
    if owned is not None and owned.exists() and (uid := owned.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise CannotStart(
                f"{owned} belongs to user {uid}, whom this machine does not know. "
                f"Give it to one it knows: chown -R nobody {owned}"
            ) from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in CANDIDATES:
        if name in known:
            return named_account(name)
    raise CannotStart("PostgreSQL refuses to run as root. Create a user for it: useradd --system fablab")


def barring_folder(account: Account, folder: Path) -> Path | None:
    """The first folder on the way into `folder` that the account may not enter; None when the way is free.

    Reads the permission bits; access lists are not consulted.
    """
    for step in [*reversed(folder.parents), folder]:
        status = step.stat()
        if status.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return step
    return None
