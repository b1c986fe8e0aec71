"""What a file was made for against what hangs in the printer: different blocks, half known is looked at."""

import pytest

from printing.fit import Code, Fit, fit_denials, same_model, unknown_fits


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MK4", "mk4"),
        ("MK4IS", "MK4"),
        ("MK4ISMMU3", "MK4"),
        ("MK3SMMU2S", "Original Prusa i3 MK3S+"),
        ("MK4 Input Shaper", "MK4"),
        ("XLIS", "Prusa XL"),
        ("MINIIS", "Original Prusa MINI"),
        ("MINI", "MINI+"),
        ("COREONE", "Prusa CORE One"),
        ("A1 mini", "Bambu Lab A1 mini"),
        ("BL-P001", "Bambu Lab X1 Carbon"),
        ("Bambu Lab A1 mini 0.4 nozzle", "A1 mini"),
        ("Creality Ender-3", "Ender 3"),
        ("MK3", "MK3S"),
    ],
)
def test_model_is_known_however_it_is_written(one, other):
    assert same_model(one, other)
    assert same_model(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bambu Lab A1", "Bambu Lab A1 mini"),
        ("Ender-3", "Ender-3 Max"),
        ("Ender-3 V3", "Ender-3"),
        ("X", "XL"),
        ("XL", "XL5"),
        ("MK4", "MK4S"),
        ("MK3", "MK3.9"),
        ("X1", "X1 Carbon"),
        ("P1P", "P1S"),
        ("K1", "K1 Max"),
        ("Ultimaker 2", "Ultimaker 2+"),
        ("Prusa XL", "Elegoo XL"),
        ("BL-P001", "A1"),
        ("Prusa", "Prusa MK4"),
    ],
)
def test_longer_name_is_another_printer(one, other):
    assert not same_model(one, other)
    assert not same_model(other, one)
