"""The translations tool: what it finds, what it keeps, what it complains of."""

import gettext
import io
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from django.conf import settings

from fablab.catalogue import gathered, problems, read_catalogue, updated, written

PYTHON = """
from django.utils.translation import gettext as _, ngettext, npgettext, pgettext

def words(count):
    # Translators: seen on the door.
    a = _("Open %(day)s")
    b = ngettext("one machine", "%(count)d machines", count)
    return a, b, pgettext("verb", "Print"), npgettext("sheet", "%(n)d print", "%(n)d prints", count)
"""
TEMPLATE = """
{% load i18n %}
    <h1 title="{% translate "Welcome" %}">{{ name|default:_("Nobody") }}</h1>
  {# Translators: keep it short. #}
  {% blocktranslate trimmed with hour=opens %}
      Open from {{ hour }},
      every day
  {% endblocktranslate %}
        {% blocktranslate count n=free|length %}{{ n }} free{% plural %}{{ n }} are free{% endblocktranslate %}
  {% include "_button.html" with text=_("Reserve") %}
{% translate "Print" context "noun" %}
<style>a { b: c }</style> it's ("unbalanced
"""
EVERYTHING = {
    ("Open %(day)s", None),
    (("one machine", "%(count)d machines"), None),
    ("Print", "verb"),
    (("%(n)d print", "%(n)d prints"), "sheet"),
    ("Welcome", None),
    ("Nobody", None),
    ("Open from %(hour)s, every day", None),
    (("%(n)s free", "%(n)s are free"), None),
    ("Reserve", None),
    ("Print", "noun"),
}


@pytest.fixture
def lab(tmp_path):
    """One application with a module, a template, a migration and an agent."""
    files = {
        "lab/views.py": PYTHON,
        "lab/templates/lab/home.html": TEMPLATE,
        "lab/migrations/0001_initial.py": 'verbose_name = _("an old name")',
        "lab/agent/client.py": 'say(_("on the machine"))',
        "lab/static/lab/note.html": '{% translate "not a template" %}',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def sentences_of(root):
    return gathered([root / "lab"], root)


def keys(catalogue):
    return {(tuple(m.id) if isinstance(m.id, list | tuple) else m.id, m.context) for m in catalogue if m.id}


def translate(catalogue, **texts):
    """Every sentence by itself, or as given by its first words (blanks as underscores)."""
    for message in catalogue:
        if message.id:
            forms = message.id if isinstance(message.id, tuple) else (message.id,)
            given = texts.get(forms[0].split("%")[0].strip().replace(" ", "_"))
            message.string = given if given is not None else message.id


def test_gathered_finds_every_way_of_writing_a_sentence(lab):
    found = sentences_of(lab)

    assert keys(found) == EVERYTHING


def test_gathered_keeps_comments_to_translators_and_places(lab):
    found = sentences_of(lab)

    assert found.get("Open %(day)s").auto_comments == ["Translators: seen on the door."]
    assert found.get("Open from %(hour)s, every day").auto_comments == ["Translators: keep it short."]
    assert [name for name, _ in found.get("Welcome").locations] == ["lab/templates/lab/home.html"]


def test_gathered_reads_every_file_of_this_project():
    root = Path(settings.BASE_DIR)

    found = gathered([root / name for name in ("fablab", "people", "machines", "reservations", "iot")], root)

    assert found.get("Reserved") is not None


def test_updated_keeps_translations_and_comments_and_drops_what_is_gone(lab):
    file = lab / "django.po"
    first = updated(read_catalogue(file, "fr"), sentences_of(lab))
    first.get("Welcome").string = "Bienvenue"
    first.get("Welcome").user_comments = ["said aloud"]
    first.get("Reserve").string = "Réserver"
    file.write_bytes(written(first))
    template = lab / "lab/templates/lab/home.html"
    template.write_text(template.read_text().replace('_("Reserve")', '_("Reserve now")'))

    again = updated(read_catalogue(file, "fr"), sentences_of(lab))

    assert again.get("Welcome").string == "Bienvenue"
    assert again.get("Welcome").user_comments == ["said aloud"]
    assert again.get("Reserve") is None
    assert not again.get("Reserve now").string
    assert b"#~" not in written(again)


def test_updated_changes_nothing_when_nothing_changed_but_lines(lab):
    file = lab / "django.po"
    file.write_bytes(written(updated(read_catalogue(file, "fr"), sentences_of(lab))))
    before = file.read_bytes()
    (lab / "lab/views.py").write_text("\n\n\n" + PYTHON)

    after = written(updated(read_catalogue(file, "fr"), sentences_of(lab)))

    assert after == before


def test_written_catalogue_compiles_with_french_plurals(lab):
    file = lab / "django.po"
    catalogue = updated(read_catalogue(file, "fr"), sentences_of(lab))
    translate(catalogue, one_machine=("une machine", "%(count)d machines"))
    file.write_bytes(written(catalogue))
    compiled = io.BytesIO()

    write_mo(compiled, read_catalogue(file, "fr"))

    compiled.seek(0)
    known = gettext.GNUTranslations(compiled)
    assert [known.ngettext("one machine", "%(count)d machines", n) for n in (0, 1, 2)] == [
        "une machine",
        "une machine",
        "%(count)d machines",
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, []),
        ({"Welcome": ""}, ["untranslated: 'Welcome'"]),
        ({"Open": "Ouvert %(jour)s"}, ["placeholders differ: 'Open %(day)s'"]),
        ({"Open": "Ouvert"}, ["placeholders differ: 'Open %(day)s'"]),
        ({"one_machine": ("%(count)d machine", "%(count)d machines")}, []),
        ({"one_machine": ("une machine", "des machines")}, ["placeholders differ: 'one machine'"]),
        ({"one_machine": ("une machine", "")}, ["untranslated: 'one machine'"]),
    ],
    ids=[
        "all there",
        "empty",
        "another name",
        "left out",
        "singular says its number",
        "plural without its number",
        "a form is missing",
    ],
)
def test_problems_names_the_sentence(lab, texts, expected):
    sentences = sentences_of(lab)
    known = updated(read_catalogue(lab / "django.po", "fr"), sentences_of(lab))
    translate(known, **texts)

    found = [line.rpartition(" (")[0] for line in problems(known, sentences)]

    # “Open from …” begins with the same word.
    assert [line for line in found if "every day" not in line] == expected


def test_problems_names_what_is_missing_fuzzy_or_left_over(lab):
    sentences = sentences_of(lab)
    known = updated(read_catalogue(lab / "django.po", "fr"), sentences_of(lab))
    translate(known)
    known.get("Welcome").flags.add("fuzzy")
    known.delete("Nobody")
    known.add("Goodbye", "Au revoir")

    assert sorted(problems(known, sentences)) == [
        "fuzzy: 'Welcome' (lab/templates/lab/home.html)",
        "missing: 'Nobody' (lab/templates/lab/home.html)",
        "no longer used: 'Goodbye' (nowhere)",
    ]
