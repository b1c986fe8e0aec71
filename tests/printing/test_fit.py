"""What a file was made for against what hangs in the printer: different blocks, half known is looked at."""

import pytest

from printing.fit import Code, Fit, fit_denials, unknown_fits


@pytest.mark.parametrize(
    ("wanted", "mounted", "expected"),
    [
        (Fit(), Fit(), []),
        (Fit("MK4", 0.4, "PLA"), Fit("MK4", 0.4, "PLA"), []),
        (Fit("MK4"), Fit("MINI"), [Code.WRONG_PRINTER]),
        (Fit("MK4IS"), Fit("MK4"), []),
        (Fit("Original Prusa MINI"), Fit("original-prusa mini"), []),
        (Fit(nozzle_mm=0.4), Fit(nozzle_mm=0.6), [Code.WRONG_NOZZLE]),
        (Fit(nozzle_mm=0.400001), Fit(nozzle_mm=0.4), []),
        (Fit(material="PETG"), Fit(material="PLA"), [Code.WRONG_MATERIAL]),
        (Fit(material="PLA, PETG"), Fit(material="pla"), []),
        (Fit("MK4", 0.6, "ABS"), Fit("XL", 0.4, "PLA"), [Code.WRONG_PRINTER, Code.WRONG_NOZZLE, Code.WRONG_MATERIAL]),
        (Fit("MK4", 0.4, "PLA"), Fit(), []),
    ],
    ids=[
        "nothing known", "all the same", "another model", "a model with extras", "written otherwise", "another nozzle",
        "a hair's breadth", "another material", "one of several", "nothing fits", "printer unknown",
    ],
)  # fmt: skip
def test_file_is_held_against_what_is_mounted(wanted, mounted, expected):
    assert [denial.code for denial in fit_denials(wanted, mounted)] == expected


@pytest.mark.parametrize(
    ("wanted", "mounted", "expected"),
    [
        (Fit(), Fit(), []),
        (Fit("MK4", 0.4, "PLA"), Fit("MK4", 0.4, "PLA"), []),
        (Fit(nozzle_mm=0.4), Fit(), [Code.WRONG_NOZZLE]),
        (Fit(), Fit(material="PLA"), [Code.WRONG_MATERIAL]),
    ],
    ids=["nothing known", "all known", "only the file tells", "only the printer tells"],
)
def test_half_known_is_looked_at(wanted, mounted, expected):
    assert unknown_fits(wanted, mounted) == expected
