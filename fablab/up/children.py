"""Child processes that never outlive us, and the log each one writes."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fablab.up.accounts import named_account
from fablab.up.errors import CannotStart

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOG_KEPT_BYTES = 5_000_000

# Loaded before any fork: a child between fork and exec must not import.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start one process.

    `user` is the account to become before exec (None: stay). Without `log_file` it writes where we write.
    `death_signal` is what the kernel sends it when we are killed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    user: str | None = None
    log_file: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    inherited_fds: tuple[int, ...] = ()


class Child:
    """A started process, leader of its own group."""

    def __init__(self, spec: ChildSpec, process: subprocess.Popen[bytes]) -> None:
        self.spec = spec
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def request_stop(self) -> None:
        """Send its stop signal; nothing when it has already ended."""
        self._process.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """End it and whatever it left in its process group, at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:  # macOS says so of a group whose members have all ended
            self._process.kill()
        self._process.wait()


def start_child(spec: ChildSpec) -> Child:
    """Start the process in a group of its own, so that Ctrl-C in the terminal reaches the supervisor only.

    On Linux the kernel ends it when we die. The tie is to the *thread* that forks: the main thread only.

    Raises:
        CannotStart: its program or its user does not exist, or its log cannot be written.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Start child processes from the main thread: they die with their thread.")
    account = named_account(spec.user) if spec.user and os.geteuid() == 0 else None
    log: IO[bytes] | None = None
    try:
        log = _opened_log(spec.log_file) if spec.log_file else None
        process = subprocess.Popen(
            spec.argv,
            env=dict(spec.env),
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT if log else None,
            pass_fds=spec.inherited_fds,
            process_group=0,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=os.getgrouplist(account.name, account.gid) if account else None,
            # Popen runs this after the change of user: that change would clear the tie again.
            preexec_fn=_tie_to_parent(os.getpid(), spec.death_signal),
        )
    except OSError as error:
        raise CannotStart(f"{spec.name} cannot be started: {error}.") from error
    finally:
        if log:
            log.close()
    return Child(spec, process)


def _tie_to_parent(parent_pid: int, death_signal: signal.Signals) -> Callable[[], None]:
    def tie() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        # The parent may have died before the tie existed.
        if os.getppid() != parent_pid:
            os._exit(1)

    return tie


def _opened_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def last_words(log_file: Path | None) -> str:
    """The last line of a child's log that says something, or an empty text."""
    if log_file is None or not log_file.exists():
        return ""
    with log_file.open("rb") as stream:
        stream.seek(max(0, log_file.stat().st_size - 4096))
        lines = stream.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def die_with_make() -> None:
    """When make started us, be asked to stop when make is killed (on Linux); otherwise nothing."""
    if _LIBC is not None and "MAKELEVEL" in os.environ:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
