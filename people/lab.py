"""The lab's one row, kept in each process: every page asks for it, and it changes twice a year.

When it has run out it is read with whoever is signed in (`people.sign_in_backends`), else alone.
"""

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, JSONField, Subquery
from django.db.models.functions import JSONObject

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
    stamp_ns = due_stamp_ns()
    if _kept.lab is None or stamp_ns is not None:
        return _keep(Lab.objects.filter(pk=Lab.ONLY_ID).first() or Lab(), stamp_ns or 0)
    return _kept.lab


def due_stamp_ns() -> int | None:
    """The stamp under which the row is to be read anew, looked at before it is read; None while what is kept holds."""
    stamp_ns = _stamp_ns()
    is_good = _kept.lab is not None and stamp_ns == _kept.stamp_ns and time.monotonic() < _kept.until_s
    return None if is_good else stamp_ns


def columns() -> dict[str, Any]:
    """The row, and whether there is a site, to be asked for along with another row."""
    fields = JSONObject(**{field.attname: field.attname for field in Lab._meta.concrete_fields})
    row = Lab.objects.filter(pk=Lab.ONLY_ID).values(row=fields)
    return {"lab_row": Subquery(row, output_field=JSONField()), "lab_has_site": Exists(Site.objects.all())}


def learn(row: dict[str, Any] | None, has_site: bool, stamp_ns: int) -> None:
    """Keep what was asked for by `columns`, while the stamp was this one."""
    found = {field.attname: field.to_python(row[field.attname]) for field in Lab._meta.concrete_fields} if row else {}
    _keep(Lab.from_db(None, list(found), list(found.values())) if found else Lab(), stamp_ns)
    _kept.has_site = _kept.has_site or has_site


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


def _keep(lab: Lab, stamp_ns: int) -> Lab:
    _kept.lab, _kept.stamp_ns, _kept.until_s = lab, stamp_ns, time.monotonic() + KEPT_S
    return lab


def _touch() -> None:
    _kept.lab = None
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    STAMP.write_text(str(time.time_ns()))


def _stamp_ns() -> int:
    try:
        return STAMP.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
