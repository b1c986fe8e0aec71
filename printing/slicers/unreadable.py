"""Why a print file could not be read: one exception, four codes."""

from enum import StrEnum


class Unreadable(StrEnum):
    """What is wrong with the file; the codes are stable, the sentence is found for them at the edge."""

    NOT_GCODE = "not_gcode"
    """Something else: a picture, a program, a project that was never sliced."""
    DAMAGED = "damaged"
    """Cut short, contradicting itself, or made to mislead."""
    SEVERAL_PLATES = "several_plates"
    """More than one plate: the person exports one plate."""
    TOO_LARGE_INSIDE = "too_large_inside"
    """More comes out of it than any print needs."""


class UnreadableFile(Exception):
    """The file is not what it should be; `code` says how."""

    def __init__(self, code: Unreadable) -> None:
        super().__init__(code.value)
        self.code = code
