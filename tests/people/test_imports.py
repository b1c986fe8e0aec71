"""A list of people: what is read, what is refused in words, and that the same list twice changes nothing."""

import csv
import datetime as dt
import inspect
import io
import random
import zipfile
from collections import Counter

import openpyxl
import pytest
from django.utils.translation import override

from people.imports import check, match, run
from people.imports.check import LENGTHS, check_table
from people.imports.columns import LABELS, NAMES, fields_of
from people.imports.errors import UnreadableFile
from people.imports.read import MOST_ROWS, read_table
from people.imports.words import NOTICES, SENTENCES

YEAR = 2026
HEADER = "Prénom;Nom;Année de naissance;Ville;Téléphone;E-mail;Responsable;Téléphone du responsable;Langue"
ROW = "Zoé;Durand;1990;Nantes;06 12 34 56 78;zoe@example.org;;;fr"


def as_csv(*lines, separator=";", encoding="utf-8", end="\n"):
    return end.join(line.replace(";", separator) for line in lines).encode(encoding)


def as_xlsx(*rows, sheets=1):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for n in range(1, sheets):
        book.create_sheet(f"other {n}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


def outcome_of(raw):
    """`read`, or the reason why it is refused; anything else that is raised goes on upwards."""
    try:
        read_table(raw)
    except UnreadableFile as refusal:
        return refusal.code
    return "read"


def with_wrong_bytes(whole, rng):
    broken = bytearray(whole)
    for _ in range(rng.randint(1, 40)):
        broken[rng.randrange(4, len(broken))] = rng.randrange(256)
    return bytes(broken)


def checked(*lines):
    return check_table(read_table(as_csv(*lines)), year=YEAR)


class TestReading:
    @pytest.mark.parametrize(
        "raw",
        [
            as_csv(HEADER, ROW),
            as_csv(HEADER, ROW, separator=","),
            as_csv(HEADER, ROW, separator="\t"),
            as_csv(HEADER, ROW, encoding="utf-8-sig"),
            as_csv(HEADER, ROW, encoding="cp1252"),
            as_csv(HEADER, ROW, encoding="latin-1"),
            as_csv(HEADER, ROW, encoding="utf-16", separator="\t"),
            as_csv(HEADER, ROW, end="\r\n"),
            as_csv(HEADER, ROW, end="\r"),
            as_xlsx(HEADER.split(";"), ROW.split(";")),
            as_xlsx(HEADER.split(";"), ROW.split(";"), sheets=3),
        ],
        ids=["semicolon", "comma", "tab", "UTF-8 mark", "cp1252", "latin-1", "UTF-16", "CRLF", "CR", "XLSX", "sheets"],
    )
    def test_list_is_read_whatever_wrote_it(self, raw):
        table = read_table(raw)

        assert table.header == HEADER.split(";")
        assert table.rows == [(2, ROW.split(";"))]

    def test_rows_are_numbered_as_the_spreadsheet_shows_them(self):
        table = read_table(as_csv("List of 12 March", "", HEADER, ROW, "", ";;;", ROW))

        assert (table.header_row, [number for number, _cells in table.rows]) == (3, [4, 7])

    def test_hint_of_a_spreadsheet_is_a_row(self):
        assert [number for number, _cells in read_table(as_csv("sep=;", HEADER, ROW)).rows] == [3]

    def test_cell_over_several_lines_is_one_row(self):
        table = read_table(as_csv("Prénom;Nom", '"Zoé\nMarie";Durand', "Ali;Ben"))

        assert table.rows == [(2, ["Zoé\nMarie", "Durand"]), (3, ["Ali", "Ben"])]

    def test_apostrophe_of_our_own_lists_is_taken_away(self):
        table = read_table(as_csv("Nom;Tél", "'=1+1;'+33 6 12 34 56 78", "'t Hooft;1"))

        assert [cells for _number, cells in table.rows] == [["=1+1", "+33 6 12 34 56 78"], ["'t Hooft", "1"]]

    def test_spreadsheet_values_become_text_and_formulas_are_not_computed(self):
        raw = as_xlsx(["Prénom", "Nom", "Né le", "Tél"], ["Zoé", "=1+1", dt.datetime(1990, 3, 12), 612345678.0])

        assert read_table(raw).rows == [(2, ["Zoé", "", "1990-03-12", "612345678"])]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "no_header"),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_a_list"),
            (b"%PDF-1.4\n\x01\x02", "not_a_list"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "old_excel"),
            (b"PK\x03\x04 broken", "damaged"),
            (as_xlsx(HEADER.split(";"), ROW.split(";"))[:-200], "damaged"),
            (zipped(a="b"), "damaged"),
            (zipped(a=b"0" * 90_000_000), "bomb"),
            (zipped(**{f"p{n}": b"" for n in range(600)}), "bomb"),
            (zipped(xl__workbook=b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'), "not_a_list"),
            (b"x" * (10 * 1024 * 1024 + 1), "too_large"),
            (b"Shopping;List\nmilk;2\n", "no_header"),
            (as_csv(HEADER), "no_rows"),
            (as_csv(HEADER, *([ROW] * (MOST_ROWS + 1))), "too_many_rows"),
        ],
        ids=["empty", "picture", "PDF", "xls", "no zip", "cut zip", "other zip", "bomb", "many parts", "entities",
             "large", "other list", "header only", "long"],
    )  # fmt: skip
    def test_what_is_no_list_is_refused(self, raw, code):
        with pytest.raises(UnreadableFile) as refusal:
            read_table(raw)

        assert refusal.value.code == code

    def test_longest_list_is_read(self):
        assert len(read_table(as_csv(HEADER, *([ROW] * MOST_ROWS))).rows) == MOST_ROWS

    def test_rubbish_never_breaks_the_reader(self):
        whole, rng = as_xlsx(HEADER.split(";"), ROW.split(";")), random.Random(7)

        outcomes = Counter(outcome_of(with_wrong_bytes(whole, rng)) for _ in range(60))

        assert outcomes.keys() <= {"read", "damaged", "bomb", "not_a_list"}
        assert outcomes["damaged"] >= 30


class TestColumns:
    @pytest.mark.parametrize(
        ("header", "field"),
        [
            ("Prénom", "first_name"), ("PRENOM", "first_name"), ("First name", "first_name"), ("NOM", "last_name"),
            ("Date de naissance", "birth_year"), ("Né(e) en", ""), ("Year of birth", "birth_year"),
            ("Commune", "town"), ("Tél.", "phone"), ("Adresse e-mail", "contact_email"), ("Courriel", "contact_email"),
            ("Responsable", "guardian_name"), ("Téléphone du responsable", "guardian_phone"), ("Langue", "language"),
            ("Shoe size", ""), ("", ""),
        ],
    )  # fmt: skip
    def test_column_is_understood(self, header, field):
        assert fields_of([header]) == [field]

    def test_titles_of_our_own_lists_are_understood(self):
        french = ["", "année de naissance", "ville", "téléphone", "adresse e-mail", "adulte responsable"]
        titles = ["Prénom", "Nom", *french[1:], "téléphone de l’adulte responsable", "langue"]

        assert fields_of(titles) == list(LABELS)
        with override("en"):
            assert fields_of([str(label) for label in LABELS.values()]) == list(LABELS)

    def test_second_column_of_a_kind_is_ignored(self):
        assert fields_of(["Nom", "Name", "Ville"]) == ["last_name", "", "town"]

    def test_no_name_means_two_things_and_each_field_has_its_words(self):
        names = [name for names in NAMES.values() for name in names]

        assert len(names) == len(set(names))
        assert NAMES.keys() == LABELS.keys() == LENGTHS.keys() | {"birth_year", "language"}


class TestChecking:
    def test_row_becomes_a_person(self):
        found = checked(HEADER, ROW)

        assert found.errors == []
        assert found.entries == [
            {
                "row": 2, "first_name": "Zoé", "last_name": "Durand", "birth_year": 1990, "town": "Nantes",
                "phone": "06 12 34 56 78", "contact_email": "zoe@example.org", "language": "fr",
            }
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("written", "year"),
        [("1950", 1950), ("1950-03-12", 1950), ("12/03/1950", 1950), ("2.3.1950", 1950), ("1950-03-12 00:00:00", 1950)],
    )
    def test_birth_year_is_found_in(self, written, year):
        assert checked("Prénom;Nom;Naissance", f"Zoé;Durand;{written}").entries[0]["birth_year"] == year

    @pytest.mark.parametrize(("written", "kept"), [("612345678", "0612345678"), ("+33 6 12", "+33 6 12")])
    def test_phone_keeps_its_first_nought(self, written, kept):
        written, kept = (text.replace("+33 6 12", "+33 6 12 34") for text in (written, kept))

        assert checked("Prénom;Nom;Tél", f"Zoé;Durand;{written}").entries[0]["phone"] == kept

    @pytest.mark.parametrize(
        ("row", "code", "field"),
        [
            (";;1990;;;;;;", "no_name", "last_name"),
            (";Durand;1990;;;;;;", "no_first_name", "first_name"),
            ("Zoé;Durand;50;;;;;;", "birth_year", "birth_year"),
            ("Zoé;Durand;1850;;;;;;", "birth_year_range", "birth_year"),
            ("Zoé;Durand;2030;;;;;;", "birth_year_range", "birth_year"),
            ("Zoé;Durand;;;none;;;;", "phone", "phone"),
            ("Zoé;Durand;;;;zoe@;;;", "email", "contact_email"),
            ("Zoé;Durand;;;;;;;Klingon", "language", "language"),
            (f"Zoé;{'D' * 81};;;;;;;", "too_long", "last_name"),
            ("Zoé;Durand;2015;;;;Anne Durand;;", "guardian_phone_missing", "guardian_phone"),
        ],
        ids=lambda value: value if str(value).isidentifier() else "",
    )
    def test_mistake_is_told(self, row, code, field):
        found = checked(HEADER, row)

        assert [(e.row, e.code, e.field) for e in found.errors] == [(2, code, field)]
        assert found.entries == []

    @pytest.mark.parametrize(
        ("second", "is_twice"),
        [
            ("zoe;DURAND;1990;;;;;;", True),
            ("Zoé;Durand;;;;;;;", True),
            ("Zoé;Durand;1991;;;zoe@EXAMPLE.org;;;", True),
            ("Zoé;Durand;1991;;;other@example.org;;;", False),
            ("Zoée;Durand;1990;;;;;;", False),
        ],
        ids=["same year", "no year", "same e-mail", "other year", "other name"],
    )
    def test_person_who_stands_there_twice_is_taken_once(self, second, is_twice):
        found = checked(HEADER, ROW, second)

        assert [(e.row, e.code, dict(e.params)) for e in found.errors] == [(3, "twice", {"earlier": 2})] * is_twice
        assert len(found.entries) == 2 - is_twice

    def test_every_mistake_of_a_row_is_told(self):
        found = checked(HEADER, "Zoé;Durand;50;;none;zoe@;;;")

        assert [e.code for e in found.errors] == ["birth_year", "phone", "email"]

    def test_every_code_has_a_sentence(self):
        text = "".join(inspect.getsource(module) for module in (check, match, run))

        assert [code for code in [*SENTENCES, *NOTICES] if f'"{code}"' not in text] == []


def test_list_with_quotes_and_separators_inside_cells():
    out = io.StringIO()
    csv.writer(out).writerows([["First name", "Name", "Town"], ['Zo"é', "Durand, Martin", "Nantes; centre"]])

    found = check_table(read_table(out.getvalue().encode()), year=YEAR)

    assert [found.entries[0][name] for name in ("first_name", "last_name", "town")] == [
        'Zo"é', "Durand, Martin", "Nantes; centre",
    ]  # fmt: skip
