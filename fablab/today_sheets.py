"""Each site's sheet of the day in the data folder, made anew each hour: paper for the day on which the server dies."""

import datetime as dt
import logging
import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import override

from fablab.documents import DocumentFault
from fablab.documents.today import today_pdf
from people.models import Site

log = logging.getLogger(__name__)

FOLDER = "sheets"
KEPT = dt.timedelta(hours=48)


def sheets_folder() -> Path:
    return Path(settings.DATA_DIR) / FOLDER


def make_sheets(*, now: dt.datetime) -> int:
    """Write the sheet of every site, readable by this account only, and remove the old ones; how many were written.

    A site whose sheet cannot be set does not keep the others from theirs.
    """
    folder = sheets_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_sheets(older_than=now - KEPT)
    made = 0
    for site in Site.objects.order_by("pk"):
        try:
            with override(settings.LANGUAGE_CODE):
                content = today_pdf(site=site, now=now)
        except DocumentFault as fault:
            log.error("The sheet of %s could not be made: %s", site.slug, fault)
            continue
        _write(folder / f"{site.slug}-{now.astimezone(site.zone):%Y-%m-%d-%Hh}.pdf", content, now)
        made += 1
    return made


def remove_sheets(*, older_than: dt.datetime | None = None) -> int:
    """Remove the sheets made before then, or all of them; how many."""
    removed = 0
    for path in sheets_folder().glob("*.*"):
        if older_than is None or path.stat().st_mtime < older_than.timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _write(path: Path, content: bytes, now: dt.datetime) -> None:
    # Whole or not at all: it is read when nothing else works any more.
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    os.utime(draft, (now.timestamp(), now.timestamp()))
    draft.replace(path)
