"""Prints come from the lab of the tests of prints."""

from tests.printing.conftest import lab, printers_allowed  # noqa: F401 (fixtures)
