"""One person's data to take away: a ZIP with `data.json`, a page to read, and the files that are theirs."""

import datetime as dt
import json
import tempfile
import zipfile
from typing import IO, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from fablab.lib.personal_data import file_givers
from people.exports import export_of
from people.forgetting import declared
from people.lab import current_lab
from people.models import FileAccess, Person

MOST_IN_MEMORY_BYTES = 4 * 1024 * 1024


def export_person(*, person: Person, by: Person | None, now: dt.datetime, target: IO[bytes]) -> int:
    """Write the archive; how many files of theirs are in it. Noted in their file as exported.

    A file that has vanished from the disk is named in `data.json` and left out.
    """
    data = export_of(person)
    paths = [(name, path) for give in file_givers() for name, path in give(person)]
    found = [(name, path) for name, path in paths if path.is_file()]
    whole = {
        "lab": current_lab().name or settings.LAB_NAME,
        "exported_at": now.astimezone(dt.UTC).isoformat(),
        "data": data,
        "files": [name for name, _path in found],
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(whole, ensure_ascii=False, indent=2))
        archive.writestr("data.html", _page(person, whole))
        for name, path in found:
            archive.write(path, name)
    FileAccess.objects.create(person=person, by=by, deed=FileAccess.Deed.EXPORTED, at=now)
    return len(found)


def archive_file(*, person: Person, by: Person, now: dt.datetime) -> IO[bytes]:
    """The archive, ready to be sent: in memory while it is small, else in a file without a name."""
    # Ten print files of 200 MB would fill the memory.
    file = tempfile.SpooledTemporaryFile(max_size=MOST_IN_MEMORY_BYTES)  # noqa: SIM115 (the answer closes it)
    export_person(person=person, by=by, now=now, target=file)
    file.seek(0)
    return file


def archive_name(person: Person, now: dt.datetime) -> str:
    """Without the person's name: it would stay in the list of downloads of a shared computer."""
    return f"data-{person.reference}-{now:%Y-%m-%d}.zip"


def _page(person: Person, whole: dict[str, Any]) -> str:
    titles = {model._meta.label: str(model._meta.verbose_name_plural) for model, _declaration in declared()}
    with translation.override(person.language):
        tables = [
            {"title": titles[label], "names": list(rows[0]), "rows": [list(row.values()) for row in rows]}
            for label, rows in whole["data"].items()
        ]
        return render_to_string("fablab/about/export.html", {"person": person, "tables": tables, **whole})
