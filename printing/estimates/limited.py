"""Measure a stranger's file in a process of its own, with so much time and memory and no more."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_type_hints

import msgspec

from printing.estimates.limits import MOST_MB, MOST_S, Unmeasurable

ROOT = Path(__file__).resolve().parents[2]

T = TypeVar("T")
logger = logging.getLogger(__name__)


def run_limited(
    function: Callable[..., T], path: Path, *arguments: str, most_s: float = MOST_S, most_mb: int = MOST_MB
) -> T:
    """`function(path, *arguments)` in a child process; for the functions of this package that return a dataclass.

    The child has `most_s` seconds and `most_mb` MB of addresses, may write no file, and sees no variable of ours.
    Logs a child that broke.

    Raises:
        Unmeasurable: what the function refuses; `too_large` when it ran out of time or memory.
        OSError: the file is not there, or the child cannot be started.
    """
    path.stat()
    task = json.dumps([function.__module__, function.__qualname__, os.fspath(path.absolute()), *arguments])
    with subprocess.Popen(
        [sys.executable, "-m", "printing.estimates.child", str(most_s), str(most_mb), task],
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            answer, _ = child.communicate(timeout=most_s)
        except subprocess.TimeoutExpired as error:
            raise Unmeasurable("too_large") from error
        finally:
            child.kill()
    if child.returncode != 0:
        raise Unmeasurable(_code_of_end(child.returncode))
    refused, _, result = answer.partition(b"\n")
    if refused:
        code, _, cause = refused.decode().partition(" ")
        logger.info("Cannot measure a file: %s %s", code, cause)
        raise Unmeasurable(code)
    return msgspec.json.decode(result, type=get_type_hints(function)["return"])


def _code_of_end(returncode: int) -> str:
    if -returncode in (signal.SIGKILL, signal.SIGXCPU):
        return "too_large"
    logger.warning("Measuring a file ended with %d", returncode)
    return "damaged"


def _environment() -> dict[str, str]:
    """One thread, since each takes its share of the addresses; and none of our secrets."""
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {"PATH": os.defpath, "HOME": "/nonexistent", "LANG": "C.UTF-8", **one_thread}
