"""What endangers the lab as a whole, for the team: each with the next step. Never raises; asks at most every 30 s."""

import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fablab.backup.places import is_nightly
from fablab.backup.status import BackupStatus, backup_status
from fablab.health import broker_answers
from fablab.personal.purge import last_purge
from fablab.served_certificate import ENDS_SOON, certificate_ends_at
from fablab.stored_facts import StoredFacts, stored_facts
from iot.ingest_health import IngestHealth, ingest_health
from people.lab import current_lab
from people.models import Module

LEAST_FREE_BYTES = 2 * 10**9
LEAST_FREE_SHARE = 0.1
CLOCK_OFF_MOST = dt.timedelta(minutes=2)
BACKUP_OLD_AFTER = dt.timedelta(hours=26)
FIRST_DAY = dt.timedelta(days=1)
PURGE_OLD_AFTER = dt.timedelta(days=2)
BROKER_WITHIN_S = 0.5
KEPT_S = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One banner. `tone` is "out" (something does not work) or "care" (it will not for long)."""

    code: str
    title: str
    next_step: str
    tone: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found; None where it could not be asked, which is no trouble of its own."""

    free_bytes: int | None = None
    disk_bytes: int | None = None
    clock_off: dt.timedelta | None = None
    is_worker_alive: bool | None = None
    is_broker_reachable: bool | None = None
    backup: BackupStatus | None = None
    born_at: dt.datetime | None = None
    ingest: IngestHealth | None = None
    is_purging: bool = False
    purged_at: dt.datetime | None = None
    certificate_ends_at: dt.datetime | None = None


def troubles(now: dt.datetime) -> list[Trouble]:
    """What the team should know now, worst first, in the reader's language; an empty list when all is well."""
    return troubles_of(_facts(), now)


def troubles_of(facts: Facts, now: dt.datetime) -> list[Trouble]:
    """The same from facts. Pure but for the language."""
    found = [*_disk(facts), *_clock(facts), *_worker(facts), *_broker(facts), *_ingest(facts)]
    found += [*_backup(facts, now), *_purge(facts, now), *_certificate(facts, now)]
    return sorted(found, key=lambda trouble: trouble.tone != "out")


def _disk(facts: Facts) -> list[Trouble]:
    if facts.free_bytes is None or not facts.disk_bytes:
        return []
    if facts.free_bytes >= LEAST_FREE_BYTES and facts.free_bytes >= LEAST_FREE_SHARE * facts.disk_bytes:
        return []
    return [
        Trouble(
            "disk",
            _("The disk is nearly full: %(free)s GB left") % {"free": f"{facts.free_bytes / 10**9:.1f}"},
            _("Make room on the computer that runs the lab, or ask whoever looks after it: a full disk stops it."),
            "out" if facts.free_bytes < LEAST_FREE_BYTES / 4 else "care",
        )
    ]


def _clock(facts: Facts) -> list[Trouble]:
    if facts.clock_off is None or facts.clock_off <= CLOCK_OFF_MOST:
        return []
    minutes = round(facts.clock_off.total_seconds() / 60)
    return [
        Trouble(
            "clock",
            ngettext("The clock is off by about %(n)d minute", "The clock is off by about %(n)d minutes", minutes)
            % {"n": minutes},
            _("Set the computer’s clock by the network (timedatectl set-ntp true): reservations go by it."),
            "out",
        )
    ]


def _worker(facts: Facts) -> list[Trouble]:
    if facts.is_worker_alive is not False:
        return []
    return [
        Trouble(
            "worker",
            _("Work in the background stands still"),
            _(
                "Close the lab and open it again the way you always do: until then nothing starts alone and nothing is "
                "backed up."
            ),
            "out",
        )
    ]


def _broker(facts: Facts) -> list[Trouble]:
    if facts.is_broker_reachable is not False:
        return []
    return [
        Trouble(
            "broker",
            _("The machines cannot be heard"),
            _("The message broker does not answer. Close the lab and open it again, or start the broker of MQTT_URL."),
            "out",
        )
    ]


def _ingest(facts: Facts) -> list[Trouble]:
    if facts.ingest is None or not facts.ingest.is_behind:
        return []
    return [
        Trouble(
            "ingest",
            _("The machines say more than is stored"),
            _("Boards and curves are late; nothing is lost. Let two share the work: docs/devices.md says how."),
            "care",
        )
    ]


def _backup(facts: Facts, now: dt.datetime) -> list[Trouble]:
    """One banner at most: the first step towards a backup that holds."""
    if facts.backup is None or not is_nightly() or facts.born_at is None or now - facts.born_at < FIRST_DAY:
        return []
    status = facts.backup
    if status.last_at is None:
        return [Trouble("backup", _("Nothing was ever backed up"), _towards_a_backup(status), "care")]
    if now - status.last_at > BACKUP_OLD_AFTER:
        hours = round((now - status.last_at).total_seconds() / 3600)
        title = _("The last backup is %(hours)d hours old") % {"hours": hours}
        return [Trouble("backup", title, _towards_a_backup(status), "care")]
    if status.restore_error:
        title = _("The last backup could not be restored for trial")
        step = _("Keep the earlier archives. This says what is wrong: manage.py backup --verify")
        return [Trouble("restore-test", title, step, "out")]
    if status.restore_tested_at is None:
        title = _("No backup was ever restored for trial")
        return [Trouble("restore-test", title, _("Run once: manage.py backup --verify"), "care")]
    return []


def _towards_a_backup(status: BackupStatus) -> str:
    if status.error:
        return _("It could not be made, perhaps because its disk is full or away. This says why: manage.py backup")
    return _("See that the background work runs, or make one now: manage.py backup")


def _purge(facts: Facts, now: dt.datetime) -> list[Trouble]:
    since = facts.purged_at or facts.born_at
    if not facts.is_purging or since is None or now - since <= PURGE_OLD_AFTER:
        return []
    title = _("What is past its time was not deleted for two days")
    step = _("After days closed the lab makes up for it within an hour. Else this says what stops it: manage.py purge")
    return [Trouble("purge", title, step, "care")]


def _certificate(facts: Facts, now: dt.datetime) -> list[Trouble]:
    if facts.certificate_ends_at is None or facts.certificate_ends_at - now >= ENDS_SOON:
        return []
    day = {"day": date_format(timezone.localtime(facts.certificate_ends_at), "DATE_FORMAT")}
    is_over = facts.certificate_ends_at <= now
    title = (
        _("The lab’s HTTPS certificate ended on %(day)s")
        if is_over
        else _("The lab’s HTTPS certificate ends on %(day)s")
    )
    step = _("Close the lab and open it again: it makes its own anew. Renew one that you gave to it before that.")
    return [Trouble("certificate", title % day, step, "out" if is_over else "care")]


# --- facts, kept for a while ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    facts: Facts | None = None
    until_s: float = 0.0


_kept = _Kept()
_asking = threading.Lock()


def forget() -> None:
    """Ask anew the next time."""
    _kept.facts = None


def are_due() -> bool:
    """Whether the next look asks anew: whoever asks the database anyway may ask for these facts along with it."""
    return _kept.facts is None or time.monotonic() >= _kept.until_s


def learn(stored: StoredFacts) -> None:
    """What the database knows was asked along with something else: find out the rest, and keep all of it."""
    with _asking:
        _keep(stored)


def _facts() -> Facts:
    with _asking:
        if _kept.facts is None or are_due():
            return _keep(_or_none(stored_facts))
        return _kept.facts


def _keep(stored: StoredFacts | None) -> Facts:
    _kept.facts, _kept.until_s = _with_surroundings(stored), time.monotonic() + KEPT_S
    return _kept.facts


def _with_surroundings(stored: StoredFacts | None) -> Facts:
    disk = _or_none(lambda: shutil.disk_usage(settings.DATA_DIR))
    purged = _or_none(last_purge)
    return Facts(
        free_bytes=disk.free if disk else None,
        disk_bytes=disk.total if disk else None,
        clock_off=stored.clock_off if stored else None,
        is_worker_alive=stored.is_worker_alive if stored else None,
        is_broker_reachable=_or_none(_broker_answers),
        backup=backup_status(),
        born_at=stored.born_at if stored else None,
        ingest=_or_none(lambda: ingest_health(timezone.now())),
        is_purging=not settings.IS_DEMO,
        purged_at=purged.at if purged else None,
        # A certificate of former days, in a lab that serves pages without it, endangers nothing.
        certificate_ends_at=certificate_ends_at() if settings.TLS_CERTIFICATE else None,
    )


def _broker_answers() -> bool | None:
    """Not asked in a lab without devices: nobody would miss it."""
    return broker_answers(settings.BROKER, BROKER_WITHIN_S) if current_lab().has(Module.DEVICES) else None


def _or_none(ask: Callable[[], Answer | None]) -> Answer | None:
    try:
        return ask()
    except (DatabaseTrouble, OSError, ValueError):
        return None
