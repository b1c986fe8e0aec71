"""Translations compiled with Babel: a fresh machine has no msgfmt."""

import io
import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_messages(root: Path) -> int:
    """Compile the catalogues under `root` whose compiled form is missing or older; returns how many.

    Each is written beside its source and put in place at once: several processes may do this together.

    Raises:
        OSError: a folder cannot be written.
    """
    stale = [source for source in root.glob("*/locale/*/LC_MESSAGES/*.po") if _is_stale(source)]
    for source in stale:
        with source.open("rb") as stream:
            catalogue = read_po(stream, locale=source.parent.parent.name)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        draft = source.with_suffix(f".{os.getpid()}")
        draft.write_bytes(compiled.getvalue())
        draft.replace(source.with_suffix(".mo"))
    return len(stale)


def _is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns
