"""Importing a list of people: choose it, look at what it would do, say yes, and watch it being done."""

import csv
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from fablab.lib.spreadsheets import plain_cell
from fablab.views.people_door import posted
from fablab.views.roles import for_role
from people.errors import PeopleError
from people.imports.columns import LABELS
from people.imports.read import MOST_BYTES
from people.imports.run import check_file, start_import, stop_import
from people.imports.words import header_of, notices_of, problems_of
from people.models import ImportRun, Person
from people.permissions import is_manager
from people.selectors import managed_sites
from people.signed_in import signed_in

ROWS_SHOWN = 20
PROBLEMS_SHOWN = 50
RUNS_SHOWN = 10
UNDER_WAY = {ImportRun.State.WAITING, ImportRun.State.RUNNING}


class ImportForm(forms.Form):
    """The file, and where its people belong."""

    site: Any = forms.ModelChoiceField(label=gettext_lazy("Members of"), queryset=None, empty_label=None)
    file = forms.FileField(label=gettext_lazy("The list: a CSV or XLSX file"), allow_empty_file=True)

    examples = {
        "file": gettext_lazy("What a spreadsheet saves: one person a row, and above them what each column holds, like "
                             "“First name”, “Name”, “Year of birth”."),
    }  # fmt: skip

    def __init__(self, *args: Any, manager: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["site"]
        field.queryset = managed_sites(manager)
        field.initial = managed_sites(manager).first()
        self.fields["file"].widget.attrs["accept"] = ".csv,.txt,.xlsx"


@for_role(is_manager)
def choose(request: HttpRequest) -> HttpResponse:
    """Choose a list; it is read and checked at once, and nothing is written before the yes."""
    me = signed_in(request)
    form = ImportForm(posted(request), request.FILES if request.method == "POST" else None, manager=me)
    if request.method == "POST" and form.is_valid():
        file: UploadedFile = form.cleaned_data["file"]
        try:
            # One byte more than allowed is enough to see that it is too much.
            raw = file.read(MOST_BYTES + 1)
            run = check_file(
                site=form.cleaned_data["site"], file_name=file.name or "", raw=raw, by=me, now=timezone.now()
            )
        except PeopleError as error:
            form.add_error("file", str(error))
        else:
            return redirect("people-import-run", run.reference)
    runs = ImportRun.objects.filter(site__in=managed_sites(me)).select_related("site", "created_by")
    context = {"form": form, "runs": runs.defer("rows", "errors")[:RUNS_SHOWN]}
    return render(request, "fablab/people_import/choose.html", context, status=400 if form.errors else 200)


@for_role(is_manager)
@require_safe
def template(request: HttpRequest) -> HttpResponse:
    """An empty list with the names of the columns, and one example, in the reader's language."""
    titles = [str(label) for label in LABELS.values()]
    example = ["Camille", "Martin", "1990", "Nantes", "06 12 34 56 78", "camille@example.org", "", "", _("French")]
    return _csv("people.csv", [[title[:1].upper() + title[1:] for title in titles], example])


@for_role(is_manager)
@require_safe
def run(request: HttpRequest, reference: str) -> HttpResponse:
    """What the list holds and would do; while it is imported how far it is; then what came of it."""
    found = _run(request, reference)
    problems = problems_of(found.errors)
    context: dict[str, Any] = {
        "run": found,
        "is_under_way": found.state in UNDER_WAY,
        "zone": found.site.zone,
        "problems": problems[:PROBLEMS_SHOWN],
        "more_problems": max(len(problems) - PROBLEMS_SHOWN, 0),
        "left_out": len({problem.row for problem in problems}),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "fablab/people_import/run.html#progress", context)
    if found.state == ImportRun.State.CHECKED:
        context |= _preview(found)
    return render(request, "fablab/people_import/run.html", context)


def _preview(found: ImportRun) -> dict[str, Any]:
    columns = header_of(found.errors)
    fields = [field for _name, field in columns if field]
    return {
        "columns": [(name, LABELS[field]) for name, field in columns if field],
        "ignored": [name for name, field in columns if name and not field],
        "fields": [LABELS[field] for field in fields],
        "rows": [(row["row"], [row.get(field, "") for field in fields]) for row in found.rows[:ROWS_SHOWN]],
        "more_rows": max(found.row_count - ROWS_SHOWN, 0),
        "notices": notices_of(found.errors)[:PROBLEMS_SHOWN],
    }


@require_POST
@for_role(is_manager)
def start(request: HttpRequest, reference: str) -> HttpResponse:
    """Yes, import it."""
    found = _run(request, reference)
    try:
        start_import(run=found, by=signed_in(request), now=timezone.now())
    except PeopleError as error:
        messages.error(request, str(error))
    return redirect("people-import-run", reference)


@require_POST
@for_role(is_manager)
def stop(request: HttpRequest, reference: str) -> HttpResponse:
    """No, forget it; or stop what is under way."""
    stop_import(run=_run(request, reference), now=timezone.now())
    messages.success(request, _("Stopped. Whoever was imported already stays on file."))
    return redirect("people-import")


@for_role(is_manager)
@require_safe
def problems(request: HttpRequest, reference: str) -> HttpResponse:
    """The rows that were left out, as they came, with what is wrong: to be mended and imported again."""
    found = _run(request, reference)
    header = [name for name, _field in header_of(found.errors)]
    rows: dict[int, tuple[list[str], list[str]]] = {}
    for problem in problems_of(found.errors):
        _cells, sentences = rows.setdefault(problem.row, (problem.cells, []))
        sentences.append(
            _("%(what)s: %(sentence)s") % {"what": problem.column, "sentence": problem.sentence}
            if problem.column
            else problem.sentence
        )
    lines = [
        [*cells, *[""] * (len(header) - len(cells)), str(number), " ".join(sentences)]
        for number, (cells, sentences) in sorted(rows.items())
    ]
    return _csv(f"import-{found.reference}.csv", [[*header, _("Row"), _("What is wrong")], *lines])


def _run(request: HttpRequest, reference: str) -> ImportRun:
    found = get_object_or_404(ImportRun.objects.select_related("site", "created_by"), reference=reference)
    if not is_manager(request.user, found):
        raise PermissionDenied
    return found


def _csv(name: str, rows: list[list[str]]) -> HttpResponse:
    """With the mark and the separator by which spreadsheets of both languages open it right."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    csv.writer(response, delimiter=";").writerows([plain_cell(cell) for cell in row] for row in rows)
    return response
