"""The lab's one row, kept in each process: every page asks for it, and it changes twice a year."""

import time
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from people.models.lab import Lab
from people.models.site import Site

# Processes of one machine see a change at once, by the stamp; those of another machine after this long.
KEPT_S = 10.0
STAMP = settings.DATA_DIR / "run" / "lab.stamp"


@dataclass
class _Kept:
    lab: Lab | None = None
    stamp_ns: int = 0
    until_s: float = 0.0
    has_site: bool = False


_kept = _Kept()


def current_lab() -> Lab:
    """The lab's settings; an unsaved empty one before the first questions are answered. Mostly no query."""
    stamp_ns, now_s = _stamp_ns(), time.monotonic()
    if _kept.lab is None or stamp_ns != _kept.stamp_ns or now_s >= _kept.until_s:
        _kept.lab = Lab.objects.filter(pk=Lab.ONLY_ID).first() or Lab()
        _kept.stamp_ns, _kept.until_s = stamp_ns, now_s + KEPT_S
    return _kept.lab


def lab_for_change() -> Lab:
    """The row, locked until the transaction ends; made when there is none."""
    Lab.objects.get_or_create(pk=Lab.ONLY_ID)
    return Lab.objects.select_for_update().get(pk=Lab.ONLY_ID)


def save_lab(lab: Lab) -> Lab:
    """Store it and let every process know once the transaction commits."""
    lab.save()
    _kept.lab = None
    transaction.on_commit(_touch)
    return lab


def is_new() -> bool:
    """Whether nobody has answered the first question yet: no site at all."""
    if _kept.has_site or current_lab().set_up_at is not None:
        return False
    _kept.has_site = Site.objects.exists()
    return not _kept.has_site


def forget() -> None:
    """Read it anew next time; for tests, whose database is rolled back under it."""
    global _kept
    _kept = _Kept()


def _touch() -> None:
    _kept.lab = None
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    STAMP.write_text(str(time.time_ns()))


def _stamp_ns() -> int:
    try:
        return STAMP.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
