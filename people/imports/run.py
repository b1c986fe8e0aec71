"""An import's life: a file is checked and kept, somebody says yes, and the background worker writes batch by batch.

A batch is one transaction that locks the run, writes some people and moves `done_count` on: a worker killed anywhere
has either done a batch or not, and whoever comes next goes on there. Two workers at once take turns.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from fablab.lib.jobs import enqueue
from people.errors import WrongState
from people.imports.check import Checked, Entry, RowError, check_table
from people.imports.match import Step, plan
from people.imports.read import Table, read_table
from people.imports.write import Outcome, write_steps
from people.models import ImportRun, Person, Site

TASK = "people.tasks.import_people"
BATCH_ROWS = 250
LOOKED_AT_ONCE = 2000
MOST_NAME_LETTERS = 160
# A yes that never came; and rows that were left out, which are about people who are not on file.
FORGET_CHECKED_AFTER = dt.timedelta(days=1)
FORGET_ERRORS_AFTER = dt.timedelta(days=30)
State = ImportRun.State
UNDER_WAY = (State.WAITING, State.RUNNING)
Clock = Callable[[], dt.datetime]


def check_file(*, site: Site, file_name: str, raw: bytes, by: Person, now: dt.datetime) -> ImportRun:
    """Read and check the file, and keep what it holds until somebody says yes or a day has passed. Nobody is
    written: the run's counts say what a yes would do.

    Raises:
        UnreadableFile: it is no list that can be read.
    """
    table = read_table(raw)
    checked = check_table(table, year=now.year)
    outcome, entries, errors = _foreseen(checked, site, now)
    return ImportRun.objects.create(
        site=site, file_name=file_name[-MOST_NAME_LETTERS:], rows=entries, row_count=len(entries),
        created_count=outcome.created, changed_count=outcome.changed, unchanged_count=outcome.unchanged,
        errors=[_columns(table, checked), *_kept_errors(errors, table)], created_by=by, created_at=now,
    )  # fmt: skip


def start_import(*, run: ImportRun, by: Person, now: dt.datetime) -> None:
    """Yes: the background worker begins. Said twice it is said once.

    Raises:
        WrongState: `nothing_to_import`: every row has an error.
    """
    if run.state == State.CHECKED and not run.row_count:
        raise WrongState("nothing_to_import", _("No row of this list can be imported. Mend it, then choose it anew."))
    with transaction.atomic():
        rows = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED)
        if rows.update(state=State.WAITING, created_count=0, changed_count=0, unchanged_count=0, created_by=by):
            enqueue(TASK, reference=run.reference)
    run.refresh_from_db()


def stop_import(*, run: ImportRun, now: dt.datetime) -> None:
    """No, or no further: a list that waits for a yes is forgotten, one under way stops behind its current batch."""
    with transaction.atomic():
        ImportRun.objects.filter(pk=run.pk, state=State.CHECKED).delete()
        ImportRun.objects.filter(pk=run.pk, state__in=UNDER_WAY).update(state=State.FAILED, rows=[], finished_at=now)


def run_import(*, reference: str, clock: Clock) -> None:
    """Write the people of the run, from where it stands to its end; nothing when it is over or somebody else is at
    it. Each batch is committed by itself."""
    run = ImportRun.objects.filter(reference=reference, state__in=UNDER_WAY).first()
    if run is None:
        return
    entries: list[Entry] = run.rows
    while _import_batch(run.pk, entries, clock()):
        pass


def imports_to_resume() -> list[str]:
    """References of those under way; whether a worker is at them, only their lock tells."""
    return list(ImportRun.objects.filter(state__in=UNDER_WAY).values_list("reference", flat=True))


def forget_imports(*, now: dt.datetime) -> int:
    """Delete lists that nobody said yes to, and empty the errors of old imports; how many of both."""
    waiting = ImportRun.objects.filter(state=State.CHECKED, created_at__lt=now - FORGET_CHECKED_AFTER)
    old = ImportRun.objects.filter(state__in=[State.DONE, State.FAILED], finished_at__lt=now - FORGET_ERRORS_AFTER)
    return waiting.delete()[0] + old.exclude(errors=[]).update(errors=[])


def _import_batch(pk: int, entries: Sequence[Entry], now: dt.datetime) -> bool:
    """Write the next batch; whether there may be more to do."""
    with transaction.atomic():
        runs = ImportRun.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).defer("rows")
        run = runs.select_related("created_by").filter(pk=pk, state__in=UNDER_WAY).first()
        if run is None:
            return False
        # Two lists for one site do not pass each other, or both would make the same person.
        site = Site.objects.select_for_update(of=("self",), no_key=True).get(pk=run.site_id)
        batch = entries[run.done_count : run.done_count + BATCH_ROWS]
        outcome, errors = _written(batch, site, run.created_by, now)
        run.created_count += outcome.created
        run.changed_count += outcome.changed
        run.unchanged_count += outcome.unchanged
        run.done_count += len(batch)
        run.errors = [*run.errors, *(_kept_error(error, []) for error in errors)]
        run.started_at = run.started_at or now
        is_over = run.done_count >= len(entries)
        run.state = State.DONE if is_over else State.RUNNING
        changed = ["created_count", "changed_count", "unchanged_count", "done_count", "errors", "started_at", "state"]
        if is_over:
            # Personal data is not kept twice.
            run.rows, run.finished_at = [], now
            changed += ["rows", "finished_at"]
        run.save(update_fields=changed)
    return not is_over


def _written(batch: Sequence[Entry], site: Site, by: Person | None, now: dt.datetime) -> tuple[Outcome, list[RowError]]:
    """All rows at once; when one of them breaks a rule of the database, each by itself."""
    try:
        with transaction.atomic():
            return _at_once(batch, site, by, now)
    except (IntegrityError, DataError):
        if len(batch) == 1:
            return Outcome(), [RowError(int(batch[0]["row"]), "not_saved")]
    parts = [_written([entry], site, by, now) for entry in batch]
    total = Outcome(*(sum(getattr(part, name) for part, _errors in parts) for name in Outcome.__slots__))
    return total, [error for _part, errors in parts for error in errors]


def _at_once(batch: Sequence[Entry], site: Site, by: Person | None, now: dt.datetime) -> tuple[Outcome, list[RowError]]:
    found = plan(batch, site=site, now=now, for_update=True)
    steps = [step for step in found if isinstance(step, Step)]
    return write_steps(steps, site=site, by=by, now=now), [error for error in found if isinstance(error, RowError)]


def _foreseen(checked: Checked, site: Site, now: dt.datetime) -> tuple[Outcome, list[Entry], list[RowError]]:
    """What the rows would do to the people who are on file now."""
    steps: list[Step] = []
    errors = list(checked.errors)
    for part in _parts(checked.entries):
        for found in plan(part, site=site, now=now):
            if isinstance(found, RowError):
                errors.append(found)
            else:
                steps.append(found)
    new, unchanged = sum(step.is_new for step in steps), sum(step.is_unchanged for step in steps)
    errors += [RowError(int(step.entry["row"]), "namesake") for step in steps if step.is_new and step.has_namesake]
    entries = [step.entry for step in steps]
    return Outcome(new, len(steps) - new - unchanged, unchanged), entries, sorted(errors, key=lambda e: e.row)


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for begin in range(0, len(entries), LOOKED_AT_ONCE):
        yield entries[begin : begin + LOOKED_AT_ONCE]


def _columns(table: Table, checked: Checked) -> dict[str, Any]:
    """The first of a run's `errors` is none: it says which columns the file has, and what each was taken for."""
    return {"row": table.header_row, "code": "columns", "header": table.header, "fields": checked.fields}


def _kept_errors(errors: Iterable[RowError], table: Table) -> list[dict[str, Any]]:
    cells = dict(table.rows)
    return [_kept_error(error, cells.get(error.row, []) if error.code != "namesake" else []) for error in errors]


def _kept_error(error: RowError, cells: Sequence[str]) -> dict[str, Any]:
    return asdict(error) | {"cells": list(cells)}
