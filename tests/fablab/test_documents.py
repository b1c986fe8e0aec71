"""Documents set by typst: in our typeface or not at all, readable by screen readers, in the person's language."""

import datetime as dt

import pytest
from django.utils.translation import override

from fablab.documents import DocumentFault, typst_pdf
from fablab.documents.card import card_pdf, in_groups, qr_svg
from people.models import Person, Site
from tests.factories import NOW

SITE = Site(name="Riverside", address="3 quai du Port", phone="02 99 00 00 00")


def person(**fields):
    return Person(**({"first_name": "Odile", "last_name": "Faure", "card_code": "7QWE4RTYBNM2"} | fields))


@pytest.fixture
def seen(monkeypatch):
    """What reached typst, beside the real document."""
    data = {}

    def keep(template, given, **rest):
        data.update(given)
        return typst_pdf(template, given, **rest)

    monkeypatch.setattr("fablab.documents.card.typst_pdf", keep)
    return data


@pytest.mark.django_db
def test_card_is_set_in_our_typeface_and_says_that_it_is_accessible():
    pdf = card_pdf(person=person(), site=SITE, lab_name="The lab", code="482913", code_until=NOW)

    assert pdf.startswith(b"%PDF-1.7")
    assert b"AtkinsonHyperlegibleNext-Regular" in pdf
    assert b"AtkinsonHyperlegibleNext-Bold" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"<xmpTPg:NPages>1</xmpTPg:NPages>" in pdf


@pytest.mark.django_db
@pytest.mark.parametrize(
    "names",
    [("Jean-Christophe Alexandre Marie", "de La Rochefoucauld-Montmorency-Luxembourg"), ("Ελένη", "Παπαδοπούλου"),
     ("#import", "*bold* $x$ \\"), ("", "Ng")],
    ids=["very long", "Greek", "typst's own signs", "one short name"],
)  # fmt: skip
def test_any_name_is_set_on_one_page(names):
    pdf = card_pdf(person=person(first_name=names[0], last_name=names[1]), site=SITE, lab_name="The lab")

    assert b"<xmpTPg:NPages>1</xmpTPg:NPages>" in pdf


@pytest.mark.django_db
@pytest.mark.parametrize(("mine", "reader"), [("fr", "en"), ("en", "fr")])
def test_card_speaks_the_persons_language_not_the_readers(seen, mine, reader):
    with override(reader):
        card_pdf(person=person(language=mine), site=SITE, lab_name="The lab")

    assert (seen["language"], seen["card_words"]) == (mine, {"fr": "carte", "en": "card"}[mine])


@pytest.mark.django_db
def test_code_stands_on_the_page_only_when_one_was_made(seen):
    card_pdf(person=person(), site=SITE, lab_name="The lab")
    without = seen["code"]
    card_pdf(person=person(), site=SITE, lab_name="The lab", code="482913", code_until=NOW + dt.timedelta(days=1))

    assert (without, seen["code"], seen["card_code"]) == ("", "482 913", "7QWE 4RTY BNM2")


def test_missing_typeface_is_an_error(tmp_path):
    with pytest.raises(DocumentFault, match="Atkinson Hyperlegible Next is missing"):
        typst_pdf("card", {}, fonts=tmp_path)


def test_missing_data_is_an_error():
    with pytest.raises(DocumentFault, match="card"):
        typst_pdf("card", {"title": "Your card"})


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("7QWE4RTYBNM2", 4, "7QWE 4RTY BNM2"),
        ("482913", 3, "482 913"),
        ("demo-person-1", 4, "demo-person-1"),
        ("", 3, ""),
    ],
)
def test_codes_are_grouped_to_be_read_aloud(text, size, expected):
    assert in_groups(text, size) == expected


def test_square_is_drawn_in_black_on_white():
    drawn = qr_svg("7QWE4RTYBNM2")

    assert drawn.startswith("<?xml")
    assert "#fff" in drawn
