"""How ingest goes, written where other processes read it: one small file for each consumer, every few seconds."""

import contextlib
import datetime as dt
import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from iot.ingest.consumer import QUEUE_MOST, Ingest
from iot.ingest.raw import RawMessage
from iot.ingest.store import Acknowledgement

WRITTEN_EVERY_S = 5.0
# A consumer that wrote nothing for so long is gone, or hangs.
FRESH_FOR = dt.timedelta(seconds=30)
# A file is small; one of many megabytes is none of ours.
LARGEST_BYTES = 10_000


@dataclass(slots=True)
class Figures:
    """Of one consumer since its start, unless its name says otherwise. Times in seconds since 1970."""

    name: str
    pid: int
    started_at: float
    written_at: float = 0.0
    is_connected: bool = False
    messages: int = 0
    batches: int = 0
    storing_s: float = 0.0
    last_batch_s: float = 0.0
    # How long the oldest message of the last batch had waited once it was committed; of one that is still being stored,
    # as soon as that is longer.
    last_lag_s: float = 0.0
    last_stored_at: float = 0.0
    messages_a_second: float = 0.0
    queue: int = 0
    queue_most: int = QUEUE_MOST
    badges_waiting: int = 0

    def is_fresh(self, now: dt.datetime) -> bool:
        return abs(now.timestamp() - self.written_at) <= FRESH_FOR.total_seconds()


class MeasuredIngest(Ingest):
    """A consumer that counts what it stores, and writes it down beside its work."""

    # When the oldest message came of the batch that is being stored: the database may be away for hours.
    storing_since: dt.datetime | None = None

    def measure_into(self, folder: Path, name: str) -> None:
        """Before `run`: from then on the figures are written into this folder until `stop`."""
        self.figures = Figures(name, os.getpid(), self.clock().timestamp())
        self._file = figures_file(folder, name)
        self._writer = threading.Thread(target=self._write_on, name="figures", daemon=True)
        self._writer.start()

    def _stored(self, raws: list[RawMessage]) -> list[Acknowledgement] | None:
        began_s, self.storing_since = time.perf_counter(), min(raw.received_at for raw in raws)
        acks = super()._stored(raws)
        self.storing_since = None
        if acks is not None:
            self._count(raws, time.perf_counter() - began_s)
        return acks

    def _count(self, raws: Sequence[RawMessage], taken_s: float) -> None:
        told, now = self.figures, self.clock()
        told.messages += len(raws)
        told.batches += 1
        told.storing_s += taken_s
        told.last_batch_s = taken_s
        told.last_lag_s = max(0.0, (now - min(raw.received_at for raw in raws)).total_seconds())
        told.last_stored_at = now.timestamp()

    def _write_on(self) -> None:
        before, before_s = 0, time.monotonic()
        while not self.stopping.wait(WRITTEN_EVERY_S):
            passed_s, told = time.monotonic() - before_s, self.figures
            told.messages_a_second = (told.messages - before) / passed_s
            before, before_s = told.messages, time.monotonic()
            self._write()
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        told, now, since = self.figures, self.clock(), self.storing_since
        told.written_at = now.timestamp()
        if since is not None:
            told.last_lag_s = max(told.last_lag_s, (now - since).total_seconds())
        told.is_connected = self.connected.is_set()
        told.queue, told.badges_waiting = self.waiting.qsize(), self.asking.waiting.qsize()
        draft = self._file.with_name(f".{self._file.name}.{secrets.token_hex(4)}")
        # A full disk must not stop what stores the messages.
        with contextlib.suppress(OSError):
            draft.write_text(json.dumps(asdict(told)))
            draft.replace(self._file)


def figures_file(folder: Path, name: str) -> Path:
    """Where a consumer of this name writes; what is no letter or digit of its name is left out."""
    plain = "".join(letter for letter in name if letter.isalnum() or letter in "-_") or "1"
    return folder / f"ingest-{plain}.json"


def read_figures(folder: Path) -> list[Figures]:
    """Of all consumers that wrote here, by name, also of those that are gone; others' files are passed over."""
    found = []
    for file in sorted(folder.glob("ingest-*.json")):
        try:
            if file.stat().st_size <= LARGEST_BYTES:
                found.append(Figures(**json.loads(file.read_text())))
        except (OSError, ValueError, TypeError):
            continue
    return found
