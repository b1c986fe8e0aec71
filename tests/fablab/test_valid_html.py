"""Every page is HTML as the standard has it: a strict parser finds no fault, and what points at an id finds one."""

from collections import Counter
from collections.abc import Iterator

import html5lib
import pytest

from tests.api.lab import make_lab
from tests.fablab.test_access import TABLE, url_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

POINTERS = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list", "form")


def faults_of(page: str) -> Iterator[str]:
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree, lines = parser.parse(page), [*page.split("\n"), ""]
    for (line, _column), code, _data in parser.errors:
        yield f"line {line}: {code}: {lines[line - 1].strip()[:120]}"
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id") is not None)
    yield from (f"{count} × id “{name}”" for name, count in ids.items() if count > 1)
    yield from (f"id “{name}” is empty or has a space" for name in ids if not name or name.split() != [name])
    for element in tree.iter():
        for pointer in POINTERS:
            for name in (element.get(pointer) or "").split():
                if name not in ids:
                    yield f"{element.tag} {pointer}=“{name}” points at nothing"


@pytest.mark.parametrize("role", ["anonymous", "holder", "administrator"])
def test_pages_are_valid_html(role: str) -> None:
    lab = make_lab()
    client, faults, pages = lab.client(role), [], 0

    for row in TABLE:
        answer = client.get(url_of(row, lab))
        if answer.streaming:
            # Read to its end, a file is closed.
            list(answer.streaming_content)
        if answer.streaming or not answer.content or not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        pages += 1
        faults += [f"{row.name} {row.variant}: {fault}" for fault in faults_of(answer.content.decode())]

    assert faults == []
    assert pages > 15


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        pytest.param("<p>one<ul></ul></p>", "unexpected-end-tag", id="a list in a paragraph"),
        pytest.param("<form><form></form></form>", "unexpected-start-tag", id="a form in a form"),
        pytest.param("<i id='a'></i><i id='a'></i>", "2 × id", id="an id twice"),
        pytest.param("<label for='a'>b</label>", "points at nothing", id="a label of nothing"),
    ],
)
def test_fault_is_found(page: str, fault: str) -> None:
    found = list(faults_of(f"<!DOCTYPE html><title>t</title>{page}"))

    assert any(fault in one for one in found), found
