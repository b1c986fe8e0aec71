"""Why a print is refused, why it waits, and that each reason has its sentence."""

import datetime as dt

import pytest
from django.utils.translation import override

from fablab.lib.denials import Denial
from printing import backends, dispatch
from printing.backends import PrinterError
from printing.fit import Code as FitCode
from printing.messages import FAILURES, WORDS, failure_words, sentence_of
from printing.policy import ANSWERS
from printing.rules import Code, JobFacts, StartFacts, job_denials, start_denials
from printing.slicers.unreadable import Unreadable

NOW = dt.datetime(2026, 3, 11, 9, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PARAMS = {
    Code.RESERVATION_TOO_SHORT: {"estimated": 3 * HOUR, "left": HOUR},
    Code.FORBIDDEN_COMMAND: {"line": 12, "command": "M112"},
    Code.LINE_TOO_LONG: {"line": 3, "limit_bytes": 1024},
    Code.TOO_LARGE: {"most_mb": 200},
    Code.NOT_GCODE: {"reason": "zip"},
    Code.TOO_MANY_DRAFTS: {"most": 10},
    Code.TOO_MUCH_KEPT: {"most_gb": 2},
    Code.BEFORE_NEXT: {"estimated": 3 * HOUR, "left": HOUR},
    "host_command": {"line": 4, "command": "@cancel"},
    "too_hot": {"part": "nozzle", "asked_c": 320.0, "most_c": 285.0, "line": 9},
    "outside_bed": {"axis": "x", "mm": 251.5, "least_mm": -5, "most_mm": 255, "line": 7},
    FitCode.WRONG_KIND_OF_FILE: {"kind": "bgcode"},
    FitCode.WRONG_PRINTER: {"wanted": "MK4", "mounted": "MINI"},
    FitCode.WRONG_NOZZLE: {"wanted": 0.4, "mounted": 0.6},
    FitCode.WRONG_MATERIAL: {"wanted": "PLA", "mounted": "PETG"},
}
REASONS_OF_OURS = {
    "file_missing",
    "connection_lost",
    "stopped_at_printer",
    "lost",
    "said_by_person",
    "too_many_tries",
    "secret_unreadable",
}


def job_facts(**changes):
    facts = {"has_printer": True, "reservation_start": NOW, "reservation_end": NOW + 2 * HOUR, "estimated": HOUR}
    return JobFacts(**(facts | changes))


def too_short(estimated, left):
    return [Denial(Code.RESERVATION_TOO_SHORT, {"estimated": estimated, "left": left})]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"estimated": 2 * HOUR}, []),
        ({"estimated": 3 * HOUR}, too_short(3 * HOUR, 2 * HOUR)),
        ({"estimated": None}, []),
        ({"reservation_start": NOW + HOUR, "estimated": 2 * HOUR}, too_short(2 * HOUR, HOUR)),
        ({"reservation_start": NOW - HOUR, "estimated": 3 * HOUR}, too_short(3 * HOUR, 2 * HOUR)),
        ({"has_printer": False}, [Denial(Code.NO_PRINTER)]),
        ({"reservation_start": None, "reservation_end": None}, [Denial(Code.NO_RESERVATION)]),
        (
            {"has_printer": False, "reservation_start": None, "reservation_end": None},
            [Denial(Code.NO_PRINTER), Denial(Code.NO_RESERVATION)],
        ),
    ],
    ids=[
        "fits",
        "fits exactly",
        "too long",
        "unknown length",
        "counts from the start of a later one",
        "counts from now in a running one",
        "no printer",
        "no reservation",
        "neither",
    ],
)
def test_job_is_refused_for_every_reason(changes, expected):
    assert job_denials(facts=job_facts(**changes), now=NOW) == expected


READY = {
    "has_reservation": True,
    "is_checked_in": True,
    "is_bed_clear": True,
    "is_printer_ready": True,
    "is_reachable": True,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"is_checked_in": False}, [Code.NOT_CHECKED_IN]),
        ({"has_reservation": False, "is_checked_in": False}, [Code.NO_RESERVATION]),
        ({"is_bed_clear": False}, [Code.BED_NOT_CLEAR]),
        ({"is_printer_ready": False}, [Code.PRINTER_BUSY]),
        ({"is_printer_ready": False, "is_reachable": False}, [Code.PRINTER_AWAY]),
        ({"is_printer_ready": False, "is_in_error": True}, [Code.PRINTER_IN_ERROR]),
        ({"is_printer_ready": False, "is_in_error": True, "is_reachable": False}, [Code.PRINTER_AWAY]),
        (
            {"is_checked_in": False, "is_bed_clear": False, "is_printer_ready": False},
            [Code.NOT_CHECKED_IN, Code.BED_NOT_CLEAR, Code.PRINTER_BUSY],
        ),
    ],
    ids=[
        "nothing",
        "not there",
        "reservation over",
        "bed",
        "busy",
        "away says it alone",
        "error says it alone",
        "away hides an old error",
        "all",
    ],
)
def test_job_waits_for_every_reason(changes, expected):
    assert start_denials(StartFacts(**(READY | changes))) == [Denial(code) for code in expected]


def test_every_code_has_its_words():
    assert set(Code) | set(FitCode) | set(Unreadable) | set(ANSWERS) <= set(WORDS)


@pytest.mark.parametrize("code", WORDS)
def test_refusal_has_its_sentence_and_next_step(code):
    sentence = sentence_of(Denial(code, PARAMS.get(code, {})))

    assert code in WORDS
    assert sentence.code == code
    assert sentence.message.endswith(".")
    assert sentence.next_step.endswith(".")
    assert "%(" not in sentence.message + sentence.next_step


def family(error):
    return {error} | {found for child in error.__subclasses__() for found in family(child)}


def test_every_error_of_a_backend_and_every_end_has_its_sentence():
    codes = {error.code for error in family(PrinterError)} | REASONS_OF_OURS

    assert backends.AddressRefused.code in codes
    assert codes - set(FAILURES) == set()
    assert all(failure_words(code).endswith(".") for code in codes)


def test_unknown_code_still_says_that_it_failed():
    with override("en"):
        assert failure_words("from a later version") == "The print failed."
    assert failure_words("") == ""


def test_tries_of_an_upload_span_half_an_hour():
    waits = [dispatch.UPLOAD_AGAIN * 2**n for n in range(dispatch.UPLOAD_TRIES - 1)]

    assert sum(waits, dt.timedelta()) == dt.timedelta(minutes=30)
