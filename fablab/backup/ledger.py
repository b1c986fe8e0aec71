"""The list of erased people's marks, so that who was erased stays erased after a restore.

It is only ever added to. Copies may differ: one is in each archive, one beside the archives, one in the data folder.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from people.erasure_ledger import NAME, ledger_path

__all__ = ["NAME", "ledger_path", "lines_of", "merge_into", "read_lines", "union"]


def read_lines(file: Path) -> list[str]:
    """Its entries; none when there is no such file."""
    try:
        return _entries(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []


def _entries(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def union(ledgers: Iterable[Iterable[str]]) -> list[str]:
    """Every entry of all of them once, in the order in which they are met."""
    return list(dict.fromkeys(line for ledger in ledgers for line in ledger))


def merge_into(file: Path, *others: Iterable[str]) -> int:
    """Add to the file what it lacks; returns how many entries were added. In place at once, mode 0600.

    Raises:
        OSError: it cannot be read or written.
    """
    own = read_lines(file)
    merged = union([own, *others])
    if len(merged) == len(own):
        return 0
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in merged)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    return len(merged) - len(own)


def lines_of(text: bytes) -> list[str]:
    """The entries of an archive's copy."""
    return _entries(text.decode("utf-8"))
