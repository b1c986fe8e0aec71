"""A list of machines of one's own, on the first day: looked at first, then made."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import ngettext

from fablab.first_run import steps
from fablab.first_run.forms import MachineListForm
from fablab.first_run.machines import known_here, make_listed_machines
from fablab.first_run.words import list_sentence, list_summary
from fablab.views.first_run_asking import answer_to, answering, ask, place_of
from machines.machine_lists import ListRefused, ListRow, list_text, parse_machine_list
from people.models import Site
from people.signed_in import signed_in


@answering
def machine_list(request: HttpRequest) -> HttpResponse:
    """Paste or choose a list; see what each line comes to; then say yes."""
    site = place_of()
    form = MachineListForm(answer_to(request), request.FILES or None)
    rows: list[ListRow] = []
    if form.is_valid():
        try:
            text, rows = _read(form, site)
        except ListRefused as refusal:
            form.add_error("file" if form.cleaned_data["file"] else "text", list_sentence(refusal.denial))
        else:
            if "make" in request.POST:
                return _make(request, site, rows)
            # The list as it was read stands in the page, to be mended and sent again.
            form = MachineListForm(initial={"text": text})
    preview = [(row, [list_sentence(denial) for denial in row.denials]) for row in rows]
    facts = {"preview": preview, "summary": list_summary(rows), "can_make": any(row.is_to_be_made for row in rows)}
    return ask(request, steps.MACHINES, form, template="machine_list", **facts)


def _read(form: MachineListForm, site: Site) -> tuple[str, list[ListRow]]:
    """The text that was sent and its rows.

    Raises:
        ListRefused: it cannot be read.
    """
    file = form.cleaned_data["file"]
    text = list_text(file.read() if file else form.cleaned_data["text"].encode())
    return text, parse_machine_list(text, known_here(site))


def _make(request: HttpRequest, site: Site, rows: list[ListRow]) -> HttpResponse:
    made = make_listed_machines(site=site, rows=rows, by=signed_in(request), now=timezone.now())
    words = ngettext("%(n)d machine made.", "%(n)d machines made.", len(made))
    messages.success(request, words % {"n": len(made)})
    return redirect("first-run-step", steps.MACHINES.slug)
