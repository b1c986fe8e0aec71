"""Giving up print files: the content, the picture, and what the name tells. Prints and their counts stay."""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from fablab.lib import retention
from printing.files import lock_content, stored_path, thumbnail_path
from printing.models import FileLayers, PrintFile, PrintJob
from printing.models.job import ENDED

log = logging.getLogger(__name__)

# The hash of a file whose content was given up. No content has it, so nothing lies under its name.
GONE_SHA256 = "0" * 64
GONE_NAME = "….gcode"
# An upload writes the content before its row: younger content may be waiting for one.
ORPHAN_AGE = dt.timedelta(hours=6)


def give_up_content(files: QuerySet[PrintFile]) -> int:
    """The files lose their content and picture; after the commit, what no other row names leaves the disk."""
    rows = list(files.exclude(sha256=GONE_SHA256))
    PrintFile.objects.filter(pk__in=[row.pk for row in rows]).update(sha256=GONE_SHA256, has_thumbnail=False)
    FileLayers.objects.filter(file__in=rows).delete()
    transaction.on_commit(lambda: _remove_unnamed(rows))
    return len(rows)


def discard_file(file: PrintFile) -> None:
    """Take back a file that was stored for nothing: no print names it. Its content stays where another row has it."""
    with transaction.atomic():
        mine = PrintFile.objects.filter(pk=file.pk)
        give_up_content(mine)
        mine.delete()


def unused_since(cutoff: dt.datetime) -> QuerySet[PrintFile]:
    """Files with content that were sent before, whose prints have all ended before."""
    jobs = PrintJob.objects.filter(file=OuterRef("pk"))
    recent = jobs.filter(Q(ended_at__gte=cutoff) | Q(ended_at=None, created_at__gte=cutoff) | ~Q(state__in=ENDED))
    return PrintFile.objects.filter(uploaded_at__lt=cutoff).exclude(sha256=GONE_SHA256).exclude(Exists(recent))


def purge_files(now: dt.datetime, *, is_dry: bool) -> int:
    """Give up the content that nobody used for long; rows that no print names go altogether."""
    cutoff = retention.PRINT_FILE.cutoff(now)
    rows = unused_since(cutoff)
    if is_dry:
        return rows.count()
    with transaction.atomic():
        locked = [row.pk for row in rows.select_for_update(of=("self",)).order_by("pk")]
        # Asked again: while we waited for a row, its person may have had it printed once more.
        count = give_up_content(unused_since(cutoff).filter(pk__in=locked))
        PrintFile.objects.filter(sha256=GONE_SHA256, jobs=None).delete()
    return count


def purge_names(now: dt.datetime, *, is_dry: bool) -> int:
    """Names of files whose prints have lost their person: they follow."""
    named = PrintJob.objects.filter(file=OuterRef("pk"), person__isnull=False)
    rows = PrintFile.objects.filter(
        Q(uploaded_by__isnull=False) | ~Q(name=GONE_NAME),
        sha256=GONE_SHA256,
        uploaded_at__lt=retention.BOOKING.cutoff(now),
    ).exclude(Exists(named))
    return rows.count() if is_dry else rows.update(uploaded_by=None, name=GONE_NAME)


def purge_orphans(now: dt.datetime, *, is_dry: bool) -> int:
    """Contents that no row names: what a process left that was killed between the commit and the disk."""
    folder = Path(settings.MEDIA_ROOT) / "prints"
    named = set(PrintFile.objects.exclude(sha256=GONE_SHA256).values_list("sha256", flat=True))
    oldest_s = time.time() - ORPHAN_AGE.total_seconds()
    orphans = [
        path
        for path in (folder.rglob("*") if folder.is_dir() else ())
        if path.is_file() and path.stem not in named and path.stat().st_mtime < oldest_s
    ]
    if not is_dry:
        for path in orphans:
            path.unlink(missing_ok=True)
    return len(orphans)


def _remove_unnamed(files: Iterable[PrintFile]) -> None:
    for file in files:
        with transaction.atomic():
            lock_content(file.sha256)
            if not PrintFile.objects.filter(sha256=file.sha256).exists():
                _remove(file)


def _remove(file: PrintFile) -> None:
    for path in (stored_path(file), thumbnail_path(file)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            # The nightly purge finds it again.
            log.warning("A print file could not be removed: %s", error.strerror)
