"""What is past its time goes, every night: by the declarations, then by what each app adds. Proved by counts only."""

import datetime as dt
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Model

from fablab.lib.personal_data import PersonalData, Sweep, more_sweeps
from fablab.personal.inactive import make_anonymous, send_notices
from people.erasure import replay_erasures
from people.forgetting import declared, past_their_time, purge_model

NAME = "purge.log"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Purge:
    """What went, or would go: `{what: how many}`, only what was found; and the parts that could not be done."""

    at: dt.datetime
    is_dry: bool
    counts: dict[str, int] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def purge(*, now: dt.datetime, is_dry: bool = False) -> Purge:
    """Remove, detach or make anonymous all that is past its time; a dry one only counts and writes nothing.

    Side effects in order: erasures that a restore undid; each app's own sweeps; every declared table; notices; files
    of people who have not come for long; a line of proof. What fails is logged and stops nothing but the tables of its
    own app; there is no proof then, and the whole is tried again.
    """
    parts = _Parts()
    if not is_dry:
        parts.do("erased again after a restore", lambda: replay_erasures(now=now))
    # First: they need what the declarations are about to take away.
    for sweep in more_sweeps():
        parts.do(sweep.name, sweep.run, now, is_dry)
    waiting = {_app_of(sweep) for sweep in more_sweeps() if sweep.name in parts.failed}
    for model, declaration in declared():
        if model._meta.app_label not in waiting:
            parts.do(model._meta.label, _purged, model, declaration, now, is_dry)
    parts.do("notices sent", lambda: send_notices(now, is_dry=is_dry))
    parts.do("people.Person", _made_anonymous, parts.counts, now, is_dry)
    found = {name: count for name, count in parts.counts.items() if count}
    result = Purge(now, is_dry, found, tuple(parts.failed))
    if not is_dry and not result.failed:
        _prove(result)
    return result


class _Parts:
    """Each by itself: one that raises does not stop those after it."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.failed: list[str] = []

    def do(self, name: str, part: Callable[..., int], *given: Any) -> None:
        try:
            self.counts[name] = part(*given)
        except Exception:
            log.exception("Purge: “%s” could not be done.", name)
            self.failed.append(name)


def _app_of(sweep: Sweep) -> str:
    return sweep.run.__module__.partition(".")[0]


def _purged(model: type[Model], declaration: PersonalData, now: dt.datetime, is_dry: bool) -> int:
    return past_their_time(model, declaration, now).count() if is_dry else purge_model(model, declaration, now)


def _made_anonymous(counts: dict[str, int], now: dt.datetime, is_dry: bool) -> int:
    outcome = make_anonymous(now, is_dry=is_dry)
    counts["files due that must stay for now"] = outcome.left
    return outcome.done


def log_path() -> Path:
    return Path(settings.DATA_DIR) / NAME


def last_purge() -> Purge | None:
    """The newest line of the log; None before the first night."""
    try:
        lines = log_path().read_text(encoding="utf-8").splitlines()
        row = json.loads(lines[-1])
        return Purge(dt.datetime.fromisoformat(row["at"]), False, dict(row["counts"]))
    except (FileNotFoundError, IndexError, ValueError, KeyError):
        return None


def _prove(result: Purge) -> None:
    path = log_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": result.at.isoformat(), "counts": result.counts}, ensure_ascii=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
        stream.write(line + "\n")
        stream.flush()
        os.fsync(stream.fileno())
