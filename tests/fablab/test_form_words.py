"""What a form says of itself when something is to be mended."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from fablab.forms_desk import WelcomeForm
from machines.forms_opening import HoursForm
from machines.forms_qualifications import QualifyForm
from people.forms_people import ContactForm
from tests.factories import make_qualification

SENTENCE = re.compile(r"\{% blocktranslate\b.*?endblocktranslate %\}", re.DOTALL)
# A sign after what stands in for words, or before it: French wants a no-break space there.
LOOSE_SIGN = re.compile(r"[%}]\}(?:</?\w+[^>]*>)*[:;!?](?=[\s<]|$)|>[:;!?] ?\{\{")
TEMPLATES = sorted(Path(settings.BASE_DIR).glob("*/templates/**/*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: "/".join(path.parts[-2:]))
def test_sign_after_a_value_belongs_to_a_sentence_that_is_translated(template: Path) -> None:
    rest = SENTENCE.sub("", template.read_text(encoding="utf-8"))

    assert LOOSE_SIGN.findall(rest) == []


def test_error_of_the_hours_names_the_day_in_words() -> None:
    with translation.override("en"):
        form = HoursForm({"closes_7_0": "18:00", "opens_7_1": "19:00"}, week={})
        labels = [form[name].label for name in form.errors]

    assert labels == ["Opening time on Sunday", "Another closing time on Sunday"]


@pytest.mark.parametrize("year", ["44", "19444", "long ago"])
@pytest.mark.parametrize("form_class", [WelcomeForm, ContactForm])
def test_year_of_birth_is_asked_again_by_an_example(form_class: type, year: str) -> None:
    with translation.override("en"):
        form = form_class({"first_name": "Odette", "last_name": "Brun", "birth_year": year, "language": "fr"})

        assert form.errors["birth_year"] == ["Write the year in four figures, like 1950."]


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "chosen"), [(1, True), (2, False)], ids=["the only one", "one of two"])
def test_only_qualification_is_chosen_already(count: int, chosen: bool) -> None:
    for number in range(count):
        make_qualification(name_en=f"Laser {number}")

    field = QualifyForm()["qualification"]

    assert (field.initial is not None) is chosen
    assert "---" not in str(field)
