"""Runs a program of the settings: a list of words, never a shell, so that no text of the lab becomes a command."""

import logging
import subprocess
from collections.abc import Mapping, Sequence

log = logging.getLogger("fablab-agent")

WITHIN_S = 10


class HookFailed(Exception):
    """The program is missing, failed or took too long; the text says which and why."""


def run_hook(command: Sequence[str], values: Mapping[str, str] | None = None) -> None:
    """Run it to its end, `{name}` in a word replaced by the value of that name. Nothing happens without a command.

    Raises:
        HookFailed
    """
    if not command:
        return
    words = [_filled(word, values or {}) for word in command]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=WITHIN_S, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise HookFailed(f"{words[0]}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:200]
        raise HookFailed(f"{words[0]} ended with {done.returncode}: {said}")


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
