"""Cells of lists that somebody will open in a spreadsheet."""

# A spreadsheet takes a cell that begins so for a formula, and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(value: object) -> str:
    """The value as text that no spreadsheet runs: what looks like a formula gets an apostrophe before it."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def meant_cell(text: str) -> str:
    """What was meant by a cell of a list: without the apostrophe of `plain_cell`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text
