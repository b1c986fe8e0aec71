"""What is past its time goes, every night: by the declarations, then by what each app adds. Proved by counts only."""

import datetime as dt
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from fablab.lib.personal_data import more_sweeps
from fablab.personal.inactive import make_anonymous, send_notices
from people.erasure import replay_erasures
from people.forgetting import declared, past_their_time, purge_model

NAME = "purge.log"


@dataclass(frozen=True, slots=True)
class Purge:
    """What went, or would go: `{what: how many}`, only what was found."""

    at: dt.datetime
    is_dry: bool
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def purge(*, now: dt.datetime, is_dry: bool = False) -> Purge:
    """Remove, detach or make anonymous all that is past its time; a dry one only counts and writes nothing.

    Side effects in order: erasures that a restore undid; each app's own sweeps; every declared table; notices; files
    of people who have not come for long; a line of proof.
    """
    counts = {} if is_dry else {"erased again after a restore": replay_erasures(now=now)}
    # First: they need what the declarations are about to take away.
    for sweep in more_sweeps():
        counts[sweep.name] = sweep.run(now, is_dry)
    for model, declaration in declared():
        rows = past_their_time(model, declaration, now)
        counts[model._meta.label] = rows.count() if is_dry else purge_model(model, declaration, now)
    counts["notices sent"] = send_notices(now, is_dry=is_dry)
    outcome = make_anonymous(now, is_dry=is_dry)
    counts |= {"people.Person": outcome.done, "files due that must stay for now": outcome.left}
    result = Purge(now, is_dry, {name: count for name, count in counts.items() if count})
    if not is_dry:
        _prove(result)
    return result


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
